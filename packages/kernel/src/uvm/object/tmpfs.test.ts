/** Files of tmpfs: what goes through their vnodes to their objects, and who waits for whom. */
import { describe, expect, it } from 'vitest';
import { AobjBench } from '../../../test/aobj.js';
import { faultAt, leaveFree, rightsAt, SwitchOnce } from '../../../test/faults.js';
import { startThread, thrownBy } from '../../../test/threads.js';
import { BUILD } from '../../kern/build.js';
import { EINVAL, EIO, ENOSPC } from '../../kern/errno.js';
import { Deadlock } from '../../kern/scheduler.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PGO_LOCKED, PGO_WANTED_PAGE } from './object.js';
import { TmpfsMount, type TmpfsVnode } from './tmpfs-vnode.js';

/** A bench with a file of so many pages, each filled with its number from 1 on, which is mapped at its beginning. */
function fileOf(pages: number, options: ConstructorParameters<typeof AobjBench>[1] = {}): { bench: AobjBench; file: TmpfsVnode } {
  const bench = new AobjBench([32], options);
  const file = bench.run(function* () {
    const made = yield* bench.uvm.tmpfsAllocNode(new TmpfsMount(Number.POSITIVE_INFINITY), 'file');
    yield* made.truncate(bench.uvm, pages * PAGE_SIZE);
    yield* made.reference(bench.uvm);
    yield* bench.put(0, pages, { flags: 0, object: made });
    for (let page = 0; page < pages; page++) yield* bench.write(page, page + 1);
    return made;
  });
  bench.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === file ? 1 : 0) });
  return { bench, file };
}

/** Reads so many bytes. */
function read(bench: AobjBench, file: TmpfsVnode, at: number, length: number): { answer: number; bytes: number[] } {
  const bytes = new Uint8Array(length);
  const answer = bench.run(() => bench.uvm.uvmVnodeRead(file, at, bytes));
  return { answer, bytes: [...bytes] };
}

/** The answer of a write. */
function write(bench: AobjBench, file: TmpfsVnode, at: number | 'append', length: number, byte: number): number {
  return bench.run(() => file.write(bench.uvm, at, new Uint8Array(length).fill(byte)));
}

describe('the pages of a file of tmpfs', () => {
  it('are those of its object, under one lock, and count as anonymous', () => {
    const { bench, file } = fileOf(3);
    expect([file.pages.count, file.aobj.pages.count]).toEqual([0, 3]);
    expect(file.lock).toBe(file.aobj.lock);
    expect([bench.uvm.uvmexp.anonpages, bench.uvm.uvmexp.filepages]).toEqual([3, 0]);
    expect(file.lookup(asOffset(PAGE_SIZE))).toBe(bench.pageIn(file.aobj, 1));
    expect(rightsAt(bench, 1)).toBe(PROT_READ | PROT_WRITE);
    bench.expectSound();
  });

  it('come back from swap, for mappings and descriptors', () => {
    const { bench, file } = fileOf(3);
    bench.pageOutOf(file.aobj, 0, 3);
    expect(read(bench, file, PAGE_SIZE, 1).bytes).toEqual([2]);
    expect(bench.run(() => bench.read(2))).toBe(3);
    expect(write(bench, file, 1, 2, 9)).toBe(2);
    expect(read(bench, file, 0, 4).bytes).toEqual([1, 9, 9, 0]);
    bench.expectSound();
  });

  it('are gone with their slots when the file is cut', () => {
    const { bench, file } = fileOf(4);
    bench.pageOutOf(file.aobj, 2, 4);
    bench.run(() => file.truncate(bench.uvm, PAGE_SIZE + 10));
    expect([file.aobj.pages.count, bench.counts.inUse]).toEqual([2, 0]);
    bench.expectSound();
    bench.run(() => file.truncate(bench.uvm, 4 * PAGE_SIZE));
    expect(bench.run(() => bench.read(3))).toBe(0);
    bench.expectSound();
  });

  it('reach no further than the file', () => {
    const { bench, file } = fileOf(2);
    bench.run(() => file.truncate(bench.uvm, PAGE_SIZE + 1));
    bench.run(() => bench.put(4, 12, { flags: 0, object: file }));
    bench.run(() => file.reference(bench.uvm));
    expect(faultAt(bench, 5, PROT_READ), 'the page with the end').toBe(0);
    expect(faultAt(bench, 6, PROT_READ)).toBe(EINVAL);
    const slots = Array.from({ length: 4 }, () => PGO_WANTED_PAGE);
    const request = { offset: asOffset(0), slots, center: 3, access: PROT_READ, advice: 0, flags: PGO_LOCKED };
    const errno = bench.run(function* () {
      yield* file.lock.enter();
      const answer = yield* file.get(bench.uvm, request);
      yield* file.lock.exit();
      return answer;
    });
    expect(errno).toBe(EINVAL);
    bench.expectSound();
  });

  it('that are lost on swap are an error for who reads or writes there, and for nobody else', () => {
    const { bench, file } = fileOf(3);
    bench.pageOutOf(file.aobj, 1);
    bench.disk().readErrno = EIO;
    expect(read(bench, file, PAGE_SIZE, 1).answer).toBe(-EIO);
    expect(write(bench, file, PAGE_SIZE + 5, 1, 1)).toBe(-EIO);
    expect(write(bench, file, 3 * PAGE_SIZE, 1, 1)).toBe(1);
    expect(faultAt(bench, 1, PROT_READ)).toBe(EIO);
    expect(
      bench.run(() => file.truncate(bench.uvm, PAGE_SIZE + 7)),
      'the page at the edge',
    ).toBe(EIO);
    expect(file.size).toBe(3 * PAGE_SIZE + 1);
    expect(bench.run(() => file.truncate(bench.uvm, PAGE_SIZE))).toBe(0);
    expect(bench.run(() => file.truncate(bench.uvm, 2 * PAGE_SIZE))).toBe(0);
    expect(read(bench, file, PAGE_SIZE, 2), 'what was cut off is forgotten').toEqual({ answer: 2, bytes: [0, 0] });
    bench.expectSound();
  });
});

