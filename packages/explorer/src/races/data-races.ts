/**
 * Finds data races: two accesses to one field, one of them a write, of which neither happens before the other (FastTrack, with the
 * order of `happens-before.ts`). A race is found in whatever order the two came, so few executions show most of what there is.
 */
import type { FieldWatcher, Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { execute } from '../execution.js';
import type { Instance, Model } from '../model.js';
import { type Epoch, HappensBefore } from './happens-before.js';

/** One of the two accesses of a race. */
export interface RacingAccess {
  readonly lwp: string;
  readonly writes: boolean;
  /** The step after which it came. */
  readonly step: number;
  /** The system call it was in, empty for none. */
  readonly call: string;
  /** The kernel functions it was in, innermost first. */
  readonly frames: readonly string[];
}

/** Two accesses that nothing orders. */
export interface DataRace {
  /** The structure and the field, without numbers: `MapEntry.wiredCount`. Equal for the same race in whatever execution. */
  readonly field: string;
  readonly first: RacingAccess;
  readonly second: RacingAccess;
}

interface Access extends RacingAccess {
  readonly epoch: Epoch;
}

/** Who wrote a field last, and who has read it since. */
interface Shadow {
  write: Access | null;
  reads: Access[];
}

/**
 * Runs a model under each strategy and collects the races of all executions, each field once.
 *
 * @param strategies makers of strategies: an execution with a race is repeated, to see in which functions its accesses are
 */
export function findDataRaces(model: Model, strategies: Iterable<() => Strategy>): DataRace[] {
  const races = new Map<string, DataRace>();
  for (const strategy of strategies) {
    const quick = detect(model, strategy(), null);
    const news = quick.filter(({ field }) => !races.has(field));
    if (news.length === 0) continue;
    const steps = new Set(news.flatMap(({ first, second }) => [first.step, second.step]));
    for (const race of detect(model, strategy(), steps)) if (!races.has(race.field)) races.set(race.field, race);
  }
  return [...races.values()];
}

/** One execution. @param stacksAt the steps after which accesses have their functions told, null for none */
function detect(model: Model, strategy: Strategy, stacksAt: ReadonlySet<number> | null): readonly DataRace[] {
  const detector = new RaceDetector(strategy, stacksAt);
  const watched: Model = {
    name: model.name,
    boot: (deciding) => {
      const instance = model.boot(deciding);
      detector.watch(instance);
      return instance;
    },
  };
  execute(watched, detector, { audit: false });
  return detector.races;
}

/** Leaves all decisions to another strategy, and watches what happens. */
class RaceDetector implements Strategy, FieldWatcher {
  readonly name: string;
  readonly preemptive = true;
  readonly everyStep = true;
  readonly expire?: NonNullable<Strategy['expire']>;
  readonly races: DataRace[] = [];
  readonly #inner: Strategy;
  readonly #stacksAt: ReadonlySet<number> | null;
  readonly #order = new HappensBefore();
  #shadows = new WeakMap<object, Map<string, Shadow>>();
  #hasBegun = false;
  #instance: Instance | null = null;
  readonly #started = new WeakSet<Lwp>();

  constructor(inner: Strategy, stacksAt: ReadonlySet<number> | null) {
    this.#inner = inner;
    this.#stacksAt = stacksAt;
    this.name = inner.name;
    if (inner.expire !== undefined) this.expire = inner.expire.bind(inner);
  }

  /** Watches the structures of an execution. */
  watch(instance: Instance): void {
    this.#instance = instance;
    instance.watch?.(this);
  }

  preempts(point: SchedulingPoint): boolean {
    this.#begin();
    this.#meetNewThreads(point.current);
    const { current } = point;
    this.#order.settle(current);
    if (this.#inner.preempts(point)) return true;
    this.#order.takes(current, current.op, current.object);
    return false;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#begin();
    this.#meetNewThreads(point.current);
    const chosen = candidates.length === 1 ? usual : this.#inner.pick(candidates, usual, point);
    this.#order.takes(chosen, chosen.op, chosen.object);
    return chosen;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    return this.#inner.choose(site, alternatives, point);
  }

  read(thing: object, field: string): void {
    const access = this.#access(false);
    if (access === null) return;
    const shadow = this.#shadowOf(thing, field);
    this.#check(thing, field, shadow.write, access);
    shadow.reads = [...shadow.reads.filter(({ epoch }) => epoch.thread !== access.epoch.thread), access];
  }

  wrote(thing: object, field: string): void {
    const access = this.#access(true);
    if (access === null) return;
    const shadow = this.#shadowOf(thing, field);
    this.#check(thing, field, shadow.write, access);
    for (const read of shadow.reads) this.#check(thing, field, read, access);
    shadow.write = access;
    shadow.reads = [];
  }

  passed(thing: object, field: string, writes: boolean): void {
    const lwp = this.#instance?.kern.scheduler.running;
    // The shadow of the field stands for the field.
    if (lwp !== undefined && lwp !== null) this.#order.looks(lwp, this.#shadowOf(thing, field), writes);
  }

  #access(writes: boolean): Access | null {
    const scheduler = this.#instance?.kern.scheduler;
    // What is done outside of any thread, such as an audit or set-up, is nobody's access.
    if (scheduler === undefined || scheduler.running === null) return null;
    const lwp = scheduler.running;
    this.#order.settle(lwp);
    const frames = this.#stacksAt?.has(scheduler.steps) === true ? (this.#instance?.kern.stack() ?? []) : [];
    return { lwp: lwp.name, writes, step: scheduler.steps, call: lwp.call?.name ?? '', frames, epoch: this.#order.epochOf(lwp) };
  }

  #check(thing: object, field: string, before: Access | null, now: Access): void {
    const running = this.#instance?.kern.scheduler.running;
    if (before === null || running === undefined || running === null) return;
    if (before.epoch.thread === now.epoch.thread || this.#order.isBefore(before.epoch, running)) return;
    const name = `${thing.constructor.name}.${field.replace(/ \d+/g, '')}`;
    if (this.races.some((race) => race.field === name)) return;
    this.races.push({ field: name, first: told(before), second: told(now) });
  }

  #shadowOf(thing: object, field: string): Shadow {
    const fields = this.#shadows.get(thing) ?? new Map<string, Shadow>();
    this.#shadows.set(thing, fields);
    const shadow = fields.get(field) ?? { write: null, reads: [] };
    fields.set(field, shadow);
    return shadow;
  }

  /** All that was done before there was anything to decide was done before everything else: set-up, by whatever thread. */
  #begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#shadows = new WeakMap();
  }

  /** A thread that has a job for the first time was given it by the one that has just been running: all that this did before is known to it. */
  #meetNewThreads(starter: Lwp): void {
    for (const lwp of this.#instance?.kern.scheduler.lwps ?? []) {
      if (lwp.idle || this.#started.has(lwp)) continue;
      this.#started.add(lwp);
      if (lwp !== starter) this.#order.created(lwp, starter);
    }
  }
}

function told({ epoch: _, ...access }: Access): RacingAccess {
  return access;
}
