/** The lock of a map, and being busy, which lies over it. */
import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { KernelPanic } from '../../kern/panic.js';
import { Deadlock } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import { BUILD, type Step } from '../../kern/switch.js';

describe('the timestamp of a map', () => {
  it('grows with each lock for writing, however it was had, and not with one for reading', () => {
    const bench = new Bench();
    const { uvm, map } = bench;
    bench.run(function* () {
      const seen = [map.timestamp];
      yield* uvm.vmMapLock(map);
      seen.push(map.timestamp);
      yield* uvm.vmMapUnlock(map);
      expect(yield* uvm.vmMapLockTry(map)).toBe(true);
      seen.push(map.timestamp);
      yield* uvm.vmMapUnlock(map);
      yield* uvm.vmMapLockRead(map);
      seen.push(map.timestamp);
      yield* uvm.vmMapUnlockRead(map);
      expect(seen).toEqual([0, 1, 2, 2]);
    });
  });
});

describe('a try for the lock', () => {
  it('fails while somebody holds it, and leaves the timestamp', () => {
    const bench = new Bench();
    const { uvm, map, kern } = bench;
    const tried: boolean[] = [];
    startThread(kern, function* () {
      yield* uvm.vmMapLockRead(map);
      yield* pause(kern.scheduler, 'reading', 2);
      yield* uvm.vmMapUnlockRead(map);
    });
    startThread(kern, function* () {
      tried.push(yield* uvm.vmMapLockTry(map));
    });
    kern.scheduler.run();
    expect([tried, map.timestamp]).toEqual([[false], 0]);
  });

  it('fails while the map is busy, for whoever has it busy as well', () => {
    const bench = new Bench();
    const { uvm, map, kern } = bench;
    const tried: boolean[] = [];
    startThread(kern, function* () {
      yield* makeBusy(bench);
      yield* pause(kern.scheduler, 'busy', 2);
      tried.push(yield* uvm.vmMapLockTry(map));
      yield* uvm.vmMapUnbusy(map);
      tried.push(yield* uvm.vmMapLockTry(map));
      yield* uvm.vmMapUnlock(map);
    });
    startThread(kern, function* () {
      tried.push(yield* uvm.vmMapLockTry(map));
    });
    kern.scheduler.run();
    expect(tried).toEqual([false, false, true]);
    expect(map.lock.state).toBe('free');
  });
});

/** Makes the map busy and unlocks it. */
function* makeBusy({ uvm, map }: Bench): Step<void> {
  yield* uvm.vmMapLock(map);
  yield* uvm.vmMapBusy(map);
  yield* uvm.vmMapUnlock(map);
}

describe('a busy map', () => {
  it('lets readers in', () => {
    const bench = new Bench();
    const { uvm, map, kern } = bench;
    const log: string[] = [];
    startThread(kern, function* () {
      yield* makeBusy(bench);
      log.push('busy');
      yield* pause(kern.scheduler, 'busy', 5);
      log.push('done');
      yield* uvm.vmMapUnbusy(map);
    });
    startThread(kern, function* () {
      yield* uvm.vmMapLockRead(map);
      log.push(`reads while ${map.busy?.name} has it busy`);
      yield* uvm.vmMapUnlockRead(map);
    });
    kern.scheduler.run();
    expect(log).toEqual(['busy', 'reads while 1.1 has it busy', 'done']);
  });

  it('keeps other writers out until it is not busy any more', () => {
    const bench = new Bench();
    const { uvm, map, kern } = bench;
    const log: string[] = [];
    startThread(kern, function* () {
      yield* makeBusy(bench);
      log.push('busy');
      yield* pause(kern.scheduler, 'busy', 5);
      log.push('done');
      yield* uvm.vmMapUnbusy(map);
    });
    startThread(kern, function* () {
      yield* uvm.vmMapLock(map);
      log.push('writes');
      yield* uvm.vmMapUnlock(map);
    });
    // In the direct build the writer runs above the sleeper on the stack, so that the map never stops being busy.
    if (BUILD === 'direct') thrownBy(Deadlock, () => kern.scheduler.run());
    else kern.scheduler.run();
    expect(log).toEqual(BUILD === 'direct' ? ['busy'] : ['busy', 'done', 'writes']);
  });

  it('can be locked for writing by whoever has it busy, to put back what it did', () => {
    const bench = new Bench();
    const { uvm, map } = bench;
    bench.run(function* () {
      yield* makeBusy(bench);
      const before = map.timestamp;
      yield* uvm.vmMapLock(map);
      expect(map.timestamp).toBe(before + 1);
      yield* uvm.vmMapUnbusy(map);
      yield* uvm.vmMapUnlock(map);
    });
    bench.expectSound();
  });

  it('is found by the audit when nobody is at work', () => {
    const bench = new Bench();
    bench.run(() => makeBusy(bench));
    expect(bench.audit().map(({ invariant, finding }) => [invariant, finding])).toEqual([
      ['locks-free', 'map 1 is busy, by lwp 1.1'],
    ]);
  });
});

describe('the protocol is kept by assertions:', () => {
  it('only a writer makes the map busy, and only once', () => {
    const reader = new Bench();
    const byReader = reader.panicOf(function* () {
      yield* reader.uvm.vmMapLockRead(reader.map);
      yield* reader.uvm.vmMapBusy(reader.map);
    });
    expect(byReader).toContain('"rw_write_held(&map->lock)"');
    const bench = new Bench();
    const twice = bench.panicOf(function* () {
      yield* bench.uvm.vmMapLock(bench.map);
      yield* bench.uvm.vmMapBusy(bench.map);
      yield* bench.uvm.vmMapBusy(bench.map);
    });
    expect(twice).toContain('"map->busy == NULL"');
  });

  it('only whoever made it busy ends that', () => {
    const bench = new Bench();
    bench.run(() => makeBusy(bench));
    expect(bench.panicOf(() => bench.uvm.vmMapUnbusy(bench.map))).toContain('"map->busy == curlwp"');
  });

  it('only a writer unlocks as a writer', () => {
    const bench = new Bench();
    const panic = bench.panicOf(function* () {
      yield* bench.uvm.vmMapLockRead(bench.map);
      yield* bench.uvm.vmMapUnlock(bench.map);
    });
    expect(panic).toContain('"rw_write_held(&map->lock)"');
  });

  it('nobody is inside while somebody else has it busy', () => {
    const bench = new Bench();
    const { uvm, map, kern } = bench;
    bench.run(() => makeBusy(bench));
    const { busy } = map;
    startThread(kern, function* () {
      map.busy = null;
      yield* uvm.vmMapLock(map);
      map.busy = busy;
      yield* uvm.vmMapUnlock(map);
    });
    const panic = thrownBy(KernelPanic, () => kern.scheduler.run());
    expect(panic.message).toContain('"map->busy == NULL || map->busy == curlwp"');
  });
});
