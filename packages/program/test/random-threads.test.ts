/**
 * Threads and processes that do random things to one map and one file, switched at every step: nothing panics, no invariant is ever
 * false at a quiet point, no locks are taken in two orders, and nothing is left over.
 */
import {
  BUILD,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  O_RDWR,
  SIGBUS,
  SIGSEGV,
  type Step,
  type User,
} from '@faultline/kernel';
import { expect, it } from 'vitest';
import { defineProgram, explain, explanationText, type Program, type RunOptions, remainsText, runProgram } from '../src/index.js';

const SEEDS = 700;
const PAGE = 4096;
const BASE = 0x10000000;
/** Pages of the part of the map over which all work. */
const PAGES = 16;
const FILE_PAGES = 6;

type Random = () => number;

/** Numbers in [0, 1) from a seed that is not 0. */
function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** What one thread does: so many random calls, loads and stores. */
function worker(random: Random, count: number): (user: User) => Step<void> {
  const below = (bound: number): number => Math.floor(random() * bound);
  return function* (user) {
    for (const signal of [SIGSEGV, SIGBUS]) user.sigaction(signal, passOver);
    const fd = yield* user.open('/f', O_RDWR);
    for (let i = 0; i < count; i++) {
      const at = BASE + below(PAGES) * PAGE;
      const length = Math.max(1, below(4)) * PAGE;
      yield* act(user, below(20), { at, length, fd, below, random });
    }
    yield* user.close(fd);
  };
}

// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
function* passOver(): Step<'skip'> {
  return 'skip';
}

interface Choice {
  readonly at: number;
  readonly length: number;
  readonly fd: number;
  readonly below: (bound: number) => number;
  readonly random: Random;
}

function* act(user: User, what: number, { at, length, fd, below, random }: Choice): Step<void> {
  const map = (flags: number, file: number, offset: number): Step<number> =>
    user.mmap(at, length, 3, flags | MAP_FIXED, file, offset);
  switch (what) {
    case 0:
      yield* map(MAP_ANON | MAP_PRIVATE, -1, 0);
      break;
    case 1:
      yield* map(MAP_ANON | MAP_SHARED, -1, 0);
      break;
    case 2:
      yield* map(MAP_SHARED, fd, below(FILE_PAGES) * PAGE);
      break;
    case 3:
      yield* map(MAP_PRIVATE, fd, below(FILE_PAGES) * PAGE);
      break;
    case 4:
      yield* user.munmap(at, length);
      break;
    case 5:
      yield* user.mprotect(at, length, below(4));
      break;
    case 6:
      yield* user.mlock(at, length);
      break;
    case 7:
      yield* user.munlock(at, length);
      break;
    case 8:
      yield* user.msync(at, length, [4, 1, 2, 6][below(4)] ?? 4);
      break;
    case 9:
      yield* user.madvise(at, length, below(7));
      break;
    case 10:
      yield* user.ftruncate(fd, below(8 * PAGE));
      break;
    case 11:
      yield* user.pwrite(fd, at, length, below(FILE_PAGES * PAGE));
      break;
    case 12:
      yield* user.pread(fd, at, length, below(FILE_PAGES * PAGE));
      break;
    case 13:
      yield* user.fsync(fd);
      break;
    case 14:
      if (random() < 0.3) yield* makeChild(user, below, random);
      break;
    case 15:
      yield* user.mremap(at, length, BASE + below(PAGES) * PAGE, Math.max(1, below(4)) * PAGE, random() < 0.5 ? MAP_FIXED : 0);
      break;
    case 16:
      yield* user.minherit(at, length, [0, 1, 2, 4][below(4)] ?? 0);
      break;
    case 17:
      if (random() < 0.2) yield* random() < 0.5 ? user.mlockall(1 + below(3)) : user.munlockall();
      break;
    default:
      if (random() < 0.5) yield* user.load32(at + 4 * below(1024));
      else yield* user.store32(at + 4 * below(1024), what);
  }
}

function* makeChild(user: User, below: (bound: number) => number, random: Random): Step<void> {
  const work = worker(randomFrom(below(1e9) | 1), 6);
  const child = function* (own: User): Step<void> {
    yield* work(own);
    yield* own.exit(0);
  };
  if (random() < 0.6) yield* user.fork(child);
  else yield* user.vfork(child);
}

/** Three threads of one process, and another process, of a seed. */
function programOf(seed: number): Program {
  const random = randomFrom((seed * 2654435761) | 1);
  const seeds = [1, 2, 3, 4].map(() => Math.floor(random() * 1e9) | 1);
  const count = 5 + Math.floor(random() * 20);
  const work = (i: number): ((user: User) => Step<void>) => worker(randomFrom(seeds[i] ?? 1), count);
  return defineProgram({
    name: `threads of seed ${seed}`,
    machine: { ramPages: 400, cpus: 1 + (seed % 2) },
    files: { '/f': { size: 5 * PAGE + 100 } },
    *main(user) {
      yield* user.lwpCreate(work(0));
      yield* user.lwpCreate(work(1));
      yield* work(2)(user);
    },
    others: { other: work(3) },
  });
}

it(`${SEEDS} random programs of threads and processes break no rule, however they are switched`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const options: RunOptions = { strategy: { kind: 'random', seed, ...(seed % 3 === 0 && { faultsIn: 50 }) } };
    const result = runProgram(programOf(seed), options);
    // In the direct build a lock that is held by a thread further down the stack is a deadlock (docs/decisions/0001-two-builds.md).
    if (BUILD === 'direct' && result.end.kind === 'deadlock') continue;
    const explanation = explain(programOf(seed), options, result);
    const told = explanation === null ? remainsText(result) : explanationText(result, explanation);
    expect(told, `seed ${seed}`).toEqual([]);
    expect(result.reversals, `seed ${seed}`).toEqual([]);
  }
});
