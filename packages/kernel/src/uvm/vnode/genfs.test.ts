import { describe, expect, it } from 'vitest';
import { counted, faultAt, leaveFree, UnreliableFile, vnodeOver } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EBUSY, EINVAL, EIO, type Errno } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import { asOffset, asPfn, PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import {
  type GetRequest,
  isPage,
  type PageSlot,
  PGO_DONTCARE,
  PGO_LOCKED,
  PGO_OVERWRITE,
  PGO_PASTEOF,
  PGO_SYNCIO,
  PGO_WANTED_PAGE,
} from '../object/object.js';
import { PG_BUSY, PG_CLEAN, PG_FAKE, PQ_ACTIVE } from '../page/page-array.js';
import type { UvmVnode } from './vnode.js';

/** Asks for pages of a file from one on; answers the errno, and the pages, which stay busy. */
function get(
  bench: Bench,
  file: UvmVnode,
  page: number,
  wanted: readonly boolean[],
  request: Partial<GetRequest> = {},
): { errno: Errno; slots: PageSlot[] } {
  const slots = wanted.map((want) => (want ? PGO_WANTED_PAGE : PGO_DONTCARE));
  const offset = asOffset(page * PAGE_SIZE);
  const errno = bench.run(function* () {
    yield* file.lock.enter();
    const whole = { offset, slots, center: 0, access: PROT_READ, advice: 0, flags: PGO_SYNCIO, ...request };
    const answer = yield* file.get(bench.uvm, whole);
    if (whole.flags & PGO_LOCKED) yield* file.lock.exit();
    return answer;
  });
  return { errno, slots };
}

/** Gives up the pages of an answer. */
function giveUp(bench: Bench, file: UvmVnode, { slots }: { slots: readonly PageSlot[] }): void {
  bench.run(() => bench.uvm.genfsGiveUp(file, slots));
}

/** The pages of a file that are in memory. */
function resident(file: UvmVnode): number[] {
  const pages: number[] = [];
  for (let at = file.pages.next(0, 1000); at >= 0; at = file.pages.next(at + 1, 1000)) pages.push(at);
  return pages;
}

describe('getting pages of a file', () => {
  it('reads the whole block in which they lie, in one go; those that nobody asked for are on a queue, and not busy', () => {
    //     block   [ 0  1  2  3 ][ 4  5  6  7 ]
    //     wanted                      x
    const bench = new Bench();
    const file = bench.newFile(8);
    let answer = get(bench, file, 0, []);
    const effects = counted(bench.uvm, () => {
      answer = get(bench, file, 5, [true]);
    });
    expect(answer.errno).toBe(0);
    expect(effects).toEqual({ pageins: 1, pgpgin: 4 });
    expect(resident(file)).toEqual([4, 5, 6, 7]);
    const [page = PGO_DONTCARE] = answer.slots;
    expect(bench.uvm.pages.flags(page) & (PG_BUSY | PG_FAKE)).toBe(PG_BUSY);
    for (const other of [4, 6, 7]) {
      const pfn = file.lookup(asOffset(other * PAGE_SIZE));
      expect([bench.uvm.pages.flags(pfn) & PG_BUSY, bench.uvm.pages.pqflags(pfn) & PQ_ACTIVE]).toEqual([0, PQ_ACTIVE]);
    }
    giveUp(bench, file, answer);
    bench.expectSound();
  });

  it('reads no page again that is in memory, in runs around it', () => {
    const bench = new Bench();
    const file = bench.newFile(4);
    bench.run(() => bench.uvm.uvmVnodeWrite(file, PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(99)));
    const effects = counted(bench.uvm, () => giveUp(bench, file, get(bench, file, 0, [true])));
    expect(effects).toEqual({ pageins: 2, pgpgin: 3 });
    expect(bench.machine.ram.page(file.lookup(asOffset(PAGE_SIZE)))[0]).toBe(99);
    bench.expectSound();
  });

  it('stops at the end of the file, behind which its last page is zeros', () => {
    const bench = new Bench();
    const file = vnodeOver(bench, new UnreliableFile('short', new Uint8Array(PAGE_SIZE + 100).fill(1)));
    bench.machine.ram.bytes.fill(0xff);
    giveUp(bench, file, get(bench, file, 0, [true]));
    expect(resident(file)).toEqual([0, 1]);
    const last = bench.machine.ram.page(file.lookup(asOffset(PAGE_SIZE)));
    expect([last[99], last[100], last[4095]]).toEqual([1, 0, 0]);
  });

  it('leaves out the slots that nobody cares for, and gives those that lie beyond the end as they were', () => {
    const bench = new Bench({ blockSize: PAGE_SIZE });
    const file = bench.newFile(3);
    const answer = get(bench, file, 0, [true, false, true, true]);
    expect(answer.errno).toBe(0);
    expect(answer.slots.map(isPage)).toEqual([true, false, true, false]);
    expect(resident(file)).toEqual([0, 2]);
    giveUp(bench, file, answer);
    bench.expectSound();
  });

  it('answers EINVAL beyond the end, unless the file is about to grow', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    expect(get(bench, file, 1, [true]).errno).toBe(EINVAL);
    expect(get(bench, file, 1, [true], { flags: PGO_LOCKED }).errno).toBe(EINVAL);
    expect(file.lock.owned).toBe(false);
    const growing = get(bench, file, 1, [true], { flags: PGO_SYNCIO | PGO_PASTEOF, access: PROT_WRITE });
    expect(growing.errno).toBe(0);
    expect(file.dirty).toBe(true);
    giveUp(bench, file, growing);
  });

  it('reads nothing for who overwrites the pages, and leaves it to him to say that there is something in them', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    let answer = get(bench, file, 0, []);
    const flags = PGO_SYNCIO | PGO_OVERWRITE;
    expect(
      counted(bench.uvm, () => {
        answer = get(bench, file, 0, [true], { flags, access: PROT_WRITE });
      }),
    ).toEqual({});
    const [page = PGO_DONTCARE] = answer.slots;
    expect(bench.uvm.pages.flags(page) & (PG_CLEAN | PG_FAKE)).toBe(PG_FAKE);
    bench.uvm.pages.clearFlags(page, PG_FAKE);
    giveUp(bench, file, answer);
  });

  it('frees all that it has read of a block when the rest cannot be read', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(4 * PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    const overwritten = get(bench, file, 1, [true], { flags: PGO_SYNCIO | PGO_OVERWRITE, access: PROT_WRITE });
    bench.uvm.pages.clearFlags(overwritten.slots[0] ?? PGO_DONTCARE, PG_FAKE);
    giveUp(bench, file, overwritten);
    //     page   0        1           2   3
    //            read     in memory   read in one run, whose second page fails
    store.reads.push(0, 0, EIO);
    expect(get(bench, file, 0, [true]).errno).toBe(EIO);
    expect(resident(file)).toEqual([1]);
    bench.expectSound();
  });
});

