/** What a mapping may ask for, and what it is refused for. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, RW, SHARED } from '../../../test/maps.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { EACCES, EAGAIN, ENOMEM } from '../../kern/errno.js';
import { Deadlock } from '../../kern/scheduler.js';
import { pause } from '../../kern/sleepq.js';
import { BUILD, type Step } from '../../kern/switch.js';
import { asVa, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import {
  DEFAULT_ARGUMENTS,
  type MapArguments,
  UVM_FLAG_AMAPPAD,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_NOWAIT,
  UVM_FLAG_OVERLAY,
  UVM_FLAG_TRYLOCK,
  UVM_FLAG_UNMAP,
  UVM_FLAG_WAITVA,
} from './map-arguments.js';
import { VM_MAP_WANTVA, type VmMap } from './vm-map.js';

/** Asks for pages at or near a page. */
function* ask(bench: Bench, page: number, pages: number, what: Partial<MapArguments> = {}): Step<number> {
  return yield* bench.uvm.uvmMap(bench.map, {
    ...DEFAULT_ARGUMENTS,
    protection: RW,
    hint: bench.at(page),
    size: pages * PAGE_SIZE,
    ...what,
  });
}

describe('a mapping', () => {
  it('is refused with EACCES when it asks for rights that it may never have', () => {
    const bench = new Bench();
    expect(bench.run(() => ask(bench, 0, 1, { maxProtection: PROT_READ }))).toBe(-EACCES);
    expect(bench.picture()).toBe('');
  });

  it('is refused with ENOMEM when there is no room, and leaves its object to the caller', () => {
    const bench = new Bench({ pages: 4 });
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.put(1, 2);
      expect(yield* ask(bench, 0, 3, { object: file })).toBe(-ENOMEM);
      expect(yield* ask(bench, 1, 1, { object: file, flags: UVM_FLAG_FIXED })).toBe(-ENOMEM);
      expect(yield* ask(bench, 9, 1, { object: file })).toBe(-ENOMEM);
    });
    expect([file.references, bench.picture()]).toEqual([1, '.a']);
    bench.expectSound();
  });

  it('must be of whole pages, and at least one', () => {
    for (const size of [0, 100, PAGE_SIZE + 1]) {
      const bench = new Bench();
      expect(bench.panicOf(() => ask(bench, 0, 1, { size }))).toContain('"(size & PAGE_MASK) == 0"');
    }
  });

  it('goes to the address next to its hint, in the direction in which the map is filled', () => {
    const up = new Bench({ pages: 8 });
    const down = new Bench({ pages: 8, topdown: true });
    for (const bench of [up, down]) {
      bench.run(function* () {
        yield* bench.put(4, 5);
        yield* ask(bench, 4, 2, { flags: PRIVATE });
      });
      bench.expectSound();
    }
    expect([up.picture(), down.picture()]).toEqual(['....aaa', '..aaa']);
  });
});

describe('a locked map', () => {
  it('is waited for, or with TRYLOCK answers EAGAIN', () => {
    const bench = new Bench();
    const { kern, uvm, map } = bench;
    const outcomes: number[] = [];
    const holder = startThread(kern, function* () {
      yield* uvm.vmMapLock(map);
      yield* pause(kern.scheduler, 'holding', 5);
      yield* uvm.vmMapUnlock(map);
    });
    startThread(kern, function* () {
      outcomes.push(yield* ask(bench, 0, 1, { flags: UVM_FLAG_TRYLOCK }));
      outcomes.push(yield* ask(bench, 0, 1));
    });
    // In the direct build the holder lies below the other thread on the stack, and cannot let go before that is done.
    if (BUILD === 'direct') thrownBy(Deadlock, () => kern.scheduler.run());
    else kern.scheduler.run();
    expect(holder.held).toHaveLength(BUILD === 'direct' ? 1 : 0);
    expect(outcomes).toEqual(BUILD === 'direct' ? [-EAGAIN] : [-EAGAIN, bench.at(0)]);
  });
});

