/**
 * The operations that a sequence is made of, as fast-check makes them. How they are done is in `apply.ts`.
 *
 * An operation is plain numbers: whatever it needs to know of the state, it is told when it comes to it. So any operation can follow
 * any other, and a sequence from which some are left out is a sequence.
 */
import fc from 'fast-check';
import {
  MAP_ANON,
  MAP_COPY,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MAP_WIRED,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  mapAligned,
  RLIMIT_AS,
  RLIMIT_DATA,
  RLIMIT_MEMLOCK,
} from '../../src/index.js';
import { PAGE } from './plain-memory.js';
import { MAX, MIN, SPACE_PAGES } from './world.js';

/** One of these, each as often as its weight says. */
function weighted<T>(...choices: [weight: number, arbitrary: fc.Arbitrary<T>][]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

function pages(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min, max }).map((count) => count * PAGE);
}

/**
 * An address: as it is; or in the n-th range that is mapped when it comes to it, in the n-th page of that, so many bytes further on.
 * Numbers beyond what there is begin again from the first.
 */
export type Place = number | { readonly run: number; readonly page: number; readonly plus: number };

const absolute: fc.Arbitrary<Place> = pages(0, SPACE_PAGES - 1).map((offset) => MIN + offset);
const strange: fc.Arbitrary<Place> = fc.constantFrom<number[]>(0, MIN - PAGE, MAX, MAX - PAGE, -1, -PAGE, 2 ** 40);
const within = fc.constantFrom(0, 1, 100, 4090, 4093, 4095);

function inRun(plus: fc.Arbitrary<number>): fc.Arbitrary<Place> {
  return fc.record({ run: fc.nat(5), page: fc.nat(11), plus });
}

/** Where something mapped is, mostly at the start of a page. */
const mapped = weighted(
  [40, inRun(fc.constant(0))],
  [3, inRun(fc.constantFrom(PAGE, -PAGE, 1, 100, 4095))],
  [6, absolute],
  [1, strange],
);
/** Where a mapping may go. */
const anywhere = weighted([30, absolute], [8, inRun(fc.constant(0))], [1, inRun(within)], [1, strange]);
/** Where a program loads or stores: often where the next page is near. */
const byte = weighted([30, inRun(within)], [2, absolute], [1, strange]);

const length = weighted(
  [10, fc.constant(PAGE)],
  [10, pages(2, 4)],
  [2, pages(5, 12)],
  [2, fc.tuple(pages(0, 4), fc.constantFrom(1, 100, 4095)).map(([whole, rest]) => whole + rest)],
);
const strangeLength = fc.constantFrom(0, 0, -1, -PAGE, -2 * PAGE, 2 ** 40);
const anyLength = weighted([20, length], [1, strangeLength]);
/** A range of what is mapped; with `fit` it ends where the mapped range ends, at the latest. */
const range = { at: mapped, length: anyLength, fit: weighted([4, fc.constant(true)], [1, fc.constant(false)]) };

