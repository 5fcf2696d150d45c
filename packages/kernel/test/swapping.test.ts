/** More memory than RAM: what programs stored is there when they look, wherever it was meanwhile. */
import { describe, expect, it } from 'vitest';
import {
  EBUSY,
  ENXIO,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type Process,
  RandomPreemption,
  ROOT,
  RunToBlock,
  SeededRandom,
  type Step,
  type Strategy,
  SWAP_OFF,
  SWAP_ON,
  type User,
} from '../src/index.js';
import { act, boot, expectNoLeak, expectSound } from './harness.js';

const PAGE = 4096;
const AT = 0x10000000;
const RW = 3;

describe('memory that does not fit into RAM', () => {
  it('is all there, in turn', () => {
    const system = boot({ ram: 64 * PAGE, swap: [{ name: 'wd0', pages: 256 }] });
    const process = system.spawn('large');
    act(system, process, function* (user) {
      yield* user.mmap(AT, 200 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      for (let round = 1; round <= 3; round++) {
        for (let page = 0; page < 200; page++) yield* user.store32(AT + page * PAGE + 8 * round, page * 1000 + round);
        for (let page = 0; page < 200; page++) {
          expect(yield* user.load32(AT + page * PAGE + 8 * round), `page ${page} in round ${round}`).toBe(page * 1000 + round);
        }
      }
    });
    expectSound(system);
    const { pgswapin, pgswapout } = system.uvm.uvmexp;
    expect([pgswapin > 300, pgswapout > 300]).toEqual([true, true]);
    expectNoLeak(system);
    expect(system.uvm.uvmexp.swpginuse).toBe(0);
  });

  const seeds = Array.from({ length: 12 }, (_, i) => i + 1);
  it.each(seeds)('is what a plain machine would have (seed %i)', (seed) => swaps(seed, new RunToBlock()));

  // What cannot be read or written is lost: whoever looks for it is killed, and never sees anything else.
  it.each(seeds)('is that, or lost, when I/O and allocations fail (seed %i)', (seed) => {
    swaps(seed, new RandomPreemption(seed, { faultsIn: 200 }));
  });
});

/** Pages of each kind that a process of the test has: of its own, and shared with those that it forked or that forked it. */
const PAGES = 24;
const SHARED_AT = AT + 0x100000;

/** The first byte that is stored to in each page, as it must be: private ones, and those that all of a family share. */
interface Plain {
  readonly own: Uint8Array;
  readonly shared: Uint8Array;
}

/** Has up to four processes do this and that with four times the memory that there is, while it is swapped to this disk and to that. */
function swaps(seed: number, strategy: Strategy): void {
  const faults = strategy instanceof RandomPreemption;
  const random = new SeededRandom(seed);
  const system = boot({
    ram: 48 * PAGE,
    strategy,
    swap: [
      { name: 'wd0', pages: 220 },
      { name: 'wd1', pages: 220, priority: seed % 2 },
      { name: 'wd2', pages: 220, on: false },
    ],
  });
  const root = system.spawn('root', { credentials: ROOT });
  const plain = new Map<Process, Plain>();
  /** Has a process do something; where nothing fails, it lives on. */
  const attempt = (process: Process, job: (user: User) => Step<unknown>): unknown => {
    if (!faults) return act(system, process, job);
    const answer = system.perform(process, job);
    if (process.zombie) plain.delete(process);
    return answer;
  };
  const spawn = (): void => {
    const process = system.spawn('family');
    plain.set(process, { own: new Uint8Array(PAGES), shared: new Uint8Array(PAGES) });
    attempt(process, function* (user) {
      yield* user.mmap(AT, PAGES * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.mmap(SHARED_AT, PAGES * PAGE, RW, MAP_ANON | MAP_SHARED | MAP_FIXED);
    });
  };
  for (let n = 0; n < 250; n++) {
    if (plain.size === 0) spawn();
    const process = [...plain.keys()][random.below(plain.size)] as Process;
    const { own, shared } = plain.get(process) as Plain;
    const page = random.below(PAGES);
    const byte = random.below(256);
    switch (random.below(12)) {
      case 0:
        if (plain.size < 4) {
          const child = system.sys.processes.get(attempt(process, (user) => user.fork()) as number);
          if (child !== undefined) plain.set(child, { own: own.slice(), shared });
        }
        break;
      case 1:
        if (plain.size < 4) spawn();
        break;
      case 2:
        if (plain.size > 1) {
          plain.delete(process);
          system.perform(process, (user) => user.exit(0));
        }
        break;
      case 3:
        own[page] = 0;
        attempt(process, function* (user) {
          yield* user.munmap(AT + page * PAGE, PAGE);
          yield* user.mmap(AT + page * PAGE, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        });
        break;
      case 4: {
        const command = random.below(2) === 0 ? SWAP_ON : SWAP_OFF;
        const answer = act(system, root, (user) => user.swapctl(command, `/dev/wd${1 + random.below(2)}`, random.below(2)));
        if (!faults) expect([0, -EBUSY, -ENXIO]).toContain(answer);
        break;
      }
      case 5:
        attempt(process, function* (user) {
          if ((yield* user.mlock(AT + page * PAGE, PAGE)) === 0) yield* user.munlock(AT + page * PAGE, PAGE);
        });
        break;
      default:
        attempt(process, function* (user) {
          for (let i = 0; i < 8; i++) {
            const which = random.below(PAGES);
            const common = random.below(2) === 0;
            const at = (common ? SHARED_AT : AT) + which * PAGE + 100;
            const model = common ? shared : own;
            if (random.below(2) === 0) {
              yield* user.store8(at, byte);
              model[which] = byte;
            } else {
              expect(yield* user.load8(at), `${common ? 'shared' : 'own'} page ${which} after ${n} steps`).toBe(model[which]);
            }
          }
        });
    }
    if (n % 25 === 0) expectSound(system);
  }
  expectSound(system);
  expect(system.uvm.uvmexp.pgswapout).toBeGreaterThan(faults ? 0 : 50);
  expectNoLeak(system);
  const { uvmexp, swap } = system.uvm;
  expect(uvmexp.swpginuse).toBe(swap.bad);
}