describe('a full map', () => {
  it('is waited for with WAITVA until somebody unmaps', () => {
    const bench = new Bench({ pages: 4 });
    bench.run(() => bench.put(0, 4));
    const outcomes: number[] = [];
    startThread(bench.kern, function* () {
      outcomes.push(yield* ask(bench, 0, 2, { flags: UVM_FLAG_WAITVA | PRIVATE }));
    });
    startThread(bench.kern, function* () {
      expect(bench.map.flags & VM_MAP_WANTVA).toBe(VM_MAP_WANTVA);
      yield* bench.remove(1, 3);
      expect(bench.map.flags & VM_MAP_WANTVA).toBe(0);
    });
    bench.kern.scheduler.run();
    expect(outcomes).toEqual([bench.at(1)]);
    expect(bench.picture()).toBe('aaaa');
    bench.expectSound();
  });

  it('is looked at once more also without WAITVA when somebody has unmapped since', () => {
    const bench = new Bench({ pages: 4 });
    const { uvm } = bench;
    const { vmMapUnlock } = uvm;
    bench.run(() => bench.put(0, 4));
    Object.assign(uvm, {
      *vmMapUnlock(map: VmMap) {
        yield* vmMapUnlock.call(uvm, map);
        Object.assign(uvm, { vmMapUnlock });
        yield* bench.remove(1, 3);
      },
    });
    expect(bench.run(() => ask(bench, 0, 2))).toBe(bench.at(1));
    expect(bench.run(() => ask(bench, 0, 2))).toBe(-ENOMEM);
  });

  it('is looked at once more each second, and whenever it has changed', () => {
    const bench = new Bench({ pages: 4 });
    bench.run(() => bench.put(0, 4));
    const outcomes: number[] = [];
    startThread(bench.kern, function* () {
      outcomes.push(yield* ask(bench, 0, 2, { flags: UVM_FLAG_WAITVA | PRIVATE }));
    });
    startThread(bench.kern, function* () {
      yield* bench.remove(0, 1);
      yield* pause(bench.kern.scheduler, 'resting', 250);
      yield* bench.remove(1, 2);
    });
    bench.kern.scheduler.run();
    expect(outcomes).toEqual([bench.at(0)]);
    bench.expectSound();
  });
});

describe('replacing what is mapped', () => {
  it('happens under one hold of the lock, and clips what is only partly replaced', () => {
    const bench = new Bench();
    const file = bench.newFile(8);
    bench.run(function* () {
      yield* bench.put(0, 4);
      yield* bench.putFile(4, 8, file, 0);
      const before = bench.map.timestamp;
      yield* ask(bench, 2, 4, { flags: UVM_FLAG_FIXED | UVM_FLAG_UNMAP });
      expect(bench.map.timestamp).toBe(before + 1);
    });
    //                            aaaabbbb
    expect(bench.picture()).toBe('aabbbbcc');
    expect(bench.entryAt(6).offset).toBe(2 * PAGE_SIZE);
    bench.expectSound();
  });

  it('may replace nothing, or an entry exactly, and merges with what is around', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 6);
      yield* ask(bench, 2, 2, { flags: UVM_FLAG_FIXED | UVM_FLAG_UNMAP | PRIVATE });
      expect(bench.picture()).toBe('aaaaaa');
      yield* ask(bench, 6, 1, { flags: UVM_FLAG_FIXED | UVM_FLAG_UNMAP | PRIVATE });
      expect(bench.picture()).toBe('aaaaaaa');
      yield* ask(bench, 0, 7, { flags: UVM_FLAG_FIXED | UVM_FLAG_UNMAP | SHARED });
    });
    expect(bench.picture()).toBe('aaaaaaa');
    expect(bench.map.size).toBe(7 * PAGE_SIZE);
    bench.expectSound();
  });

  it('is for a fixed address, and may sleep', () => {
    const wrong = [
      [UVM_FLAG_UNMAP, '"flags & UVM_FLAG_FIXED"'],
      [UVM_FLAG_UNMAP | UVM_FLAG_FIXED | UVM_FLAG_NOWAIT, '"(flags & UVM_FLAG_NOWAIT) == 0"'],
    ] as const;
    for (const [flags, assertion] of wrong) {
      const bench = new Bench();
      expect(bench.panicOf(() => ask(bench, 0, 1, { flags }))).toContain(assertion);
    }
  });
});

