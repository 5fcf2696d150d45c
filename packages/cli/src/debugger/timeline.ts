/** An execution as a list of places to stop at: one in front of each step. */
import {
  Abandoned,
  type ExecutionOptions,
  execute,
  type Failure,
  ObservedStrategy,
  type Observer,
  ThreadNames,
} from '@faultline/explorer';
import type { CallInProgress, LoggedEvent, Lwp, SchedulingPoint, Strategy } from '@faultline/kernel';
import { callText, type ProgramInstance, type ProgramModel } from '@faultline/program';

/** Makes the strategy of the execution afresh: one that has decided something cannot be used again. */
export type StrategySource = () => Strategy;

/** A place to stop at: a thread is in front of a step, or has come to its end. */
export interface Stop {
  /** Steps taken, this one included. */
  readonly step: number;
  /** The thread, by process and number: `main.1`. */
  readonly thread: string;
  /** The same as the kernel names it: `1.1`. */
  readonly lwp: string;
  /** What it is about to do: `acquire vm_map 1`; `end` when it has nothing left to do. */
  readonly what: string;
  /** Whether it has to wait for that. */
  readonly waits: boolean;
  /** The call it is in, with arguments; empty outside of one. */
  readonly call: string;
  /** The call's name when this is the first place in it; empty otherwise. */
  readonly callBegins: string;
  /** Whether another thread was at the place before. */
  readonly threadBegins: boolean;
  /** What happened in the step that led here. */
  readonly events: readonly LoggedEvent[];
  /** What was decided here against the usual; null for nothing. */
  readonly decision: string | null;
}

/** An execution from its first step to its end. */
export interface Timeline {
  readonly stops: readonly Stop[];
  /** What happened in the last step. */
  readonly lastEvents: readonly LoggedEvent[];
  readonly failure: Failure | null;
  readonly steps: number;
  /** The machine at the end. */
  readonly end: ProgramInstance;
}

/** A machine that was halted, and where its threads were. */
export interface Halted {
  readonly instance: ProgramInstance;
  /** The kernel functions that each thread is in, innermost first. */
  readonly stacks: ReadonlyMap<Lwp, readonly string[]>;
}

/** Runs an execution to its end, or up to so many steps, and takes note of all places to stop at. */
export function recordTimeline(model: ProgramModel, source: StrategySource, maxSteps: number): Timeline {
  const scribe = new Scribe();
  const watched = bootedWith(model, (instance) => {
    instance.session.system.kern.log.on = true;
    scribe.instance = instance;
  });
  const outcome = execute(watched.model, new ObservedStrategy(source(), scribe), { maxSteps });
  return {
    stops: scribe.stops,
    lastEvents: scribe.takeEvents(),
    failure: outcome.failure,
    steps: outcome.steps,
    end: watched.instance(),
  };
}

/** Runs an execution up to a step, in front of which it is halted. */
export function haltAt(model: ProgramModel, source: StrategySource, step: number): Halted {
  const stacks = new Map<Lwp, readonly string[]>();
  const { model: booted, instance } = bootedWith(model, ({ kern }) => {
    kern.scheduler.onWait = (lwp) => stacks.set(lwp, kern.stack());
  });
  const quiet: ExecutionOptions = { audit: false };
  const halting = new HaltingStrategy(source(), step, (lwp) => stacks.set(lwp, instance().kern.stack()));
  execute(booted, halting, quiet);
  return { instance: instance(), stacks };
}

/** A model that keeps hold of its last execution. */
function bootedWith(
  model: ProgramModel,
  begin: (instance: ProgramInstance) => void,
): { model: ProgramModel; instance: () => ProgramInstance } {
  let last: ProgramInstance | null = null;
  return {
    model: {
      ...model,
      boot(strategy, watch) {
        last = model.boot(strategy, watch);
        begin(last);
        return last;
      },
    },
    instance() {
      if (last === null) throw new Error('nothing has been run');
      return last;
    },
  };
}

/** Writes down each place. */
class Scribe implements Observer {
  readonly stops: Stop[] = [];
  instance: ProgramInstance | null = null;
  readonly #names = new ThreadNames();
  readonly #calls = new Map<Lwp, CallInProgress | null>();
  #events = 0;

  looks(point: SchedulingPoint): void {
    this.#names.see(point.lwps);
    const last = this.stops.at(-1);
    if (last?.step === point.steps) return;
    const { current } = point;
    if (last === undefined && current.idle) {
      // Nothing has run yet but what set the program up, of which nobody wants to hear.
      this.takeEvents();
      return;
    }
    const { call, op, object } = current;
    const begins = call !== null && this.#calls.get(current) !== call;
    this.#calls.set(current, call);
    const thread = this.#names.of(current);
    this.stops.push({
      step: point.steps,
      thread,
      lwp: current.name,
      what: current.idle ? 'end' : object === null ? op : `${op} ${object.label}`,
      waits: !current.idle && object !== null && !object.admits(op, current),
      call: call === null || current.idle ? '' : callText(call),
      callBegins: begins && !current.idle ? call.name : '',
      threadBegins: last?.thread !== thread,
      events: this.takeEvents(),
      decision: null,
    });
  }

  switched(to: Lwp): void {
    this.#decided(`${this.#names.of(to)} runs`);
  }

  chose(site: string, taken: number): void {
    if (taken !== 0) this.#decided(`${site} goes way ${taken}`);
  }

  expired(lwp: Lwp): void {
    this.#decided(`the timeout of ${this.#names.of(lwp)} fires`);
  }

  takeEvents(): LoggedEvent[] {
    const log = this.instance?.session.system.kern.log;
    const events = log?.events(this.#events) ?? [];
    this.#events = log?.emitted ?? 0;
    return events;
  }

  #decided(what: string): void {
    const last = this.stops.at(-1);
    if (last === undefined) return;
    this.stops[this.stops.length - 1] = { ...last, decision: last.decision === null ? what : `${last.decision}, ${what}` };
  }
}

/** Leaves every decision to another strategy, and stops the execution in front of a step. */
class HaltingStrategy implements Strategy {
  readonly name: string;
  readonly preemptive = true;
  readonly everyStep = true;
  readonly #inner: Strategy;
  readonly #step: number;
  readonly #looks: (lwp: Lwp) => void;

  constructor(inner: Strategy, step: number, looks: (lwp: Lwp) => void) {
    this.name = inner.name;
    this.#inner = inner;
    this.#step = step;
    this.#looks = looks;
  }

  preempts(point: SchedulingPoint): boolean {
    this.#looks(point.current);
    return point.steps >= this.#step || this.#inner.preempts(point);
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    // The first question that is asked when no thread runs: nothing is cut off in the middle.
    if (point.steps >= this.#step) throw new Abandoned('halted');
    return this.#inner.expire?.(sleepers, point) ?? null;
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    return this.#inner.pick(candidates, usual, point);
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    return this.#inner.choose(site, alternatives, point);
  }
}
