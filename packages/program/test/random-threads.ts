/** Random programs: threads and processes that do random things to one map and one file. */
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, O_RDWR, SIGBUS, SIGSEGV, type Step, type User } from '@faultline/kernel';
import { defineProgram, type Program } from '../src/index.js';

const PAGE = 4096;
const BASE = 0x10000000;
const FILE_PAGES = 6;

type Random = () => number;

/** How large the programs are. */
export interface ThreadsSize {
  /** Pages of the part of the map over which all work. */
  readonly pages: number;
  /** Calls, loads and stores of a thread: from so many up to before so many. */
  readonly calls: readonly [from: number, to: number];
  /** Threads of the first process. */
  readonly threads: number;
  readonly ramPages: number;
}

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
function worker(random: Random, count: number, pages: number): (user: User) => Step<void> {
  const below = (bound: number): number => Math.floor(random() * bound);
  return function* (user) {
    for (const signal of [SIGSEGV, SIGBUS]) user.sigaction(signal, passOver);
    const fd = yield* user.open('/f', O_RDWR);
    for (let i = 0; i < count; i++) {
      const at = BASE + below(pages) * PAGE;
      const length = Math.max(1, below(4)) * PAGE;
      yield* act(user, below(20), { at, length, fd, below, random, pages });
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
  readonly pages: number;
}

function* act(user: User, what: number, { at, length, fd, below, random, pages }: Choice): Step<void> {
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
      if (random() < 0.3) yield* makeChild(user, below, random, pages);
      break;
    case 15:
      yield* user.mremap(at, length, BASE + below(pages) * PAGE, Math.max(1, below(4)) * PAGE, random() < 0.5 ? MAP_FIXED : 0);
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

function* makeChild(user: User, below: (bound: number) => number, random: Random, pages: number): Step<void> {
  const work = worker(randomFrom(below(1e9) | 1), 6, pages);
  const child = function* (own: User): Step<void> {
    yield* work(own);
    yield* own.exit(0);
  };
  if (random() < 0.6) yield* user.fork(child);
  else yield* user.vfork(child);
}

/** Some threads of one process, and another process, of a seed. */
export function threadsProgram(seed: number, { pages, calls: [from, to], threads, ramPages }: ThreadsSize): Program {
  const random = randomFrom((seed * 2654435761) | 1);
  const seeds = [1, 2, 3, 4].map(() => Math.floor(random() * 1e9) | 1);
  const count = from + Math.floor(random() * (to - from));
  const work = (i: number): ((user: User) => Step<void>) => worker(randomFrom(seeds[i] ?? 1), count, pages);
  return defineProgram({
    name: `threads of seed ${seed}`,
    machine: { ramPages, cpus: 1 + (seed % 2) },
    files: { '/f': { size: 5 * PAGE + 100 } },
    *main(user) {
      for (let i = 1; i < threads; i++) yield* user.lwpCreate(work(i));
      yield* work(0)(user);
    },
    others: { other: work(3) },
  });
}
