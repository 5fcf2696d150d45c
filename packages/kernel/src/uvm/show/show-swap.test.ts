import { describe, expect, it } from 'vitest';
import { SwapBench } from '../../../test/swap.js';
import { EIO } from '../../kern/errno.js';
import { describeSwap, swapText } from './show-swap.js';

function shown(bench: SwapBench, full: boolean): string[] {
  return swapText(describeSwap(bench.uvm, { full })).split('\n');
}

describe('swapctl -l', () => {
  it('says when there is nothing to swap to', () => {
    expect(shown(new SwapBench([]), false)).toEqual(['no swap devices configured']);
  });

  it('lists one device', () => {
    const bench = new SwapBench([3]);
    bench.uvm.uvmSwapAlloc(1, { lessOk: false });
    expect(shown(bench, false)).toEqual([
      'Device       512-blocks     Used    Avail Capacity  Priority',
      '/dev/wd0             24        8       16    33%    0',
    ]);
  });

  it('lists several, what they are together, and what else is known of them', () => {
    const bench = new SwapBench([4, 12]);
    bench.run(function* () {
      yield* bench.put(0, 3);
      for (let page = 0; page < 3; page++) yield* bench.write(page, 1);
      bench.disk().writeErrno = EIO;
      yield* bench.pageOut(0);
      bench.disk().writeErrno = 0;
      yield* bench.pageOut(1, 3);
    });
    bench.device(1).enabled = false;
    expect(shown(bench, true)).toEqual([
      'Device       512-blocks     Used    Avail Capacity  Priority',
      '/dev/wd0             32       24        8    75%    0',
      '  1 of its 4 pages are bad',
      '/dev/wd1             96        0       96     0%    1',
      '  all its pages are being brought in',
      'Total               128       24      104    19%',
      '2 pages are on swap and nowhere else',
    ]);
    expect(describeSwap(bench.uvm, { full: false })).toEqual({
      devices: [
        { path: '/dev/wd0', priority: 0, enabled: true, pages: 4, inUse: 3, bad: 1 },
        { path: '/dev/wd1', priority: 1, enabled: false, pages: 12, inUse: 0, bad: 0 },
      ],
      only: 2,
      full: false,
    });
  });
});