const protection = weighted(
  [10, fc.constant(3)],
  [4, fc.constant(1)],
  [2, fc.constant(0)],
  [3, fc.constantFrom(7, 5, 4, 2, 8 | 3)],
);
const placing = weighted(
  [20, fc.constant(0)],
  [20, fc.constant(MAP_FIXED)],
  [4, fc.constant(MAP_TRYFIXED)],
  [3, fc.constant(MAP_WIRED)],
  [3, fc.constant(MAP_FIXED | MAP_WIRED)],
  [2, fc.constantFrom(12, 13, 14).map(mapAligned)],
  [1, fc.constantFrom(5, 17, 30, 64).map(mapAligned)],
  [1, fc.constantFrom(13, 14).map((power) => mapAligned(power) + MAP_FIXED)],
);
const sharing = weighted(
  [30, fc.constantFrom(MAP_PRIVATE, MAP_SHARED)],
  [1, fc.constantFrom(0, MAP_COPY, MAP_SHARED | MAP_PRIVATE)],
);
const flags = fc.tuple(placing, sharing).map(([how, what]) => how + what);
const anonymous = fc.record({ fd: fc.constant(-1), flags: flags.map((each) => each + MAP_ANON) });
/** What is mapped: anonymous memory, a file, or nonsense. */
const source = weighted<{ fd: number; flags: number }>(
  [20, anonymous],
  [20, fc.record({ fd: fc.constantFrom(0, 0, 0, 3, 3, 1, 2, 4), flags })],
  [1, fc.record({ fd: fc.constantFrom(5, 7, -1), flags })],
  [1, fc.record({ fd: fc.constant(0), flags: fc.constant(MAP_ANON | MAP_PRIVATE) })],
);
const mapOffset = weighted([30, pages(0, 5)], [1, fc.constantFrom(1, 100, PAGE + 4095)], [1, fc.constant(-PAGE)]);
const mmap = { at: anywhere, length: anyLength, protection, source, offset: mapOffset };
const fileOffset = weighted([20, fc.integer({ min: 0, max: 8 * PAGE })], [6, pages(0, 8)], [1, fc.constant(-1)]);
const fd = weighted([12, fc.constantFrom(0, 3)], [2, fc.constantFrom(4, 1, 2)], [1, fc.constantFrom(7)]);
const seekable = weighted([15, fd], [1, fc.constantFrom(5, 6)]);
const moved = weighted([10, fc.integer({ min: 1, max: 9000 })], [6, pages(1, 3)], [1, fc.constantFrom(0, -1)]);
const size = fc.constantFrom(1, 2, 4, 8, 100, PAGE, 9000);
const syncFlags = weighted(
  [9, fc.constantFrom(MS_SYNC, MS_INVALIDATE, MS_ASYNC, MS_SYNC | MS_INVALIDATE, MS_ASYNC | MS_INVALIDATE)],
  [1, fc.constantFrom(0, MS_SYNC | MS_ASYNC, 8)],
);
const who = fc.nat(3);
const raw = {
  at: weighted<Place>([1, inRun(fc.constantFrom(0, 0, 512, 100, 4095))]),
  blocks: weighted([3, fc.constantFrom(8, 16, 24)], [2, fc.integer({ min: 1, max: 24 })]),
  block: fc.nat(31),
};

/** The parts of each kind of operation. */
const PARTS = {
  mmap,
  /** `mmap` of nothing but anonymous memory that is not wired. */
  mapAnon: {
    at: anywhere,
    length: anyLength,
    protection,
    source: anonymous.map(({ fd, flags: all }) => ({ fd, flags: all & ~MAP_WIRED })),
  },
  munmap: range,
  mprotect: { ...range, protection },
  minherit: { ...range, inheritance: weighted([15, fc.constantFrom(0, 1, 2, 4)], [1, fc.constantFrom(3, -1)]) },
  madvise: { ...range, advice: weighted([6, fc.constant(6)], [12, fc.constantFrom(0, 1, 2, 3, 4)], [1, fc.constantFrom(5, 7)]) },
  msync: { ...range, flags: syncFlags },
  mincore: { ...range, vector: byte },
  mlock: range,
  munlock: range,
  mlockall: { flags: weighted([9, fc.constantFrom(1, 2, 3)], [1, fc.constantFrom(0, 4)]) },
  munlockall: {},
  mremap: {
    ...range,
    to: anywhere,
    newLength: anyLength,
    flags: weighted(
      [10, fc.constant(0)],
      [10, fc.constant(MAP_FIXED)],
      [1, fc.constantFrom(mapAligned(13), mapAligned(5), mapAligned(40), 1)],
    ),
  },
  brk: { at: weighted([12, pages(0, 10).map((offset): Place => MIN + offset)], [1, byte]) },
  limit: {
    which: fc.constantFrom(RLIMIT_AS, RLIMIT_MEMLOCK, RLIMIT_DATA),
    pages: weighted([2, fc.nat(40)], [3, fc.constant(100)]),
  },
  load: { at: byte, size },
  store: { at: byte, size },
  /** A store by one instruction. */
  poke: { at: byte, size: fc.constantFrom(1, 2, 4, 8) },
  execute: { at: byte },
  read: { fd, at: byte, length: moved },
  write: { fd, at: byte, length: moved },
  pread: { fd: seekable, at: byte, length: moved, offset: fileOffset },
  pwrite: { fd: seekable, at: byte, length: moved, offset: fileOffset },
  ftruncate: { fd, size: fileOffset },
  fsync: { fd: seekable },
  fadvise: {
    fd: seekable,
    offset: fileOffset,
    length: weighted([12, moved], [3, fc.constant(0)]),
    advice: weighted([12, fc.integer({ min: 0, max: 5 })], [1, fc.constantFrom(-1, 6)]),
  },
  fork: {},
  exit: {},
  wait: {},
  /** Stores to many pages. */
  fill: { at: weighted<Place>([1, inRun(fc.constant(0))]), length: pages(3, 8) },
  /** A segment of System V shared memory: made if there is none, and attached. */
  shmat: { segment: fc.nat(1), at: anywhere, readonly: weighted([5, fc.constant(false)], [1, fc.constant(true)]) },
  shmdt: { which: fc.nat(3) },
  shmrm: { segment: fc.nat(1) },
  /** `mmap` of an object of POSIX shared memory. */
  mapObject: { at: anywhere, length, protection, flags: sharing, offset: pages(0, 3) },
  send: { at: byte, length: weighted([6, pages(1, 4)], [2, fc.integer({ min: 1, max: 9000 })]) },
  recv: { at: byte, length: weighted([3, pages(1, 4)], [2, fc.integer({ min: 1, max: 20_000 })]) },
  /** Blocks of a raw disk, to memory and from it. */
  rawRead: raw,
  rawWrite: raw,
  swapctl: { device: fc.nat(1), on: fc.boolean() },
} as const;

