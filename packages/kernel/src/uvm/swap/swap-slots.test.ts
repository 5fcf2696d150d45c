import { describe, expect, it } from 'vitest';
import { SwapBench } from '../../../test/swap.js';
import { SWSLOT_BAD } from './swap.js';

const LESS = { lessOk: true };
const ALL = { lessOk: false };

/** What the counters of swap say: devices, slots, slots to take from, in use, and with pages that are nowhere else. */
function counts({ uvm }: SwapBench): number[] {
  const { nswapdev, swpages, swpgavail, swpginuse, swpgonly } = uvm.uvmexp;
  return [nswapdev, swpages, swpgavail, swpginuse, swpgonly];
}

/** Slots are taken, one lot after the other; 0 when there are none. */
function take({ uvm }: SwapBench, ...sizes: readonly number[]): number[] {
  return sizes.map((size) => uvm.uvmSwapAlloc(size, ALL)?.slot ?? 0);
}

describe('slots', () => {
  it('are taken from the device of the lowest priority number, and of the next when it is full', () => {
    const bench = new SwapBench([2, 3]);
    expect(counts(bench)).toEqual([2, 5, 5, 0, 0]);
    // The drum: pages 1 to 3 are the first disk’s, with its label; 4 to 7 the second’s.
    expect(take(bench, 1, 1, 1, 2, 1)).toEqual([2, 3, 5, 6, 0]);
    expect(counts(bench)).toEqual([2, 5, 5, 5, 0]);
  });

  it('of devices of one priority are taken in turn', () => {
    const bench = new SwapBench([4, 4, 4]);
    for (const device of [...bench.uvm.swap.devices]) bench.run(() => bench.uvm.uvmSwapPriority(device.target, 7));
    const taken = take(bench, 1, 2, 1, 1).map((slot) => bench.uvm.swap.deviceOf(slot)?.target.path);
    expect(taken).toEqual(['/dev/wd0', '/dev/wd1', '/dev/wd2', '/dev/wd0']);
  });

  it('lie one behind the other on one device, or a single one is given to whom that will do', () => {
    const bench = new SwapBench([2, 2]);
    expect(bench.uvm.uvmSwapAlloc(3, ALL)).toBeNull();
    expect(bench.uvm.uvmSwapAlloc(3, LESS)).toEqual({ slot: 2, count: 1 });
    expect(bench.uvm.uvmSwapAlloc(2, LESS)).toEqual({ slot: 5, count: 2 });
    expect(bench.uvm.uvmSwapAlloc(2, LESS)).toEqual({ slot: 3, count: 1 });
    expect(bench.uvm.uvmSwapAlloc(2, LESS)).toBeNull();
    expect(bench.uvm.uvmSwapAlloc(1, LESS)).toBeNull();
  });

  it('are not there without a device', () => {
    const bench = new SwapBench([]);
    expect([bench.uvm.uvmSwapAlloc(1, LESS), bench.uvm.uvmSwapIsFull()]).toEqual([null, true]);
  });

  it('are not taken from a device of which all pages are being brought in', () => {
    const bench = new SwapBench([2, 2]);
    bench.device(0).enabled = false;
    expect(take(bench, 1)).toEqual([5]);
  });

  it('can be taken again when they were given back', () => {
    const bench = new SwapBench([4]);
    take(bench, 4);
    bench.uvm.uvmSwapFree(3, 2);
    expect(counts(bench)).toEqual([1, 4, 4, 2, 0]);
    expect(take(bench, 2, 1)).toEqual([3, 0]);
  });

  it('that were lost are nothing to give back', () => {
    const bench = new SwapBench([4]);
    take(bench, 1);
    bench.uvm.uvmSwapFree(SWSLOT_BAD, 1);
    expect(counts(bench)).toEqual([1, 4, 4, 1, 0]);
  });

  it('that are bad stay in use for ever', () => {
    const bench = new SwapBench([2]);
    take(bench, 1);
    bench.uvm.uvmSwapOnly(1);
    bench.uvm.uvmSwapMarkbad(2, 1);
    expect(counts(bench)).toEqual([1, 2, 2, 1, 0]);
    expect([bench.device().bad, bench.uvm.swap.bad]).toEqual([1, 1]);
    expect(take(bench, 1, 1)).toEqual([3, 0]);
  });
});

describe('swap is full', () => {
  it('when as good as all of it holds pages that are nowhere else', () => {
    const bench = new SwapBench([200]);
    take(bench, 200);
    expect(bench.uvm.uvmSwapIsFull(), 'slots of pages that are in memory too can be had back').toBe(false);
    bench.uvm.uvmSwapOnly(197);
    expect(bench.uvm.uvmSwapIsFull()).toBe(false);
    bench.uvm.uvmSwapOnly(1);
    expect(bench.uvm.uvmSwapIsFull()).toBe(true);
  });

  it('when the slots that are left are bad', () => {
    const bench = new SwapBench([4, 4]);
    take(bench, 4, 4);
    bench.uvm.uvmSwapOnly(8);
    bench.uvm.uvmSwapMarkbad(2, 4);
    expect(bench.uvm.uvmSwapIsFull()).toBe(true);
    for (let i = 0; i < 4; i++) bench.uvm.uvmSwapNotOnly();
    expect(bench.uvm.uvmSwapIsFull()).toBe(false);
  });
});

describe('swap panics', () => {
  const harms: [string, (bench: SwapBench) => void, string][] = [
    ['a slot is given back twice', ({ uvm }) => uvm.uvmSwapFree(3, 1), 'blist_free: freeing a free block'],
    ['more slots are given back than are in use', ({ uvm }) => uvm.uvmSwapFree(2, 2), 'sdp->swd_npginuse >= nslots'],
    ['a slot is given back that no device has', ({ uvm }) => uvm.uvmSwapFree(99, 1), 'uvm_swap_free: no device has slot 99'],
    ['a slot is bad that no device has', ({ uvm }) => uvm.uvmSwapMarkbad(99, 1), 'uvm_swap_markbad: no device has slot 99'],
    ['a slot is bad whose page is elsewhere too', ({ uvm }) => uvm.uvmSwapMarkbad(2, 1), 'uvmexp.swpgonly >= nslots'],
    ['a page leaves swap when none is there alone', ({ uvm }) => uvm.uvmSwapNotOnly(), 'uvmexp.swpgonly > 0'],
    [
      'more pages are there alone than slots are in use',
      ({ uvm }) => uvm.uvmSwapOnly(2),
      'uvmexp.swpgonly + npages <= uvmexp.swpginuse',
    ],
    [
      'more slots are bad than are in use',
      ({ uvm, device }) => {
        uvm.uvmSwapOnly(1);
        uvm.uvmSwapMarkbad(2, 1);
        uvm.uvmexp.swpgonly = 1;
        uvm.uvmSwapMarkbad(2, 1);
        expect(device).toBeDefined();
      },
      'sdp->swd_npgbad <= sdp->swd_npginuse',
    ],
  ];
  it.each(harms)('when %s', (_, harm, expected) => {
    const bench = new SwapBench([4]);
    take(bench, 1);
    const panic = bench.panicOf(function* () {
      yield* bench.uvm.freeLock.enter();
      harm(bench);
    });
    expect(panic).toContain(expected);
  });
});
