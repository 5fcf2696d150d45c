/** Resource limits. `getrlimit(2)`, sys/sys/resource.h; the numbers are the same in both BSDs for those that memory needs. */

import type { Stateful, StateWriter } from './state.js';

export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_MEMLOCK = 6;
export const RLIMIT_NPROC = 7;
export const RLIMIT_NOFILE = 8;
export const RLIMIT_SBSIZE = 9;
export const RLIMIT_AS = 10;

/** How many limits there are. */
export const RLIM_NLIMITS = 11;

/** No limit. */
export const RLIM_INFINITY = Number.POSITIVE_INFINITY;

/** A soft limit, which is enforced, and a hard one, up to which the soft one may be raised. Bytes, or a count. */
export interface Limit {
  readonly current: number;
  readonly maximum: number;
}

/** The limits of a process. Immutable: a change makes a new set, so that a fork may share it. */
export class Limits implements Stateful {
  readonly #limits: readonly Limit[];
  #told: string | null = null;

  constructor(
    limits: readonly Limit[] = Array.from({ length: RLIM_NLIMITS }, () => ({ current: RLIM_INFINITY, maximum: RLIM_INFINITY })),
  ) {
    this.#limits = limits;
  }

  /** One limit, or undefined when there is none of that number. */
  get(which: number): Limit | undefined {
    return this.#limits[which];
  }

  /** The soft limit; infinite when there is none of that number. */
  soft(which: number): number {
    return this.#limits[which]?.current ?? RLIM_INFINITY;
  }

  /** The same set with one limit changed. */
  with(which: number, limit: Limit): Limits {
    return new Limits(this.#limits.map((old, index) => (index === which ? limit : old)));
  }

  writeState(writer: StateWriter): void {
    // They never change, so they are told as the text that was made of them once.
    this.#told ??= this.#limits.map(({ current, maximum }) => `${current}:${maximum}`).join(' ');
    writer.field('limits', this.#told);
  }
}
