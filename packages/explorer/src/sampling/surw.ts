/**
 * Selectively uniform random walk: all orders of a few interesting steps are about equally likely, whatever else there is to be done
 * in between, and however unequal the threads are.
 *
 * The interesting steps are those at some sites, which are drawn for each execution from what two threads or more touch. Of each thread it
 * is known from earlier executions how many of them it has left. One thread is intended to take the next of them, drawn by how many
 * it has left; the others wait in front of theirs. Of all other steps, those of the thread with the highest priority come first; these
 * priorities are drawn once, which was measured to find more than drawing for each step. A thread that is still to be started counts with
 * the one that will start it.
 */
import type { Lwp, SchedulingPoint, SeededRandom } from '@faultline/kernel';
import type { Outcome } from '../execution.js';
import { type Census, isOfInterest, Tally } from './census.js';
import { drawn, type Engine, type EngineContext, samplerOptions } from './engine.js';
import { Patience } from './patience.js';
import { Sampler, type SamplerOptions } from './sampler.js';

/** Sites that are interesting in one execution, at most. */
const MAX_SITES = 20;

/** One execution that is about even over the orders of some steps. */
export class SurwSampler extends Sampler {
  readonly name: string = 'surw';
  readonly tally: Tally;
  readonly #random: SeededRandom;
  readonly #sites: ReadonlySet<number>;
  /** Interesting steps of each thread by its number, those included of the threads that it is still to start. */
  readonly #left: number[];
  readonly #patience = new Patience();
  /** The thread that is to take the next interesting step. */
  #intended: Lwp | null = null;
  /** By number of thread. */
  readonly #priorities: number[] = [];
  /** Below every priority so far. */
  #bottom = 0;

  /** @param sites that are interesting, by their numbers */
  constructor(random: SeededRandom, sites: ReadonlySet<number>, census: Census, options: SamplerOptions) {
    super(options);
    this.#random = random;
    this.#sites = sites;
    this.tally = new Tally(census.sites);
    this.#left = interestingSteps(census, sites);
  }

  protected decide(runnable: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#meet(point);
    if (this.#intended === null || this.#intended.idle) this.#intended = this.#drawIntended(point.lwps);
    const next = this.#highestFree(runnable);
    if (next === null) {
      this.#intended = this.#drawByLeft(runnable) ?? drawn(this.#random, runnable, usual);
      return this.#intended;
    }
    if (!this.#patience.goesInCircles(next)) return next;
    // It may wait for an interesting step of somebody else, or for any other.
    this.#priorities[next.id] = --this.#bottom;
    this.#intended = drawn(
      this.#random,
      runnable.filter((lwp) => lwp !== next),
      next,
    );
    return this.#intended;
  }

  protected override announced(next: Lwp, point: SchedulingPoint): void {
    this.#meet(point);
    this.tally.count(next);
    if (!this.#isInteresting(next)) return;
    this.#left[next.id] = Math.max(0, (this.#left[next.id] ?? 0) - 1);
    if (next === this.#intended) this.#intended = null;
  }

  #meet({ lwps, current }: SchedulingPoint): void {
    this.tally.meet(lwps, current, (lwp, parent) => {
      // A thread that nobody knows is taken to have one interesting step.
      this.#left[lwp.id] ??= 1;
      if (parent === null) return;
      const mine = this.#left[lwp.id] ?? 0;
      const rest = Math.max(0, (this.#left[parent.id] ?? 0) - mine);
      this.#left[parent.id] = rest;
      if (parent === this.#intended && mine > 0 && this.#random.below(mine + rest) < mine) this.#intended = lwp;
    });
  }

  /** Of the threads that need not wait for the intended one, that with the highest priority. */
  #highestFree(runnable: readonly Lwp[]): Lwp | null {
    let highest: Lwp | null = null;
    let best = Number.NEGATIVE_INFINITY;
    for (const lwp of runnable) {
      if (lwp !== this.#intended && this.#isInteresting(lwp)) continue;
      let priority = this.#priorities[lwp.id];
      if (priority === undefined) {
        priority = this.#random.next();
        this.#priorities[lwp.id] = priority;
      }
      if (priority <= best) continue;
      best = priority;
      highest = lwp;
    }
    return highest;
  }

  #isInteresting({ op, object }: Lwp): boolean {
    return object !== null && isOfInterest(op) && this.#sites.has(this.tally.siteOf(object));
  }

  #drawIntended(lwps: readonly Lwp[]): Lwp | null {
    return this.#drawByLeft(lwps.filter((lwp) => !lwp.idle));
  }

  /** A thread, drawn by how many interesting steps it has left; null when nobody has any. */
  #drawByLeft(lwps: readonly Lwp[]): Lwp | null {
    let sum = 0;
    for (const { id } of lwps) sum += this.#left[id] ?? 0;
    if (sum === 0) return null;
    let place = this.#random.below(sum);
    for (const lwp of lwps) {
      place -= this.#left[lwp.id] ?? 0;
      if (place < 0) return lwp;
    }
    return null;
  }
}

/** How many steps each thread, with those that it starts, has at some sites. */
function interestingSteps({ counts, parents }: Census, sites: ReadonlySet<number>): number[] {
  const threads = Math.max(counts.length, parents.length);
  const left = Array.from({ length: threads }, (_, lwp) => {
    let own = 0;
    for (const site of sites) own += counts[lwp]?.[site] ?? 0;
    return own;
  });
  // Threads are numbered in order of creation, so the last one has started none.
  for (let lwp = threads - 1; lwp >= 0; lwp--) {
    const parent = parents[lwp];
    if (parent !== undefined) left[parent] = (left[parent] ?? 0) + (left[lwp] ?? 0);
  }
  return left;
}

/** The selectively uniform random walk. */
export class SurwEngine implements Engine {
  readonly name = 'surw';
  readonly #random: SeededRandom;
  readonly #context: EngineContext;
  #current: SurwSampler | null = null;

  constructor(random: SeededRandom, context: EngineContext) {
    this.#random = random;
    this.#context = context;
  }

  next(): SurwSampler {
    const { census } = this.#context;
    const sites = this.#drawSites(census.shared);
    this.#current = new SurwSampler(this.#random, sites, census, samplerOptions(this.#context, this.#random));
    return this.#current;
  }

  learn(_outcome: Outcome): void {
    if (this.#current !== null) this.#context.census.add(this.#current.tally);
  }

  /** Half of the time one site, half of the rest two, and so on. */
  #drawSites(shared: readonly number[]): ReadonlySet<number> {
    const sites = new Set<number>();
    const most = Math.min(MAX_SITES, shared.length);
    do sites.add(drawn(this.#random, shared, -1));
    while (sites.size < most && this.#random.below(2) === 0);
    return sites;
  }
}