describe('the amap of a mapping', () => {
  it('is there at once with OVERLAY, with more room with AMAPPAD', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* ask(bench, 0, 3, { flags: UVM_FLAG_OVERLAY });
      yield* ask(bench, 4, 3, { flags: UVM_FLAG_OVERLAY | UVM_FLAG_AMAPPAD });
      yield* ask(bench, 8, 3);
    });
    expect([bench.amapAt(0).slots, bench.amapAt(0).maxSlots]).toEqual([3, 4]);
    expect([bench.amapAt(4).slots, bench.amapAt(4).maxSlots]).toEqual([3, 20]);
    expect(bench.entryAt(8).amap).toBeNull();
    bench.expectSound();
  });

  it('makes private memory that needs no copy any more', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* ask(bench, 0, 1, { flags: UVM_FLAG_COPYONW });
      yield* ask(bench, 4, 1, { flags: UVM_FLAG_COPYONW | UVM_FLAG_OVERLAY });
    });
    const both = [bench.entryAt(0), bench.entryAt(4)];
    expect(both.map(({ copyOnWrite, needsCopy }) => [copyOnWrite, needsCopy])).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  it('is refused with ENOMEM when the environment has no memory for it, and nothing is mapped', () => {
    const bench = new Bench();
    bench.run(function* () {
      bench.kern.faults.arm(bench.uvm.curlwp, 1);
      expect(yield* ask(bench, 0, 1, { flags: UVM_FLAG_OVERLAY | UVM_FLAG_NOWAIT })).toBe(-ENOMEM);
      expect(bench.kern.faults.disarm(bench.uvm.curlwp)).toEqual({ met: 1, failed: true });
    });
    expect([bench.picture(), bench.map.size]).toEqual(['', 0]);
    bench.expectSound();
  });

  it('is refused with ENOMEM when its slots would not fit into memory', () => {
    const pages = 64 * 256;
    const bench = new Bench({ ramPages: 64, pages: 2 * pages });
    expect(bench.run(() => ask(bench, 0, pages + 1, { flags: UVM_FLAG_OVERLAY }))).toBe(-ENOMEM);
    expect(bench.run(() => ask(bench, 0, pages, { flags: UVM_FLAG_OVERLAY }))).toBe(bench.at(0));
    bench.expectSound();
  });
});

describe('entering a mapping', () => {
  it('wants the entry before it to be the hint, as the search leaves it', () => {
    const bench = new Bench();
    const { uvm, map } = bench;
    const panic = bench.panicOf(function* () {
      yield* bench.put(0, 1);
      const args = { ...DEFAULT_ARGUMENTS, hint: bench.at(2), size: PAGE_SIZE, flags: UVM_FLAG_FIXED };
      yield* uvm.uvmMapPrepare(map, args);
      map.hint = map.header;
      yield* uvm.uvmMapEnter(map, args, bench.entryAt(0), asVa(bench.at(2)));
    });
    expect(panic).toContain('"map->hint == prev_entry"');
  });

  it('has an event that tells where it is and how it merged', () => {
    const bench = new Bench();
    bench.kern.log.on = true;
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.put(2, 3);
      yield* bench.put(1, 2);
    });
    expect(bench.events('map').map(({ range, merged }) => [range.start, range.end, merged])).toEqual([
      [bench.at(0), bench.at(1), 'no'],
      [bench.at(2), bench.at(3), 'no'],
      [bench.at(1), bench.at(2), 'both'],
    ]);
  });
});
