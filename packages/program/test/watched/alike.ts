/** Whether states that are told alike go on alike: what the explorer relies on when it does not look at a state twice. */
import type { Lwp, SchedulingPoint, StateHash, Strategy } from '@faultline/kernel';
import { type Program, type ProgramInstance, programModel } from '../../src/index.js';

/** A state an execution came through, as it was told. */
interface State {
  readonly digest: string;
  /** Who could go on, and with what, by the numbers that the state itself gives to threads. */
  readonly pending: string;
}

/** A hash of the whole state of an execution. Tests make one that leaves something out. */
export type HashOf = () => StateHash;

/** An execution: what was decided, and the states it came through. */
interface Run {
  readonly states: readonly State[];
  /** What was decided: in front of each state. */
  readonly decisions: readonly Decisions[];
  /** How it ended, when not as it should. */
  readonly failure: string;
}

/** The thread that went on from a state, and the ways that the environment went until the next. */
interface Decisions {
  readonly lwp: number;
  readonly choices: number[];
}

/** Draws numbers. */
export type Draw = (bound: number) => number;

/** Runs a program: first as it was decided once, then as drawn; the drawing knows threads only by what the state calls them. */
function run(program: () => Program, prefix: readonly Decisions[], draw: Draw, hashOf: HashOf): Run {
  const steering = new Steering(prefix, draw, hashOf);
  const instance = programModel(program()).boot(steering);
  steering.instance = instance;
  let failure = '';
  try {
    instance.run();
  } catch (error) {
    failure = String(error).split('\n')[0] ?? '';
  }
  return { states: steering.states, decisions: steering.decisions, failure };
}

class Steering implements Strategy {
  readonly name = 'steering';
  readonly preemptive = true;
  readonly everyStep = true;
  readonly states: State[] = [];
  readonly decisions: Decisions[] = [];
  instance: ProgramInstance | null = null;
  readonly #prefix: readonly Decisions[];
  readonly #draw: Draw;
  readonly #hashOf: HashOf;

  constructor(prefix: readonly Decisions[], draw: Draw, hashOf: HashOf) {
    this.#prefix = prefix;
    this.#draw = draw;
    this.#hashOf = hashOf;
  }

  preempts(): boolean {
    return true;
  }

  pick(candidates: readonly Lwp[], usual: Lwp): Lwp {
    const hash = this.#hashOf();
    this.instance?.writeState(hash);
    const byRank = candidates.toSorted((a, b) => hash.rankOf(a) - hash.rankOf(b));
    const pending = byRank.map((lwp) => `${hash.rankOf(lwp)} ${lwp.op}`).join(', ');
    this.states.push({ digest: hash.digest, pending });
    const decided = this.#prefix[this.decisions.length]?.lwp;
    const chosen = byRank.find(({ id }) => id === decided) ?? byRank[this.#draw(byRank.length)] ?? usual;
    this.decisions.push({ lwp: chosen.id, choices: [] });
    return chosen;
  }

  choose(_site: string, alternatives: number, _point: SchedulingPoint): number {
    const current = this.decisions.at(-1);
    if (current === undefined) return 0;
    const decided = this.#prefix[this.decisions.length - 1]?.choices[current.choices.length];
    // One in twenty goes wrong.
    const taken = decided ?? (this.#draw(20) === 0 ? this.#draw(alternatives) : 0);
    current.choices.push(taken);
    return taken;
  }
}

/** Two places in two executions whose states are told alike. */
interface Meeting {
  readonly first: Run;
  readonly at: number;
  readonly second: Run;
  readonly secondAt: number;
}

/**
 * Runs a program many times, each time made anew, and wherever two executions come to states that are told alike, has both go on with the same decisions.
 *
 * @returns how many such places there were, and a sentence for the first that did not go on alike
 */
export function findUnlike(
  program: () => Program,
  options: { runs: number; meetings: number; draw: (seed: number) => Draw; hashOf: HashOf },
): { meetings: number; steps: number; unlike: string | null } {
  const { runs, draw, hashOf } = options;
  const seen = new Map<string, { readonly by: Run; readonly at: number }>();
  const meetings: Meeting[] = [];
  for (let seed = 1; seed <= runs; seed++) {
    const execution = run(program, [], draw(seed), hashOf);
    for (const [at, { digest, pending }] of execution.states.entries()) {
      const known = seen.get(digest);
      if (known === undefined) seen.set(digest, { by: execution, at });
      else if (known.by !== execution) {
        const before = known.by.states[known.at];
        if (before?.pending !== pending)
          return { meetings: meetings.length, steps: 0, unlike: `${before?.pending} or ${pending}` };
        // Having met, they may go side by side for a while; it is enough to look where they meet.
        if (execution.states[at - 1]?.digest !== known.by.states[known.at - 1]?.digest) {
          meetings.push({ first: known.by, at: known.at, second: execution, secondAt: at });
        }
      }
    }
  }
  let steps = 0;
  const chosen = meetings
    .toSorted((a, b) => b.at - a.at)
    .filter((_, i) => i % Math.ceil(meetings.length / options.meetings) === 0);
  for (const [i, { first, at, second, secondAt }] of chosen.entries()) {
    const one = run(program, first.decisions.slice(0, at), draw(1000 + i), hashOf);
    const other = run(program, second.decisions.slice(0, secondAt), draw(1000 + i), hashOf);
    const unlike = difference(one, at, other, secondAt);
    if (unlike !== null) return { meetings: meetings.length, steps, unlike };
    steps += one.states.length - at;
  }
  return { meetings: meetings.length, steps, unlike: null };
}

function difference(one: Run, at: number, other: Run, otherAt: number): string | null {
  const rest = one.states.slice(at);
  const otherRest = other.states.slice(otherAt);
  for (let i = 0; i < Math.max(rest.length, otherRest.length); i++) {
    const [a, b] = [rest[i], otherRest[i]];
    if (a?.digest !== b?.digest || a?.pending !== b?.pending) {
      return `${i} steps after states ${at} and ${otherAt}, told alike: ${JSON.stringify(a)} or ${JSON.stringify(b)}`;
    }
  }
  return one.failure === other.failure ? null : `one ends with "${one.failure}", the other with "${other.failure}"`;
}
