import { describe, expect, it } from 'vitest';
import { UnreliableFile, vnodeOver } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { EIO } from '../../kern/errno.js';
import { asOffset, asPfn, PAGE_SIZE } from '../../machine/address.js';
import { VnodeFlush, VnodeRead, VnodeTruncate, VnodeWrite } from './vnode-io.js';

const PAGES = [asPfn(4), asPfn(2)];

function bench(size: number): { bench: Bench; store: UnreliableFile; vnode: ReturnType<typeof vnodeOver> } {
  const made = new Bench();
  const store = new UnreliableFile('f', new Uint8Array(size).fill(7));
  return { bench: made, store, vnode: vnodeOver(made, store) };
}

describe('reading a run of pages', () => {
  it('fills each frame from its place in the file, in the order of the run', () => {
    const { bench: on, store, vnode } = bench(3 * PAGE_SIZE);
    store.write(2 * PAGE_SIZE, Uint8Array.of(9));
    const read = new VnodeRead(on.uvm, vnode, asOffset(PAGE_SIZE), PAGES);
    expect([read.site, read.label]).toEqual(['io.read', 'read f @ 4096']);
    expect(read.transfer()).toBe(0);
    expect([on.machine.ram.page(asPfn(4))[0], on.machine.ram.page(asPfn(2))[0]]).toEqual([7, 9]);
  });

  it('stops at the first error', () => {
    const { bench: on, store, vnode } = bench(2 * PAGE_SIZE);
    store.reads.push(EIO);
    expect(new VnodeRead(on.uvm, vnode, asOffset(0), PAGES).transfer()).toBe(EIO);
    expect(on.machine.ram.page(asPfn(2))[0]).toBe(0);
  });
});

describe('writing a run of pages', () => {
  it('stores each frame at its place, up to the end of the file', () => {
    const { bench: on, store, vnode } = bench(PAGE_SIZE + 10);
    for (const page of PAGES) on.machine.ram.page(page).fill(page);
    const write = new VnodeWrite(on.uvm, vnode, asOffset(0), PAGES);
    expect([write.site, write.label]).toEqual(['io.write', 'write f @ 0']);
    expect(write.transfer()).toBe(0);
    expect(store.size).toBe(PAGE_SIZE + 10);
    const bytes = new Uint8Array(2);
    store.read(PAGE_SIZE - 1, bytes);
    expect([...bytes]).toEqual([4, 2]);
  });

  it('goes as far as a write in progress will take the file, and stores nothing behind that', () => {
    const { bench: on, store, vnode } = bench(10);
    vnode.writeSize = 100;
    new VnodeWrite(on.uvm, vnode, asOffset(0), PAGES).transfer();
    expect(store.size).toBe(100);
  });

  it('stops at the first error', () => {
    const { bench: on, store, vnode } = bench(2 * PAGE_SIZE);
    store.writes.push(EIO);
    expect(new VnodeWrite(on.uvm, vnode, asOffset(0), PAGES).transfer()).toBe(EIO);
    const byte = new Uint8Array(1);
    store.read(PAGE_SIZE, byte);
    expect(byte[0]).toBe(7);
  });
});

describe('making a file durable', () => {
  it('gives it its size first, when that has grown without a byte being written', () => {
    const { store, vnode } = bench(10);
    vnode.size = 5000;
    const flush = new VnodeFlush(vnode);
    expect([flush.site, flush.label]).toEqual(['io.write', 'flush f']);
    expect(flush.transfer()).toBe(0);
    expect([store.size, store.synced]).toEqual([5000, 1]);
  });

  it('does not go on to do so when that fails', () => {
    const { store, vnode } = bench(10);
    vnode.size = 5000;
    store.truncations.push(EIO);
    expect(new VnodeFlush(vnode).transfer()).toBe(EIO);
    expect(store.synced).toBe(0);
  });
});

describe('cutting a file at rest', () => {
  it('says to which size, and answers what the file does', () => {
    const { store, vnode } = bench(10);
    const cut = new VnodeTruncate(vnode, 4);
    expect([cut.site, cut.label, cut.transfer(), store.size]).toEqual(['io.write', 'truncate f to 4', 0, 4]);
    store.truncations.push(EIO);
    expect(cut.transfer()).toBe(EIO);
  });
});
