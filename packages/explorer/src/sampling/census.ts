/**
 * What executions have shown of a program: how many threads it has, how many decisions there are in it, which thread touches what, and how often.
 *
 * Threads are known by their number, and what they touch by its label: both are the same in most executions, and where they are not,
 * samplers that go by them are only a little less even.
 */
import type { Lwp, Op, StepObject } from '@faultline/kernel';
import { accessesDepend, accessOf, isGranted, SHARED } from '../dpor/access.js';

/** Steps that follow from others, and whose order is decided by them. */
const CONSEQUENCES: ReadonlySet<Op> = new Set<Op>(['start', 'release', 'resume']);

/** Whether the order in which threads take steps of this kind is of interest. */
export function isOfInterest(op: Op): boolean {
  return !CONSEQUENCES.has(op);
}

/** Whether two threads that are about to take their next steps would take notice of each other. */
export function areDependent(a: Lwp, b: Lwp): boolean {
  const { object, interlock } = a;
  if (object === null) return false;
  if (object === b.object) {
    return accessesDepend(accessOf(a.op, object, isGranted(a.op, object, a)), accessOf(b.op, object, isGranted(b.op, object, b)));
  }
  return object === b.interlock || (interlock !== null && (interlock === b.object || interlock === b.interlock));
}

/** Numbers things by their labels. */
export class SiteTable {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  /** The number of the site with that label, from 0. */
  numberOf(label: string): number {
    const known = this.#numbers.get(label);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(label, number);
    return number;
  }
}

/** Who has touched what in one execution. */
export class Tally {
  /** Steps of interest, by thread and then by site; undefined for none. */
  readonly counts: (number | undefined)[][] = [];
  /** Who has started each thread; undefined for those that were there at the start. */
  readonly parents: (number | undefined)[] = [];
  readonly #sites: SiteTable;
  /** Sites of this execution's things. */
  readonly #siteOf = new Map<StepObject, number>();
  readonly #written = new Set<number>();
  readonly #guards: (readonly number[] | undefined)[] = [];
  #threads = 0;

  constructor(sites: SiteTable) {
    this.#sites = sites;
  }

  /** Sites that were written to. */
  get written(): ReadonlySet<number> {
    return this.#written;
  }

  /** By site: the locks that were held whenever something was done there; undefined for a site that was not touched. */
  get guards(): readonly (readonly number[] | undefined)[] {
    return this.#guards;
  }

  /** The site of a thing. */
  siteOf(object: StepObject): number {
    let site = this.#siteOf.get(object);
    if (site === undefined) {
      site = this.#sites.numberOf(object.label);
      this.#siteOf.set(object, site);
    }
    return site;
  }

  /** Takes note of threads that are new; the one that ran last has made them. */
  meet(lwps: readonly Lwp[], current: Lwp, found: (lwp: Lwp, parent: Lwp | null) => void): void {
    const first = this.#threads === 0;
    const newest = lwps.at(-1);
    // Numbers grow: if the last is known, all are.
    if (newest === undefined || newest.id < this.#threads) return;
    const known = this.#threads;
    this.#threads = newest.id + 1;
    for (const lwp of lwps) {
      if (lwp.id < known) continue;
      if (!first) this.parents[lwp.id] = current.id;
      found(lwp, first ? null : current);
    }
  }

  /** A thread is about to take its next step. */
  count(lwp: Lwp): void {
    const { op, object } = lwp;
    if (object === null || !isOfInterest(op)) return;
    const site = this.siteOf(object);
    let row = this.counts[lwp.id];
    if (row === undefined) {
      row = [];
      this.counts[lwp.id] = row;
    }
    row[site] = (row[site] ?? 0) + 1;
    if (accessOf(op, object, true) !== SHARED) this.#written.add(site);
    const guards = this.#guards[site];
    if (guards === undefined) this.#guards[site] = lwp.held.map((lock) => this.siteOf(lock));
    else if (guards.length > 0)
      this.#guards[site] = guards.filter((guard) => lwp.held.some((lock) => this.siteOf(lock) === guard));
  }
}

/** What executions have shown of a program. */
export class Census {
  readonly sites = new SiteTable();
  /** Decisions between two threads or more in an execution, at most. */
  contended = 0;
  /** Steps of interest, by thread and then by site: as many as any execution had; undefined for none. */
  readonly counts: (number | undefined)[][] = [];
  readonly parents: (number | undefined)[] = [];
  readonly #written = new Set<number>();
  readonly #guards: (readonly number[] | undefined)[] = [];
  #shared: readonly number[] | null = null;

  /** Adds an execution. */
  add(tally: Tally): void {
    tally.counts.forEach((row, lwp) => {
      const known = this.counts[lwp] ?? [];
      this.counts[lwp] = known;
      row.forEach((count, site) => {
        if (count === undefined || count <= (known[site] ?? 0)) return;
        if (known[site] === undefined) this.#shared = null;
        known[site] = count;
      });
    });
    tally.parents.forEach((parent, lwp) => {
      this.parents[lwp] ??= parent;
    });
    for (const site of tally.written) {
      if (this.#written.has(site)) continue;
      this.#written.add(site);
      this.#shared = null;
    }
    tally.guards.forEach((guards, site) => {
      const known = this.#guards[site];
      if (guards === undefined || known?.length === 0) return;
      this.#guards[site] = known === undefined ? guards : known.filter((guard) => guards.includes(guard));
      this.#shared = null;
    });
  }

  /**
   * The sites where the order of threads is open: two or more touch them, one of them at least to change something, and not always with
   * the same lock held. Of what a lock protects, the order is decided where the lock is taken.
   */
  get shared(): readonly number[] {
    this.#shared ??= Array.from({ length: this.sites.size }, (_, site) => site).filter((site) => this.#isShared(site));
    return this.#shared;
  }

  #isShared(site: number): boolean {
    if (!this.#written.has(site) || this.#guards[site]?.length !== 0) return false;
    let threads = 0;
    for (const row of this.counts) if (row?.[site] !== undefined) threads++;
    return threads > 1;
  }
}