describe('getting pages without waiting', () => {
  it('under the lock gives what is in memory and not busy; EBUSY when the page that matters is neither', () => {
    const bench = new Bench({ blockSize: PAGE_SIZE });
    const file = bench.newFile(4);
    for (const page of [0, 1, 2]) giveUp(bench, file, get(bench, file, page, [true]));
    bench.uvm.pages.setFlags(file.lookup(asOffset(PAGE_SIZE)), PG_BUSY);
    const flags = PGO_LOCKED;
    const answer = get(bench, file, 0, [true, true, true, true], { flags });
    expect(answer.errno).toBe(0);
    expect(answer.slots.map(isPage)).toEqual([true, false, true, false]);
    giveUp(bench, file, answer);
    for (const center of [1, 3]) expect(get(bench, file, 0, [true, true, true, true], { flags, center }).errno).toBe(EBUSY);
    expect(resident(file), 'nothing was brought in').toEqual([0, 1, 2]);
  });

  it('under the lock gives nothing while the file is being truncated, and keeps nothing busy', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    giveUp(bench, file, get(bench, file, 0, [true]));
    const answers: Errno[] = [];
    bench.run(function* () {
      yield* file.nodeLock.enter('write');
      startThread(bench.kern, function* () {
        yield* file.lock.enter();
        const slots = [PGO_WANTED_PAGE, PGO_WANTED_PAGE];
        const request = { offset: asOffset(0), slots, center: 0, access: PROT_READ, advice: 0, flags: PGO_LOCKED };
        answers.push(yield* file.get(bench.uvm, request));
        expect(slots).toEqual([PGO_WANTED_PAGE, PGO_WANTED_PAGE]);
        yield* file.lock.exit();
      });
      yield* pause(bench.kern.scheduler, 'test', 1);
      yield* file.nodeLock.exit();
    });
    expect(answers).toEqual([EBUSY]);
    bench.expectSound();
  });

  it('and without the lock waits for nobody: neither for a busy page, nor for memory', () => {
    const bench = new Bench({ blockSize: PAGE_SIZE });
    const file = bench.newFile(2);
    giveUp(bench, file, get(bench, file, 0, [true]));
    const page = file.lookup(asOffset(0));
    bench.uvm.pages.setFlags(page, PG_BUSY);
    expect(get(bench, file, 0, [true, true], { flags: 0 }).errno).toBe(EBUSY);
    expect(resident(file), 'page 1 is not kept').toEqual([0]);
    bench.uvm.pages.clearFlags(page, PG_BUSY);
    leaveFree(bench, 0);
    expect(get(bench, file, 0, [true, true], { flags: 0 }).errno).toBe(EBUSY);
    expect(bench.uvm.pages.flags(asPfn(page)) & PG_BUSY).toBe(0);
  });
});

