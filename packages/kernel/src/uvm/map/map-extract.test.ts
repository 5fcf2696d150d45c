/** Taking mappings from one map to another. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EINVAL, EIO, ENOMEM } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asVa, PAGE_SIZE, type Va } from '../../machine/address.js';
import { PROT_NONE, PROT_READ } from '../../machine/protection.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';
import type { ExtractOptions } from './map-extract.js';
import type { VmMap } from './vm-map.js';

/**
 * Pages 0 to 4 private, 4 to 6 of a file, a hole, 8 to 10 shared; each but page 9 stored to: `aaaabb..cc`. And an empty map.
 */
function twoMaps(): { bench: Bench; other: VmMap } {
  const bench = new Bench();
  const file = bench.newFile(8);
  bench.run(function* () {
    yield* bench.put(0, 4);
    yield* bench.putFile(4, 6, file, 2);
    yield* bench.put(8, 10, { flags: SHARED });
    for (const page of [0, 1, 2, 3, 4, 5, 8]) yield* bench.write(page, 50 + page);
  });
  expect(bench.picture()).toBe('aaaabb..cc');
  return { bench, other: bench.newSpace().map };
}

/** Extracts pages of the bench's map into another; answers the page there, or minus an errno. */
function* extract(bench: Bench, from: number, to: number, other: VmMap, options: ExtractOptions = {}): Step<number> {
  const at = yield* bench.uvm.uvmMapExtract(bench.map, bench.at(from), (to - from) * PAGE_SIZE, other, options);
  return at < 0 ? at : (at - bench.at(0)) / PAGE_SIZE;
}

describe('what is extracted', () => {
  it('is shared from then on: stores are seen in both maps', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      expect(yield* extract(bench, 1, 5, other)).toBe(0);
      expect([yield* bench.read(0, other), yield* bench.read(3, other)]).toEqual([51, 54]);
      yield* bench.write(0, 99, other);
      yield* bench.write(2, 77);
      yield* bench.write(4, 88);
      expect([yield* bench.read(1), yield* bench.read(1, other), yield* bench.read(3, other)]).toEqual([99, 77, 88]);
    });
    expect([bench.picture(), bench.picture(other)]).toEqual(['abbbcd..ee', 'aaab']);
    // There is no gap in front of it.
    expect(other.firstFree).toBe(bench.entryAt(3, other));
    bench.expectSound();
  });

  it('has its holes, which nothing is mapped in, and its reservation is used up', () => {
    const { bench, other } = twoMaps();
    expect(bench.run(() => extract(bench, 5, 9, other))).toBe(0);
    expect(bench.picture(other)).toBe('a..b');
    expect(other.size).toBe(2 * PAGE_SIZE);
    bench.expectSound();
  });

  it('lies behind what is in the other map already', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.put(0, 1, {}, other);
      expect(yield* extract(bench, 8, 10, other)).toBe(1);
    });
    expect(bench.picture(other)).toBe('abb');
    bench.expectSound();
  });

  it('is not wired, although the source is', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.wire(0, 2);
      yield* extract(bench, 0, 4, other);
    });
    expect([bench.picture(), bench.picture(other)]).toEqual(['AAbbcc..dd', 'aabb']);
    bench.expectSound();
  });

  it('keeps its protection, or gets the highest there may be', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.uvm.uvmMapProtect(bench.map, bench.at(0), bench.at(4), PROT_READ, { setMax: false });
      yield* extract(bench, 0, 1, other);
      yield* extract(bench, 1, 2, other, { fixProtection: true });
    });
    expect(other.entries().map(({ protection }) => protection)).toEqual([PROT_READ, 7]);
    bench.expectSound();
  });

  it('leaves the source when that is asked, wired or not', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.wire(3, 4);
      expect(yield* extract(bench, 2, 9, other, { remove: true })).toBe(0);
      expect([yield* bench.read(0, other), yield* bench.read(1, other), yield* bench.read(6, other)]).toEqual([52, 53, 58]);
    });
    expect([bench.picture(), bench.picture(other)]).toEqual(['aa.......b', 'abcc..d']);
    expect(bench.map.size).toBe(3 * PAGE_SIZE);
    expect(bench.uvm.uvmexp.wired).toBe(0);
    bench.expectSound();
  });

  it('can go to a place that was reserved, also in its own map', () => {
    const { bench } = twoMaps();
    bench.run(function* () {
      const place = { hint: bench.at(12), size: 2 * PAGE_SIZE, align: 4 * PAGE_SIZE, flags: 0 };
      const reserved = yield* bench.uvm.uvmMapReserve(bench.map, place);
      expect(reserved).toBe(bench.at(12));
      expect(bench.entryAt(12)).toMatchObject({ protection: PROT_NONE, object: null, amap: null });
      expect(yield* extract(bench, 1, 3, bench.map, { reserved: asVa(reserved), remove: true })).toBe(12);
      expect([yield* bench.read(12), yield* bench.read(13)]).toEqual([51, 52]);
    });
    expect(bench.picture()).toBe('a..bcc..dd..ee');
    bench.expectSound();
  });

  it('may be less than was reserved: the rest stays reserved', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      const place = { hint: bench.at(2), size: 4 * PAGE_SIZE, align: 0, flags: 0 };
      const reserved = (yield* bench.uvm.uvmMapReserve(other, place)) as Va;
      expect(yield* extract(bench, 8, 10, other, { reserved })).toBe(2);
    });
    expect(bench.picture(other)).toBe('..aabb');
    expect(bench.entryAt(4, other).protection).toBe(PROT_NONE);
    bench.expectSound();
  });
});

