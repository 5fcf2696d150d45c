/**
 * Random programs on shared memory against plain arrays of bytes: several processes, a segment and a file of tmpfs that change under their
 * hands, and so little RAM that most of it is on swap.
 */
import { describe, expect, it } from 'vitest';
import {
  IPC_CREAT,
  IPC_RMID,
  MADV_DONTNEED,
  MADV_FREE,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_INVALIDATE,
  MS_SYNC,
  type NetbsdSystem,
  O_CREAT,
  O_RDWR,
  PAGE_SIZE,
  type Process,
  SeededRandom,
  type Step,
  type User,
} from '../src/index.js';
import { act, boot, childOf, expectNoLeak, expectSound } from './harness.js';

const PAGE = PAGE_SIZE;
/** Pages of the segment, and at most of the file. */
const PAGES = 24;
const SIZE = PAGES * PAGE;
const SEGMENT_AT = 0x1000_0000;
const FILE_AT = 0x2000_0000;
const OWN_AT = 0x3000_0000;
const BUFFER_AT = 0x4000_0000;
const RW = 3;

/** The bytes that there should be. */
interface Plain {
  readonly segment: Uint8Array;
  file: Uint8Array;
}

/** A thread of work on the subject: one step of a random program. */
type Operation = (world: World, user: User, process: Process) => Step<void>;

class World {
  readonly system: NetbsdSystem;
  readonly random: SeededRandom;
  readonly plain: Plain = { segment: new Uint8Array(SIZE), file: new Uint8Array(0) };
  readonly processes: Process[] = [];
  /** What each process has in memory of its own, which takes RAM away from the rest. */
  readonly own = new Map<Process, Uint8Array>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.system = boot({
      ram: 52 * PAGE,
      swap: [{ name: 'wd0', pages: 400 }],
      pagePolicy: seed % 2 === 0 ? 'clock' : 'clockpro',
    });
  }

  /** A place in so many bytes, and a length up to a few pages. */
  range(size: number, most = 3 * PAGE): { at: number; length: number } {
    const at = this.random.below(size);
    return { at, length: 1 + this.random.below(Math.min(most, size - at)) };
  }

  bytes(length: number): Uint8Array {
    return new Uint8Array(length).fill(1 + this.random.below(255));
  }
}

function same(found: Uint8Array, wanted: Uint8Array, what: string): void {
  const at = found.findIndex((byte, i) => byte !== wanted[i]);
  expect(at, at < 0 ? '' : `${what}: byte ${at} of ${found.length} is ${found[at]}, not ${wanted[at]}`).toBe(-1);
}

/** Loads or stores in memory that should be like these bytes. */
function* access(world: World, user: User, at: number, plain: Uint8Array, what: string): Step<void> {
  if (plain.length === 0) return;
  const { at: offset, length } = world.range(plain.length);
  if (world.random.below(2) === 0) {
    const bytes = world.bytes(length);
    expect(yield* user.storeBytes(at + offset, bytes), `store to ${what}`).toBe(0);
    plain.set(bytes, offset);
  } else {
    const found = new Uint8Array(length);
    expect(yield* user.loadBytes(at + offset, found), `load from ${what}`).toBe(0);
    same(found, plain.subarray(offset, offset + length), what);
  }
}

