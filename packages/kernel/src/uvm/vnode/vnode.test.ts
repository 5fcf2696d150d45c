import { expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';

it('is as large as what it lies over, and called the same', () => {
  const bench = new Bench();
  const vnode = bench.uvm.uvmVnodeCreate(new RamFile('a file', { size: 5 * PAGE_SIZE + 1 }));
  expect([vnode.label, vnode.pagerName, vnode.size, vnode.writeSize]).toEqual([
    'a file',
    'vnode',
    5 * PAGE_SIZE + 1,
    5 * PAGE_SIZE + 1,
  ]);
});

it('wants to be told of stores for as long as nobody has told it', () => {
  const bench = new Bench();
  const vnode = bench.newFile(1);
  expect(vnode.needsWriteFault).toBe(true);
  bench.uvm.genfsMarkdirty(vnode);
  expect([vnode.needsWriteFault, vnode.dirtyGeneration]).toEqual([false, 1]);
  bench.uvm.genfsMarkdirty(vnode);
  expect(vnode.dirtyGeneration, 'each time counts').toBe(2);
});

it('is known to the audit from the start', () => {
  const bench = new Bench();
  const vnode = bench.uvm.uvmVnodeCreate(new RamFile('a file'));
  expect(bench.uvm.objects.has(vnode)).toBe(true);
  expect(bench.audit().map(({ invariant }) => invariant)).toEqual(['object-references']);
});
