/**
 * Recordings of replays: a line for each step, with the state in front of it, so that two engines can be compared step by step.
 *
 *     41  2.1  acquire  vmmaplk          9d5f3b0c1a44e782
 *     42  2.1  atomic   amap references  07e2c9b1530fd9a6
 *     42  choice 1 at page.alloc
 */
import { execute, type Instance, type Model } from '@faultline/explorer';
import { type Lwp, Replay, type Schedule, type SchedulingPoint, StateHash, type Strategy } from '@faultline/kernel';

/** A replay as it went, as plain data. */
export interface Recording {
  /** What happened, in order: steps, choices, timeouts; then how it ended. */
  readonly lines: readonly string[];
  /** What went wrong, as the explorer tells failures apart; empty when nothing did. */
  readonly signature: string;
}

/** Replays a schedule, and writes down how it goes. */
export function record(model: Model, schedule: Schedule): Recording {
  const recorder = new Recorder(new Replay(schedule));
  const watched: Model = {
    name: model.name,
    boot: (strategy) => {
      const instance = model.boot(strategy);
      recorder.instance = instance;
      return instance;
    },
  };
  const outcome = execute(watched, recorder);
  const { failure, steps, instance } = outcome;
  recorder.lines.push(
    `${steps}  the end  ${stateOf(instance)}`,
    `decided: ${JSON.stringify(outcome.schedule)}`,
    failure === null ? 'nothing went wrong' : `${failure.signature}\n${failure.message}\nin ${failure.frames.join(' < ')}`,
  );
  return { lines: recorder.lines, signature: failure?.signature ?? '' };
}

/** Leaves all decisions to another strategy, and writes down each step before it is taken. */
class Recorder implements Strategy {
  readonly name = 'recorder';
  readonly preemptive = true;
  readonly everyStep = true;
  readonly lines: string[] = [];
  instance: Instance | null = null;
  readonly #replay: Replay;
  #last = -1;

  constructor(replay: Replay) {
    this.#replay = replay;
  }

  preempts(point: SchedulingPoint): boolean {
    this.#look(point);
    return this.#replay.preempts(point);
  }

  pick(candidates: readonly Lwp[], usual: Lwp, point: SchedulingPoint): Lwp {
    this.#look(point);
    const picked = this.#replay.pick(candidates, usual, point);
    if (picked !== point.current) this.lines.push(`${point.steps}  on to ${picked.name}`);
    return picked;
  }

  choose(site: string, alternatives: number, point: SchedulingPoint): number {
    const taken = this.#replay.choose(site, alternatives, point);
    this.lines.push(`${point.steps}  choice ${taken} of ${alternatives} at ${site}`);
    return taken;
  }

  expire(sleepers: readonly Lwp[], point: SchedulingPoint): Lwp | null {
    const expired = this.#replay.expire(sleepers, point);
    if (expired !== null) this.lines.push(`${point.steps}  the timeout of ${expired.name} fires`);
    return expired;
  }

  /** The strategy may be asked several times in front of one step. */
  #look({ steps, current }: SchedulingPoint): void {
    if (steps === this.#last || this.instance === null) return;
    this.#last = steps;
    const { name, op, object } = current;
    this.lines.push(`${steps}  ${name}  ${op} ${object?.label ?? ''}  ${stateOf(this.instance)}`);
  }
}

function stateOf(instance: Instance): string {
  const hash = new StateHash();
  instance.writeState(hash);
  return hash.digest;
}