describe('extracting without holes', () => {
  it('answers EINVAL when the start is a hole, or there is one, and takes back what it did', () => {
    const { bench, other } = twoMaps();
    const contiguous = { contiguous: true };
    bench.run(function* () {
      expect(yield* extract(bench, 6, 9, other, contiguous)).toBe(-EINVAL);
      expect(yield* extract(bench, 4, 9, other, contiguous)).toBe(-EINVAL);
      expect(yield* extract(bench, 9, 12, other, contiguous)).toBe(-EINVAL);
      expect(bench.picture(other)).toBe('');
      expect(yield* extract(bench, 2, 6, other, contiguous)).toBe(0);
    });
    expect(bench.picture(other)).toBe('aabb');
    bench.expectSound();
  });
});

describe('quick extraction, for the kernel’s own short use', () => {
  it('refers to whole amaps and splits nothing, and is undone by dropping whole references', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      const start = yield* extract(bench, 1, 3, other, { quick: true });
      expect(start).toBe(0);
      expect([bench.picture(), bench.picture(other)]).toEqual(['aaaabb..cc', 'aa']);
      expect(bench.entryAt(0, other)).toMatchObject({ amapOffset: 1, flags: 8 });
      expect([bench.amapAt(0).references, bench.amapAt(0).partial]).toEqual([2, null]);
      expect([yield* bench.read(0, other), yield* bench.read(1, other)]).toEqual([51, 52]);

      yield* bench.uvm.vmMapLock(other);
      const dead = yield* bench.uvm.uvmUnmapRemove(other, bench.at(0), bench.at(2));
      yield* bench.uvm.vmMapUnlock(other);
      yield* bench.uvm.uvmUnmapDetach(dead, { all: true });
    });
    expect([bench.amapAt(0).references, bench.amapAt(0).partial, bench.uvm.anonCount]).toEqual([1, null, 5]);
    bench.expectSound();
  });

  it('takes the offset in the object from where the range begins in the entry', () => {
    const { bench, other } = twoMaps();
    bench.run(() => extract(bench, 5, 6, other, { quick: true }));
    expect(bench.entryAt(0, other).offset).toBe(3 * PAGE_SIZE);
    expect(bench.picture()).toBe('aaaabb..cc');
  });
});

describe('extraction is refused', () => {
  it('with ENOMEM when the other map has no room', () => {
    const { bench, other } = twoMaps();
    expect(bench.run(() => extract(bench, 0, 33, other))).toBe(-ENOMEM);
    bench.expectSound();
  });

  it('with ENOMEM when an upper layer cannot be made, and takes back what it did', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.put(10, 12, { flags: PRIVATE | UVM_FLAG_NOMERGE });
      bench.kern.faults.arm(bench.uvm.curlwp, 1);
      expect(yield* extract(bench, 8, 12, other)).toBe(-ENOMEM);
      expect(bench.kern.faults.disarm(bench.uvm.curlwp).failed).toBe(true);
    });
    expect([bench.picture(), bench.picture(other)]).toEqual(['aaaabb..ccdd', '']);
    expect(bench.amapAt(8).references).toBe(1);
    bench.expectSound();
  });

  it('with EIO when what was reserved is not blank, or not there', () => {
    const { bench, other } = twoMaps();
    bench.run(function* () {
      yield* bench.put(0, 4, {}, other);
      yield* bench.write(0, 3, other);
      expect(yield* extract(bench, 8, 10, other, { reserved: bench.at(0) })).toBe(-EIO);
      expect(yield* extract(bench, 8, 10, other, { reserved: bench.at(20) })).toBe(-EIO);
    });
    bench.expectSound();
  });

  it('by assertions, when the range is no range of pages or the options exclude each other', () => {
    const first = twoMaps();
    expect(
      first.bench.panicOf(() => first.bench.uvm.uvmMapExtract(first.bench.map, asVa(0x10001), 4096, first.other, {})),
    ).toContain('"(start & PAGE_MASK) == 0 && (len & PAGE_MASK) == 0"');
    for (const option of ['contiguous', 'quick']) {
      const { bench, other } = twoMaps();
      expect(bench.panicOf(() => extract(bench, 0, 1, other, { remove: true, [option]: true }))).toContain(
        '(flags & UVM_EXTRACT_REMOVE) == 0 || (flags & (UVM_EXTRACT_CONTIG|UVM_EXTRACT_QREF)) == 0',
      );
    }
  });
});

describe('when somebody has the other map locked', () => {
  /** Extracts while a reader has the other map; what does that thread do when the source is unlocked again? */
  function whileRead(meddle: (bench: Bench, other: VmMap) => void): { bench: Bench; other: VmMap; outcome: number } {
    const { bench, other } = twoMaps();
    const { kern, uvm } = bench;
    let outcome = 0;
    startThread(kern, function* () {
      const reserved = (yield* uvm.uvmMapReserve(other, { hint: bench.at(0), size: 2 * PAGE_SIZE, align: 0, flags: 0 })) as Va;
      startThread(kern, function* () {
        yield* uvm.vmMapLockRead(other);
        yield* pause(kern.scheduler, 'looking', 1);
        meddle(bench, other);
        yield* uvm.vmMapUnlockRead(other);
      });
      yield* pause(kern.scheduler, 'starting', 1);
      outcome = yield* extract(bench, 0, 2, other, { reserved });
    });
    kern.scheduler.run();
    return { bench, other, outcome };
  }

  it('the source is let go before it is waited for', () => {
    const sourceStates: string[] = [];
    const { bench, other, outcome } = whileRead(({ map }) => sourceStates.push(map.lock.state));
    expect(outcome).toBe(0);
    expect(sourceStates).toEqual(['free']);
    expect(bench.picture(other)).toBe('aa');
    bench.expectSound();
  });
});