describe('reading ahead', () => {
  it('brings in what is missing, and has nobody wait for it', () => {
    const bench = new Bench();
    const file = bench.newFile(20);
    bench.run(function* () {
      yield* bench.putFile(0, 20, file, 0);
      expect(yield* bench.uvm.uvmMapWillneed(bench.map, bench.at(0), bench.at(20))).toBe(0);
      expect(resident(file)).toEqual([]);
    });
    expect(resident(file)).toHaveLength(20);
    expect(counted(bench.uvm, () => expect(faultAt(bench, 19, PROT_READ)).toBe(0)).pgpgin).toBeUndefined();
    bench.expectSound();
  });

  it('that fails is nobody’s concern', () => {
    const bench = new Bench();
    const store = new UnreliableFile('bad', new Uint8Array(PAGE_SIZE).fill(1));
    const file = vnodeOver(bench, store);
    store.reads.push(EIO);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.uvm.uvmMapWillneed(bench.map, bench.at(0), bench.at(1));
    });
    expect(resident(file)).toEqual([]);
    bench.expectSound();
    expect(faultAt(bench, 0, PROT_READ)).toBe(0);
  });

  it('of a file that is gone by then leaves no page behind', () => {
    const bench = new Bench();
    const file = bench.newFile(4);
    bench.uvm.vnodeReferrers.length = 0;
    bench.run(function* () {
      yield* bench.putFile(0, 4, file, 0);
      yield* bench.uvm.uvmMapWillneed(bench.map, bench.at(0), bench.at(4));
      file.unlinked = true;
      yield* bench.uvm.uvnDetach(file);
      yield* bench.remove(0, 4);
    });
    expect(bench.uvm.objects.size).toBe(0);
    expect(bench.uvm.uvmexp).toMatchObject({ free: 64, filepages: 0 });
    bench.expectSound();
  });
});
