/** What running a syzkaller program leaves to be said, in sentences. */
import type { Stateful } from '@faultline/kernel';

/** Calls that a sentence lists; those after them are counted. */
const MAX_LISTED = 20;

/** Things that are told with the calls that they happened to. */
const GROUPS = {
  unknown: 'skipped {calls} that Faultline does not have',
  notDone: 'skipped {calls} in a form that Faultline does not have',
  untranslated: 'left out flags of Linux that mean nothing in NetBSD, in {calls}',
  noFork: 'skipped {calls} to fork, because there were 64 processes already',
  rerun: 'made {calls} 1,000 times more, and not as often as the program asks for',
  inLine: 'made {calls} in the order of the program and not beside it, because 32 async calls were under way',
  noFault: 'ordered a fault for {calls} that met fewer occasions for one',
  cut: 'cut off the data of {calls} at 16 MiB, because more does not fit into the data area',
  noStore: 'passed over a fault while the data of {calls} was being stored, as syz-executor does',
  noLoad: 'passed over a fault while a result of {calls} was being loaded, which stays without a value',
  stuck: 'did not wait for {calls} that would never have come back, as syz-executor does after a while',
} as const;

/** A thing that is told with the calls that it happened to. */
export type Group = keyof typeof GROUPS;

/** Collects what is to be said. */
export class Tally implements Stateful {
  readonly #groups = new Map<Group, Set<string>>();

  /** Notes that something happened. @param what `mmap (line 3)`, said once however often it happens */
  note(group: Group, what: string): void {
    const calls = this.#groups.get(group);
    if (calls === undefined) this.#groups.set(group, new Set([what]));
    else calls.add(what);
  }

  /** Tells nothing: what is to be said of a program does not change what it does. */
  writeState(): void {}

  /** A sentence for each group in which something happened. */
  remarks(): string[] {
    return Object.entries(GROUPS).flatMap(([group, sentence]) => {
      const calls = [...(this.#groups.get(group as Group) ?? [])];
      if (calls.length === 0) return [];
      const more = calls.length > MAX_LISTED ? `, and ${calls.length - MAX_LISTED} more` : '';
      const count = calls.length === 1 ? '1 call' : `${calls.length} calls`;
      return [`${sentence.replace('{calls}', count)}: ${calls.slice(0, MAX_LISTED).join(', ')}${more}`];
    });
  }
}
