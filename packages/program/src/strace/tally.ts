/** What a replay counts, and the remarks that come of it. */

/** How many names a group lists; what comes after them is counted together. */
const MAX_NAMES = 200;

/** Groups of things that are counted by name, and what is said of them. */
const GROUPS = {
  noEffect: 'calls that have no effect on memory here, and were passed over',
  notModelled: 'calls whose effect on memory is not modelled, and which were passed over',
  failedThere: 'calls that failed there for reasons that are not in the log, and were passed over',
  notUnderstood: 'calls whose arguments or result could not be understood, and which were passed over',
  flags: 'flags that mean nothing in NetBSD, and were left out',
  advice: 'advice that NetBSD does not know, and was not given',
} as const;

/** A group of things that are counted by name. */
export type Group = keyof typeof GROUPS;

/** Things that are counted together, and what is said of them in front of the number. */
const COUNTS = {
  touchedBuffers:
    'buffers that were touched as calls on them did, with zeros, because a log shows either where they are or what is in them',
  hiddenBuffers: 'buffers that were not touched, because the log shows what was in them instead of where they are',
  failedTouches: 'buffers that could not be touched, for want of memory or because nothing is mapped there',
  initialPages:
    'pages that the log never maps but shows to be there (program, loader, stack), and which were mapped when a call first needed them',
  sharedForks: 'children that share the memory of a parent which was not made to wait, because the log says when it goes on',
  dontNeed: 'MADV_DONTNEED, performed as NetBSD does it, which keeps what is in the memory, where Linux reads zeros afterwards',
  earlyCalls: 'calls that were performed before they came back in the log, because others had seen their effect',
  strangers: 'processes that appear from nowhere, because the log begins after they did or lines of it are missing',
  tooMany: 'processes and threads that were not followed, because too many were alive at one time',
  unfinished: 'calls that never come back in the log, and were passed over',
  lostProcesses: 'processes that this kernel ended while the log shows them alive',
  alive: 'processes that are alive where the log ends, and were made to exit',
  cutLines: 'lines that are cut off where the log, or strace, ended',
  moreDifferences: 'results that differ and are not listed',
} as const;

/** A thing that is counted. */
export type Count = keyof typeof COUNTS;

/** Counts by name and otherwise, in memory that does not grow with the log. */
export class Tally {
  readonly #groups = new Map<Group, Map<string, number>>();
  readonly #counts = new Map<Count, number>();
  #badLines = 0;
  #firstBadLine = '';

  /** Counts something by name. */
  name(group: Group, name: string): void {
    let names = this.#groups.get(group);
    if (names === undefined) {
      names = new Map();
      this.#groups.set(group, names);
    }
    const key = names.has(name) || names.size < MAX_NAMES ? name : 'others';
    names.set(key, (names.get(key) ?? 0) + 1);
  }

  /** Counts something. */
  count(what: Count, times = 1): void {
    if (times > 0) this.#counts.set(what, this.of(what) + times);
  }

  /** How often something was counted. */
  of(what: Count): number {
    return this.#counts.get(what) ?? 0;
  }

  /** Counts a line that is no strace line. */
  badLine(message: string): void {
    if (this.#badLines === 0) this.#firstBadLine = message;
    this.#badLines++;
  }

  /** A sentence for each thing that was counted. */
  remarks(): string[] {
    const remarks: string[] = [];
    for (const [what, sentence] of Object.entries(COUNTS)) {
      const times = this.of(what as Count);
      if (times > 0) remarks.push(`${sentence}: ${times}`);
    }
    if (this.#badLines > 0)
      remarks.push(`lines that are no strace lines, and were skipped: ${this.#badLines}, the first ${this.#firstBadLine}`);
    for (const [group, sentence] of Object.entries(GROUPS)) {
      const names = this.#groups.get(group as Group);
      if (names !== undefined) remarks.push(`${sentence}: ${listNames(names)}`);
    }
    return remarks;
  }
}

/** `close 12, fstat 3`, the most frequent first. */
function listNames(names: ReadonlyMap<string, number>): string {
  return [...names]
    .sort(([a, times], [b, others]) => others - times || (a < b ? -1 : 1))
    .map(([name, times]) => `${name} ${times}`)
    .join(', ');
}