describe('the size of a file of tmpfs', () => {
  it('is counted, as far as there is memory', () => {
    const { bench, file } = fileOf(2);
    const { uvm } = bench;
    expect(file.mount.bytesUsed).toBe(2 * PAGE_SIZE);
    expect(write(bench, file, 'append', 10, 7)).toBe(10);
    expect([file.size, file.mount.bytesUsed]).toEqual([2 * PAGE_SIZE + 10, 3 * PAGE_SIZE]);
    const most = uvm.tmpfsBytesMax(file.mount);
    expect(most).toBe(3 * PAGE_SIZE + (uvm.uvmexp.swpgavail + uvm.uvmexp.free - uvm.uvmexp.freetarg) * PAGE_SIZE);
    expect(bench.run(() => file.truncate(uvm, most))).toBe(ENOSPC);
    expect(write(bench, file, most, 1, 1)).toBe(-ENOSPC);
    leaveFree(bench, 2);
    uvm.uvmexp.swpgavail = 0;
    expect(uvm.tmpfsBytesMax(file.mount), 'what it has it keeps').toBe(3 * PAGE_SIZE);
    expect(bench.run(() => file.truncate(uvm, -1))).toBe(EINVAL);
    expect(write(bench, file, 9 * PAGE_SIZE, 0, 1), 'nothing is no matter').toBe(0);
  });

  it('must not count more than there was', () => {
    const { bench, file } = fileOf(2);
    file.mount.bytesUsed = 0;
    expect(bench.panicOf(() => file.truncate(bench.uvm, 0))).toContain('"mp->tm_bytes_used >= sz"');
  });

  it('goes back to what it was when a write fails', () => {
    const { bench, file } = fileOf(2);
    bench.pageOutOf(file.aobj, 1);
    bench.disk().readErrno = EIO;
    expect(write(bench, file, PAGE_SIZE + 1, 3 * PAGE_SIZE, 1)).toBe(-EIO);
    expect([file.size, file.mount.bytesUsed]).toEqual([2 * PAGE_SIZE, 2 * PAGE_SIZE]);
    bench.expectSound();
  });
});

describe('a file of tmpfs that is cut while a page is brought in', () => {
  it('waits for the page', () => {
    const strategy = new SwitchOnce();
    const { bench, file } = fileOf(2, { strategy });
    const { kern, uvm } = bench;
    bench.pageOutOf(file.aobj, 1);
    const answers: string[] = [];
    const fault = function* (): Step<void> {
      answers.push(`fault ${yield* uvm.uvmFault(bench.map, bench.at(1), PROT_WRITE)}`);
    };
    const cut = function* (): Step<void> {
      answers.push(`cut ${yield* file.truncate(uvm, PAGE_SIZE)}`);
    };
    startThread(kern, fault);
    startThread(kern, cut);
    // The moment at which the fault waits for swap.
    strategy.when = ({ current }) => current.waitMessage === 'biowait';
    if (BUILD === 'direct') {
      expect(thrownBy(Deadlock, () => kern.scheduler.run()).message).toContain('g_glock');
      return;
    }
    kern.scheduler.run();
    expect(answers).toHaveLength(2);
    expect(answers).toContain('cut 0');
    expect([file.aobj.pages.count, bench.counts.inUse]).toEqual([1, 0]);
    bench.expectSound();
  });
});