const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [8, (world, user) => access(world, user, SEGMENT_AT, world.plain.segment, 'the segment')],
  [8, (world, user) => access(world, user, FILE_AT, world.plain.file, 'the file')],
  [8, (world, user, process) => access(world, user, OWN_AT, world.own.get(process) as Uint8Array, 'its own memory')],
  [
    4,
    function* (world, user) {
      const { at, length } = world.range(SIZE);
      const bytes = world.bytes(length);
      yield* user.storeBytes(BUFFER_AT, bytes);
      expect(yield* user.pwrite(0, BUFFER_AT, length, at)).toBe(length);
      const grown = new Uint8Array(Math.max(world.plain.file.length, at + length));
      grown.set(world.plain.file);
      grown.set(bytes, at);
      world.plain.file = grown;
    },
  ],
  [
    4,
    function* (world, user) {
      const { at, length } = world.range(SIZE);
      const wanted = world.plain.file.subarray(at, at + length);
      expect(yield* user.pread(0, BUFFER_AT, length, at)).toBe(wanted.length);
      const found = new Uint8Array(wanted.length);
      yield* user.loadBytes(BUFFER_AT, found);
      same(found, wanted, 'what was read');
    },
  ],
  [
    3,
    function* (world, user) {
      const size = world.random.below(SIZE);
      expect(yield* user.ftruncate(0, size)).toBe(0);
      const cut = new Uint8Array(size);
      cut.set(world.plain.file.subarray(0, size));
      world.plain.file = cut;
    },
  ],
  [
    2,
    function* (world, user) {
      const at = [SEGMENT_AT, FILE_AT][world.random.below(2)] as number;
      const advice = [MADV_DONTNEED, MADV_FREE][world.random.below(2)] as number;
      expect(yield* user.madvise(at, SIZE, advice)).toBe(0);
      expect(yield* user.msync(at, SIZE, MS_SYNC | MS_INVALIDATE)).toBe(0);
    },
  ],
  [
    2,
    function* (world, user) {
      const page = world.random.below(PAGES);
      if ((yield* user.mlock(SEGMENT_AT + page * PAGE, PAGE)) !== 0) return;
      expect(yield* user.munlock(SEGMENT_AT + page * PAGE, PAGE)).toBe(0);
    },
  ],
  [
    1,
    function* (_world, user) {
      expect(yield* user.shmdt(SEGMENT_AT)).toBe(0);
      const id = yield* user.shmget(1, 0, 0);
      expect(yield* user.shmat(id, SEGMENT_AT, 0)).toBe(SEGMENT_AT);
    },
  ],
];

function pick({ random }: World): Operation {
  let left = random.below(OPERATIONS.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, operation] of OPERATIONS) {
    left -= weight;
    if (left < 0) return operation;
  }
  throw new Error('the weights do not add up');
}

/** A process with everything mapped. */
function begin(world: World): Process {
  const process = world.system.spawn('first');
  const own = new Uint8Array(SIZE);
  act(world.system, process, function* (user) {
    const id = yield* user.shmget(1, SIZE, IPC_CREAT | 0o600);
    yield* user.shmat(id, SEGMENT_AT, 0);
    expect(yield* user.shmOpen('/object', O_RDWR | O_CREAT)).toBe(0);
    yield* user.mmap(FILE_AT, SIZE, RW, MAP_SHARED | MAP_FIXED, 0);
    yield* user.mmap(OWN_AT, SIZE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.mmap(BUFFER_AT, 4 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    // All of it is written, so that it is in memory or on swap.
    for (const [at, plain] of [
      [SEGMENT_AT, world.plain.segment],
      [OWN_AT, own],
    ] as const) {
      yield* user.storeBytes(at, plain.fill(1 + world.random.below(255)));
    }
  });
  world.own.set(process, own);
  return process;
}

/** Plays the program of a seed; how many pages came back from swap. */
function play(seed: number): number {
  const world = new World(seed);
  const { system, processes, random } = world;
  processes.push(begin(world));
  for (let step = 0; step < 60; step++) {
    const process = processes[random.below(processes.length)] as Process;
    if (random.below(15) === 0 && processes.length < 3) {
      const child = childOf(
        system,
        act(system, process, (user) => user.fork()),
      );
      world.own.set(child, (world.own.get(process) as Uint8Array).slice());
      processes.push(child);
      continue;
    }
    act(system, process, (user) => pick(world)(world, user, process));
    if (step % 10 === 0) expectSound(system);
  }
  act(system, processes[0] as Process, function* (user) {
    expect(yield* user.shmctl(yield* user.shmget(1, 0, 0), IPC_RMID)).toBe(0);
    expect(yield* user.shmUnlink('/object')).toBe(0);
  });
  expectNoLeak(system);
  expect([system.uvm.aobjs.size, system.uvm.uvmexp.swpginuse]).toEqual([0, 0]);
  return system.uvm.uvmexp.pgswapin;
}

describe('random programs on shared memory', () => {
  it('find the bytes that they have stored', () => {
    let swapins = 0;
    for (let seed = 1; seed <= 30; seed++) {
      try {
        swapins += play(seed);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(swapins).toBeGreaterThan(500);
  });
});
