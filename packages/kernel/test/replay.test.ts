/** Decision D2: the same program, patches and schedule give the same run, to the byte. On the whole system. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  KernelPanic,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_SYNC,
  type NetbsdSystem,
  O_NONBLOCK,
  O_RDWR,
  Replay,
  RunToBlock,
  type Schedule,
  StateHash,
  type Step,
  type Strategy,
  type User,
} from '../src/index.js';
import { Deadlock } from '../src/kern/scheduler.js';
import { PAGE_SIZE } from '../src/machine/address.js';
import { RamFile } from '../src/machine/file-store.js';
import { boot } from './harness.js';
import { RandomWithTimeouts } from './random-program.js';
import { digestOf, linesOf } from './state-subject.js';

const PAGE = PAGE_SIZE;
const RW = 3;
/**
 * Where everything happens:
 *
 *     0 1 2 3 4 5 6 7
 *     p p s s f f . .      p private   s shared   f a file, shared   . nothing at first
 */
const AT = 0x40_0000;
const PAGES = 8;
const FILE_PAGES = 2;
const SIGUSR1 = 30;

/** A call with the page that it is about; `fork` and `thread` have one more thread run what follows. */
type Call = readonly [name: keyof typeof CALLS | 'fork' | 'thread', page: number];

const address = (page: number): number => AT + page * PAGE;

const CALLS = {
  store: (user: User, page: number) => user.store8(address(page), page + 1),
  load: (user: User, page: number) => user.load8(address(page)),
  map: (user: User, page: number) => user.mmap(address(page), 2 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED),
  mapFile: (user: User, page: number) => user.mmap(address(page), PAGE, RW, MAP_SHARED | MAP_FIXED, 0, PAGE),
  unmap: (user: User, page: number) => user.munmap(address(page), PAGE),
  protect: (user: User, page: number) => user.mprotect(address(page), PAGE, page % 2 === 0 ? RW : 1),
  wire: (user: User, page: number) => user.mlock(address(page), 2 * PAGE),
  unwire: (user: User, page: number) => user.munlock(address(page), PAGE),
  sync: (user: User, page: number) => user.msync(address(page), PAGE, MS_SYNC),
  advise: (user: User, page: number) => user.madvise(address(page), PAGE, 1 + (page % 3)),
  truncate: (user: User, page: number) => user.ftruncate(0, page * (PAGE / 2)),
  write: (user: User, page: number) => user.write(0, address(page), PAGE / 2),
  read: (user: User, page: number) => user.pread(0, address(page), PAGE, 0),
  flush: (user: User, _page: number) => user.fsync(0),
  send: (user: User, page: number) => user.write(2, address(page), 3),
  receive: (user: User, page: number) => user.read(1, address(page), 2),
  wait: (user: User, _page: number) => user.wait(-1),
  grow: (user: User, page: number) => user.sbrk(page * 1000),
  signal: (user: User, page: number) => user.kill(1 + (page % 3), SIGUSR1),
} satisfies Record<string, (user: User, page: number) => Step<unknown>>;

const NAMES = [...(Object.keys(CALLS) as (keyof typeof CALLS)[]), 'fork', 'thread'] as const;
const calls = fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.nat(PAGES - 1)), { maxLength: 12 });
/** What the processes do. */
const programs: fc.Arbitrary<readonly (readonly Call[])[]> = fc.array(calls, { minLength: 1, maxLength: 3 });

function* perform(user: User, todo: readonly Call[]): Step<void> {
  for (const [i, [name, page]] of [...todo.entries()]) {
    const rest = todo.slice(i + 1, i + 4).filter(([next]) => next !== 'fork' && next !== 'thread');
    if (name === 'fork') yield* user.fork((child) => perform(child, rest));
    else if (name === 'thread') yield* user.lwpCreate((thread) => perform(thread, rest));
    else yield* CALLS[name](user, page);
  }
}

function* begin(user: User, todo: readonly Call[]): Step<void> {
  user.sigaction(SIGUSR1, function* (info, thread) {
    yield* thread.load8(address(info.signal % PAGES));
    return 'skip';
  });
  yield* user.open('/data', O_RDWR);
  yield* user.pipe(O_NONBLOCK);
  yield* user.mmap(address(0), 2 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
  yield* user.mmap(address(2), 2 * PAGE, RW, MAP_ANON | MAP_SHARED | MAP_FIXED);
  yield* user.mmap(address(4), FILE_PAGES * PAGE, RW, MAP_SHARED | MAP_FIXED, 0);
  yield* perform(user, todo);
}

/** Everything that can be seen of a run. */
function runOf(program: readonly (readonly Call[])[], strategy: Strategy, cpus: number) {
  const system = boot({ ram: 64 * PAGE, strategy, cpus, userSteps: true });
  system.kern.log.on = true;
  system.sys.vfs.add('/data', new RamFile('data', new Uint8Array(FILE_PAGES * PAGE).fill(7)));
  for (const todo of program) system.spawn('p', { program: (user) => begin(user, todo) });
  const { kern } = system;
  return {
    end: endOf(system),
    events: kern.log.events().map((event) => JSON.stringify(event)),
    console: kern.console,
    state: linesOf(system),
    digest: digestOf(system),
    memory: memoryOf(system),
    steps: kern.scheduler.steps,
    tick: kern.scheduler.tick,
    schedule: kern.scheduler.recorder.schedule,
  };
}

/** All of RAM, free pages included. */
function memoryOf(system: NetbsdSystem): string {
  const hash = new StateHash();
  hash.bytes('RAM', system.machine.ram.bytes);
  return hash.digest;
}

/** What ended a run early; empty when nothing did. */
function endOf(system: NetbsdSystem): string {
  try {
    system.run();
    return '';
  } catch (error) {
    if (!(error instanceof Deadlock || error instanceof KernelPanic)) throw error;
    return error.message;
  }
}

describe('a run of the whole system', () => {
  it('is repeated by its schedule: every event, line of the console, byte of memory and field of state', () => {
    const seen = { switches: 0, choices: 0, whole: 0 };
    fc.assert(
      fc.property(programs, fc.nat(), fc.integer({ min: 1, max: 3 }), (program, seed, cpus) => {
        const recorded = runOf(program, new RandomWithTimeouts(seed, { faultsIn: 25 }), cpus);
        const schedule = JSON.parse(JSON.stringify(recorded.schedule)) as Schedule;
        expect(runOf(program, new Replay(schedule), cpus)).toEqual(recorded);
        seen.switches += schedule.switches.length;
        seen.choices += schedule.choices.length;
        if (recorded.end === '') seen.whole++;
      }),
      { numRuns: 150 },
    );
    // Otherwise the property would say little.
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20);
  });

  it('without a schedule is run-to-block', () => {
    const empty: Schedule = { switches: [], choices: [], expiries: [] };
    fc.assert(
      fc.property(programs, (program) => {
        expect(runOf(program, new Replay(empty), 1)).toEqual(runOf(program, new RunToBlock(), 1));
      }),
      { numRuns: 50 },
    );
  });
});
