/** Threads and steps in words: `B's munmap takes vmmaplk 3 for writing`. */
import type { Leaving, RacingStep, TracedStep, TracedThread, TracedWaiting } from '@faultline/explorer';
import type { TracedFault } from './loud-run.js';

/** A step, as far as it has to be known to say what it does. */
export type Doing = Pick<RacingStep, 'op' | 'object'> & Partial<Pick<TracedStep, 'got' | 'woke' | 'interlock'>>;

/** Names for the threads of a trace: letters, and numbers for those of the kernel's own. */
export class ThreadLetters {
  readonly #letters = new Map<string, string>();

  readonly #faults: readonly TracedFault[];

  /** @param faults the page faults of the trace, so that what is done in them can be told */
  constructor(threads: readonly TracedThread[], faults: readonly TracedFault[] = []) {
    this.#faults = faults;
    let letters = 0;
    let kernel = 0;
    for (const { name, kernel: own } of threads) {
      this.#letters.set(name, own ? `K${++kernel}` : letterOf(letters++));
    }
  }

  /** `B` */
  of({ name }: Pick<TracedThread, 'name'>): string {
    return this.#letters.get(name) ?? name;
  }

  /** `A and B` */
  all(threads: readonly TracedThread[]): string {
    return threads
      .map((thread) => this.of(thread))
      .sort()
      .join(' and ');
  }

  /** `B's munmap`, `B's fault`, or `B` in neither. */
  actor({ thread, call, number }: Pick<RacingStep, 'thread' | 'call' | 'number'>): string {
    const at = number ?? Number.POSITIVE_INFINITY;
    const faults = call === '' && this.#faults.some(({ lwp, from, to }) => lwp === thread.name && from <= at && at <= to);
    const what = faults ? 'fault' : call;
    return what === '' ? this.of(thread) : `${this.of(thread)}'s ${what}`;
  }

  /** `takes vmmaplk 3 for writing` */
  does({ op, object, got = true, woke, interlock = '' }: Doing): string {
    switch (op) {
      case 'start':
        return 'begins';
      case 'attempt':
        return got ? `takes ${object} for writing` : `wants ${object} for writing`;
      case 'acquire':
        return `takes ${object}`;
      case 'acquire-read':
        return `takes ${object} for reading`;
      case 'try':
      case 'try-read':
        return got ? `takes ${object} by a try` : `tries ${object} in vain`;
      case 'release':
        return `lets go of ${object}`;
      case 'upgrade':
        return got ? `turns its hold of ${object} into one for writing` : `cannot have ${object} for writing`;
      case 'downgrade':
        return `keeps ${object} for reading`;
      case 'sleep':
        return `falls asleep on ${object}${interlock === '' ? '' : `, letting go of ${interlock}`}`;
      case 'resume':
        return `goes on after waiting for ${object}`;
      case 'wakeup':
        if (woke === undefined) return `wakes who sleeps on ${object}`;
        return woke.length > 0 ? `wakes ${this.all(woke)}, on ${object}` : `wakes nobody: none sleeps on ${object}`;
      case 'atomic':
        return `changes ${object}`;
      case 'load':
        return `reads ${object}`;
      case 'store':
        return `writes ${object}`;
      case 'io-start':
        return `starts to ${object}`;
      case 'io-done':
        return `completes I/O on ${object}`;
      default:
        return `${op} ${object}`;
    }
  }

  /** Why a thread went no further: `A waits for amap 2, held by B`. */
  left({ kind, op, object, holders, message }: Leaving, thread: TracedThread): string {
    const who = this.of(thread);
    switch (kind) {
      case 'preempted':
        return `${who} is set aside in front of "${`${op} ${object}`.trim()}"`;
      case 'waits':
        return `${who} waits for ${object}${this.#heldBy(holders)}`;
      case 'sleeps':
        return `${who} sleeps on ${object}${message === '' ? '' : ` ("${message}")`}`;
      case 'ended':
        return `${who} has ended`;
    }
  }

  /** What a thread waits for at the end: `waits for amap 2, held by B`. */
  waits({ op, object, holders, message }: TracedWaiting): string {
    if (op === 'resume') return `sleeps on ${object}${message === '' ? '' : ` ("${message}")`}`;
    return `waits for ${object}${this.#heldBy(holders)}`;
  }

  #heldBy(holders: readonly TracedThread[]): string {
    return holders.length === 0 ? '' : `, held by ${this.all(holders)}`;
  }
}

/** `A` to `Z`, then `A1` and so on. */
function letterOf(index: number): string {
  const letter = String.fromCharCode('A'.charCodeAt(0) + (index % 26));
  return index < 26 ? letter : `${letter}${Math.floor(index / 26)}`;
}