type Parts = typeof PARTS;
/** The name of an operation. */
export type Kind = keyof Parts;
/** An operation of some kind, with the process that does it: the n-th that is alive. */
export type Operation<K extends Kind = Kind> = {
  [Each in K]: { readonly op: Each; readonly who: number } & {
    readonly [Part in keyof Parts[Each]]: Parts[Each][Part] extends fc.Arbitrary<infer Value> ? Value : never;
  };
}[K];

function operation(kind: Kind): fc.Arbitrary<Operation> {
  return fc.record({ op: fc.constant(kind), who, ...PARTS[kind] }) as unknown as fc.Arbitrary<Operation>;
}

/** How often each kind of operation comes in a sequence; one that is left out does not. */
export type Profile = Partial<Record<Kind, number>>;

/** Memory is mapped and stored to, more of it than there is RAM. */
const FULL: fc.Arbitrary<Operation[]> = fc
  .tuple(fc.constantFrom(MAP_PRIVATE, MAP_SHARED), fc.constantFrom(MAP_PRIVATE, MAP_SHARED), fc.integer({ min: 5, max: 8 }))
  .map(([low, high, count]) => [
    begin('mapAnon', { at: MIN + 2 * PAGE, length: count * PAGE, protection: 3, source: fixedAnonymous(low) }),
    begin('mapAnon', { at: MIN + 22 * PAGE, length: count * PAGE, protection: 3, source: fixedAnonymous(high) }),
    begin('fill', { at: MIN + 2 * PAGE, length: count * PAGE }),
    begin('fill', { at: MIN + 22 * PAGE, length: count * PAGE }),
  ]);

function begin<K extends Kind>(op: K, parts: Omit<Operation<K>, 'op' | 'who'>): Operation {
  return { op, who: 0, ...parts } as unknown as Operation;
}

function fixedAnonymous(how: number): { fd: -1; flags: number } {
  return { fd: -1, flags: MAP_ANON | MAP_FIXED | how };
}

function sequence(profile: Profile, maxLength: number): fc.Arbitrary<Operation[]> {
  const kinds = (Object.keys(profile) as Kind[]).map((kind) => ({ weight: profile[kind] ?? 0, arbitrary: operation(kind) }));
  if (profile.fill !== undefined)
    return fc
      .tuple(FULL, fc.array(fc.oneof(...kinds), { minLength: 1, maxLength, size: 'max' }))
      .map(([begin, rest]) => [...begin, ...rest]);
  const first = fc.array(operation(profile.mapAnon === undefined ? 'mmap' : 'mapAnon'), { maxLength: 5, size: 'max' });
  const then = fc.array(fc.oneof(...kinds), { minLength: 1, maxLength, size: 'max' });
  return fc.tuple(first, then).map(([begin, rest]) => [...begin, ...rest]);
}

/**
 * Sequences of operations: a few mappings, so that there is something to begin with, and then anything of what one of the profiles
 * has. A sequence with few kinds of operations has many of each, and so gets further with them than one that has all.
 */
export function sequences(profiles: readonly Profile[], maxLength: number): fc.Arbitrary<Operation[]> {
  return fc.oneof(...profiles.map((profile) => sequence(profile, maxLength)));
}
