/** Each invariant of swap, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { SwapBench } from '../../../test/swap.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PG_CLEAN } from '../page/page-array.js';
import { SWSLOT_BAD } from '../swap/swap.js';

/*
 *     page of the map    0      1      2            page of an object    0      1
 *                        slot   slot   page                              slot   page
 *                        only   and page                                 only
 *     slot               2      3                                        4
 */
function patient(): SwapBench {
  const bench = new SwapBench([8]);
  bench.run(function* () {
    yield* bench.put(0, 3);
    for (let page = 0; page < 3; page++) yield* bench.write(page, 10 + page);
    yield* bench.pageOut(0, 2);
    yield* bench.read(1);
    const aobj = yield* bench.uvm.uaoCreate(2 * PAGE_SIZE, 'segment');
    yield* bench.put(4, 6, { object: aobj, flags: 0, protection: PROT_READ | PROT_WRITE });
    yield* bench.write(4, 20);
    yield* bench.write(5, 21);
    yield* bench.pageOutObject(aobj, 0);
  });
  bench.expectSound();
  return bench;
}

type Harm = readonly [what: string, break_: (bench: SwapBench) => void, findings: readonly string[]];

const HARMS: Harm[] = [
  [
    'an anon that is nowhere',
    (bench) => {
      bench.uvm.uvmAnonDropswap(bench.anonAt(0));
      bench.uvm.uvmSwapNotOnly();
    },
    ['anon-place: anon 1 has neither a page nor a slot'],
  ],
  [
    'an anon that is lost, and has a page all the same',
    (bench) => {
      bench.uvm.uvmAnonDropswap(bench.anonAt(1));
      bench.anonAt(1).swapSlot = SWSLOT_BAD;
    },
    ['anon-place: anon 2 is lost, but has page 1'],
  ],
  [
    'a slot that belongs to two',
    (bench) => {
      bench.anonAt(2).swapSlot = 4;
      bench.uvm.pages.clearFlags(bench.anonAt(2).page, PG_CLEAN);
    },
    ['swap-slot: slot 4 belongs to anon 3 and to page 0 of object 1'],
  ],
  [
    'a slot that is not in use',
    (bench) => {
      bench.anonAt(2).swapSlot = 9;
    },
    ['swap-slot: anon 3 has slot 9, which is not in use'],
  ],
  [
    'a slot that belongs to nobody',
    (bench) => {
      bench.uvm.uvmSwapAlloc(1, { lessOk: false });
    },
    ['swap-slot: 1 slots of swap /dev/wd0 are in use and belong to nobody; 0 are bad'],
  ],
  [
    'a device that counts more slots in use than are',
    (bench) => {
      bench.device().inUse++;
    },
    ['swap-counts: swap /dev/wd0 counts 4 slots in use; there are 3'],
  ],
  [
    'a device with more bad slots than are in use',
    (bench) => {
      bench.device().bad = 4;
    },
    [
      'swap-slot: 0 slots of swap /dev/wd0 are in use and belong to nobody; 4 are bad',
      'swap-counts: swap /dev/wd0 counts 4 bad slots, more than are in use',
    ],
  ],
  [
    'a device that nobody empties, and that takes no pages',
    (bench) => {
      bench.device().enabled = false;
      bench.uvm.uvmexp.swpgavail = 0;
    },
    ['swap-counts: swap /dev/wd0 takes no pages, although nobody is at work on it'],
  ],
  ...(['nswapdev', 'swpages', 'swpgavail', 'swpginuse', 'swpgonly'] as const).map((name): Harm => {
    const right = { nswapdev: 1, swpages: 8, swpgavail: 8, swpginuse: 3, swpgonly: 2 }[name];
    return [
      `a total that is wrong: ${name}`,
      ({ uvm }) => {
        uvm.uvmexp[name]++;
      },
      [`swap-counts: uvmexp.${name} is ${right + 1}; there are ${right}`],
    ];
  }),
  [
    'a clean page that is not what its slot has',
    (bench) => {
      bench.machine.ram.page(bench.anonAt(1).page)[5] = 1;
    },
    ['swap-copy: page 1 of anon 2 is clean, but slot 3 has other bytes'],
  ],
];

describe('the invariants of swap', () => {
  it.each(HARMS)('find %s', (_, harm, findings) => {
    const bench = patient();
    harm(bench);
    const found = bench.audit().map(({ invariant, finding }) => `${invariant}: ${finding}`);
    expect(found).toEqual(findings);
  });
});
