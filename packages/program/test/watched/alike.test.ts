/**
 * The watched build knows each state exactly: of two executions that come to states which are told alike, both go on alike. And whoever
 * forgets to tell something is found out.
 */
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, SeededRandom, SIGSEGV, StateHash, type Step, type User } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { defineProgram, type Program } from '../../src/index.js';
import { type ThreadsSize, threadsProgram } from '../random-threads.js';
import { type Draw, findUnlike, type HashOf } from './alike.js';

const PAGE = 4096;
const AT = 0x10000000;
const SIZE: ThreadsSize = { pages: 4, calls: [1, 4], threads: 2, ramPages: 100 };

function look(program: () => Program, seed: number, hashOf: HashOf) {
  const draw = (of: number): Draw => {
    const random = new SeededRandom(seed * 10_000 + of);
    return (bound) => random.below(bound);
  };
  return findUnlike(program, { runs: 10, meetings: 3, draw, hashOf });
}

describe('states that are told alike', () => {
  const PROGRAMS = 30;

  it('go on alike, in random programs under random schedules', () => {
    let meetings = 0;
    let steps = 0;
    for (let seed = 1; seed <= PROGRAMS; seed++) {
      const found = look(
        () => threadsProgram(seed, SIZE),
        seed,
        () => new StateHash(),
      );
      expect(found.unlike, `seed ${seed}`).toBeNull();
      meetings += found.meetings;
      steps += found.steps;
    }
    expect(meetings).toBeGreaterThan(10 * PROGRAMS);
    expect(steps).toBeGreaterThan(1000);
  });
});

/** Tells everything but certain fields and parts. */
class Forgetful extends StateHash {
  readonly #forgets: readonly string[];

  constructor(forgets: readonly string[]) {
    super();
    this.#forgets = forgets;
  }

  override field(name: string, value: number | string | boolean | null | undefined): void {
    if (!this.#forgets.includes(name)) super.field(name, value);
  }

  override part(name: string, tell: (writer: StateHash) => void): void {
    if (!this.#forgets.includes(name)) super.part(name, () => tell(this));
  }
}

/** Two threads that differ about the rights of one page, and about what is in another; each access is a step. */
function disagreement(): Program {
  // biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
  const passOver = function* (): Step<'skip'> {
    return 'skip';
  };
  const insists = (protection: number, value: number) =>
    function* (user: User): Step<void> {
      yield* user.store32(AT + PAGE, value);
      yield* user.mprotect(AT, PAGE, protection);
      yield* user.store32(AT, value);
      if ((yield* user.load32(AT + PAGE)) === 1) yield* user.munmap(AT + PAGE, PAGE);
    };
  return defineProgram({
    machine: { ramPages: 64, userSteps: true },
    *setUp(user) {
      user.sigaction(SIGSEGV, passOver);
      yield* user.mmap(AT, 2 * PAGE, 3, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.store32(AT + PAGE, 3);
    },
    *main(user) {
      yield* user.lwpCreate(insists(1, 1));
      yield* insists(3, 2)(user);
    },
  });
}

describe('what is not told', () => {
  const unlike = (program: (seed: number) => Program, hashOf: HashOf): string | null => {
    for (let seed = 1; seed <= 30; seed++) {
      const { unlike: found } = look(() => program(seed), seed, hashOf);
      if (found !== null) return found;
    }
    return null;
  };
  const random = (seed: number): Program => threadsProgram(seed, SIZE);

  it.each([
    ['the rights of a mapping', ['protection'], disagreement],
    ['what is in memory, and what programs were given', ['high', 'low'], disagreement],
    ['what threads have in their variables', ['frames'], random],
  ])('is found out: %s', (_, forgotten, program) => {
    expect(unlike(program, () => new Forgetful(forgotten))).not.toBeNull();
  });

  it('is nothing of these', () => {
    expect(unlike(disagreement, () => new StateHash())).toBeNull();
  });
});
