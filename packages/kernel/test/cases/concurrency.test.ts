/**
 * Cases with known answers: threads that share an address space. In the stepped build each is run under many random schedules with
 * a choice at every step; the direct build has no preemption, and runs them one after the other.
 */
import { describe, expect, it } from 'vitest';
import {
  asVa,
  BUILD,
  definePatch,
  ENOMEM,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdPatch,
  PROT_NONE,
  type Process,
  RandomPreemption,
  type SchedulingPoint,
  type UserProgram,
} from '../../src/index.js';
import { UVM_FLAG_UNMAP } from '../../src/uvm/map/map-arguments.js';
import type { VmMap } from '../../src/uvm/map/vm-map.js';
import { act, boot, bootProcess, expectNoLeak, expectSound } from '../harness.js';
import { entriesOf, mapAnon, PAGE, RW } from './support.js';

/** The seeds of the schedules to try. */
function seeds(count: number): number[] {
  return Array.from({ length: BUILD !== 'direct' ? count : 1 }, (_, seed) => seed + 1);
}

/** Random preemption that looks, at each step, who holds the lock of a map, and how. */
class LockWatch extends RandomPreemption {
  map: VmMap | null = null;
  /** `mmap write`: in which system call, or in a fault, the lock was held, and how. */
  readonly seen = new Set<string>();
  /** The most threads that held it at once. */
  together = 0;

  override preempts(point: SchedulingPoint): boolean {
    const lock = this.map?.lock;
    for (const lwp of lock?.holders() ?? []) this.seen.add(`${lwp.call?.name ?? 'fault'} ${lock?.state}`);
    this.together = Math.max(this.together, lock?.holders().length ?? 0);
    return super.preempts(point);
  }
}

/** Runs these threads in one process until all have ended. */
function runThreads(system: ReturnType<typeof boot>, process: Process, threads: readonly UserProgram[]): void {
  act(system, process, function* (user) {
    for (const thread of threads) expect(yield* user.lwpCreate(thread)).toBeGreaterThan(0);
  });
  expect(process.lwps).toHaveLength(1);
}

describe('concurrency', () => {
  const kinds: [what: string, flags: number, holds: string[]][] = [
    // Before the first store to private memory the fault makes its amap, and that changes the map entry.
    ['private', MAP_ANON | MAP_PRIVATE, ['fault read', 'fault write', 'mmap write', 'munmap write']],
    ['shared', MAP_ANON | MAP_SHARED, ['fault read', 'mmap write', 'munmap write']],
  ];
  for (const [what, flags, holds] of kinds) {
    it(`mapbench LOCAL: four threads map, touch and unmap their own ${what} page; faults share the map lock, no page is lost`, () => {
      const seen = new Set<string>();
      let together = 0;
      for (const seed of seeds(40)) {
        const strategy = new LockWatch(seed);
        const system = boot({ strategy });
        const process = system.spawn('mapbench');
        strategy.map = [...system.uvm.maps].find((map) => map.pmap === process.space?.pmap) ?? null;
        const { free } = system.uvm.uvmexp;
        let rounds = 0;
        const thread: UserProgram = function* (user) {
          for (let round = 1; round <= 3; round++) {
            const value = user.lwp.lid * 1000 + round;
            const page = yield* mapAnon(user, 1, RW, flags);
            expect(yield* user.load32(page), `seed ${seed}: a fresh page`).toBe(0);
            yield* user.store32(page, value);
            expect(yield* user.load32(page), `seed ${seed}: the thread's own page`).toBe(value);
            expect(yield* user.munmap(page, PAGE)).toBe(0);
            rounds++;
          }
        };
        runThreads(system, process, [thread, thread, thread, thread]);
        expect(rounds).toBe(12);
        expect(entriesOf(system, process)).toEqual([]);
        expect(system.uvm.uvmexp.free, `seed ${seed}: free pages`).toBe(free);
        expectNoLeak(system);
        for (const hold of strategy.seen) seen.add(hold);
        together = Math.max(together, strategy.together);
      }
      expect([...seen].sort()).toEqual(BUILD !== 'direct' ? holds : []);
      if (BUILD !== 'direct') expect(together).toBeGreaterThanOrEqual(2);
      else expect(together).toBe(0);
    });
  }

  /** Pages of each mapping of the race. */
  const PAGES = 13;
  const SIZE = PAGES * PAGE;

  /**
   * T1 maps a placeholder, upgrades it by MAP_FIXED, and unmaps it; T2 maps anywhere and unmaps. Answers what T1's upgrades gave,
   * minus the place they were to be at: 0 for each that worked.
   */
  function reprotectRace(seed: number, patches: readonly NetbsdPatch[] = []): number[] {
    const { system, process } = bootProcess({ strategy: new RandomPreemption(seed), patches });
    const upgrades: number[] = [];
    const upgrade: UserProgram = function* (user) {
      for (let i = 1; i <= 6; i++) {
        const place = yield* mapAnon(user, PAGES, PROT_NONE);
        const got = yield* user.mmap(place, SIZE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        upgrades.push(got < 0 ? got : got - place);
        if (got < 0) return;
        yield* user.store32(place, i);
        expect(yield* user.load32(place), `seed ${seed}: T1's memory`).toBe(i);
        expect(yield* user.munmap(place, SIZE)).toBe(0);
      }
    };
    const bystander: UserProgram = function* (user) {
      for (let i = 1; i <= 6; i++) {
        const place = yield* mapAnon(user, PAGES);
        yield* user.store32(place, -i);
        expect(yield* user.load32(place), `seed ${seed}: T2's memory`).toBe(-i);
        expect(yield* user.munmap(place, SIZE)).toBe(0);
      }
    };
    runThreads(system, process, [upgrade, bystander]);
    expectSound(system);
    expectNoLeak(system);
    return upgrades;
  }

  it('mmap_reprotect_race: upgrading a placeholder by MAP_FIXED never fails while another thread maps and unmaps anywhere', () => {
    //            T1's placeholder                  T1 replaces it in one hold of the map lock:
    //     [────────── PROT_NONE ────────)    ->    [────────── READ|WRITE ───────)
    //            T2 maps where there is room, and there never is room here
    for (const seed of seeds(200)) expect(reprotectRace(seed), `seed ${seed}`).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('mmap_reprotect_race: with the placeholder unmapped in a hold of its own, as in 2016, it fails in some interleaving', () => {
    const twoHolds = definePatch({
      id: 'netbsd-2017-mmap-fixed-race',
      summary: 'mmap(MAP_FIXED) unmaps what is there before it locks the map once more to put the new mapping there',
      replace: {
        uvm: {
          uvmMap: (original) =>
            function* (map, args) {
              if ((args.flags & UVM_FLAG_UNMAP) === 0) return yield* original.call(this, map, args);
              yield* this.uvmUnmap(map, args.hint, asVa(args.hint + args.size));
              return yield* original.call(this, map, { ...args, flags: args.flags & ~UVM_FLAG_UNMAP });
            },
        },
      },
    });
    const failed = seeds(20).filter((seed) => reprotectRace(seed, [twoHolds]).includes(-ENOMEM));
    if (BUILD !== 'direct') expect(failed.length).toBeGreaterThan(0);
    else expect(failed).toEqual([]);
  });
});
