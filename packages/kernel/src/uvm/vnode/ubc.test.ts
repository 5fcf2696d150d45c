import { describe, expect, it } from 'vitest';
import { counted, FailAt, readIn, UnreliableFile, vnodeOver } from '../../../test/faults.js';
import { Bench, type BenchOptions, RW } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { EFAULT, EIO } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import { RandomPreemption } from '../../kern/strategy.js';
import { BUILD, type Step } from '../../kern/switch.js';
import { asOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { RamFile } from '../../machine/file-store.js';
import { PROT_READ } from '../../machine/protection.js';
import { PTE_PROT } from '../../machine/pte.js';
import type { Ram } from '../../machine/ram.js';
import { KernelUio, Uio } from '../../vm/uio.js';
import { PGO_CLEANIT, PGO_FREE, PGO_SYNCIO } from '../object/object.js';
import { PG_BUSY, PG_RDONLY } from '../page/page-array.js';
import type { UbcUse } from './ubc.js';
import { UBC_KVA, UBC_WINSIZE, type UbcWindow } from './ubc-window.js';
import type { UvmVnode } from './vnode.js';

const READ: UbcUse = { write: false };
const WRITE: UbcUse = { write: true };

/** What the kernel may do with each of the first pages of a window: 0 for no mapping. */
function rights(bench: Bench, window: UbcWindow): number[] {
  const first = window.address / PAGE_SIZE;
  return [0, 1].map((i) => bench.machine.kernelPmap.table.get(first + i) & PTE_PROT);
}

/** Moves bytes, and answers the errno. */
function move(bench: Bench, file: UvmVnode, offset: number, bytes: Uint8Array, use: UbcUse): number {
  const uio = new KernelUio(use.write ? 'write' : 'read', bytes);
  return bench.run(() => bench.uvm.ubcUiomove(file, offset, uio, bytes.length, use));
}

/** Which places of the file are shown, in the order in which their windows will be turned to another place. */
function shown(bench: Bench): string[] {
  return bench.uvm.ubc.inactive.map(({ object, offset }) => (object === null ? '-' : `${object.id} @ ${offset / UBC_WINSIZE}`));
}

/** Memory that ends: what lies behind cannot be reached. */
class ShortMemory extends KernelUio {
  readonly ends: number;

  constructor(direction: 'read' | 'write', bytes: Uint8Array, ends: number) {
    super(direction, bytes);
    this.ends = ends;
  }

  override *reach(most: number): Step<number> {
    yield* super.reach(most);
    return this.done >= this.ends ? -EFAULT : Math.min(most, this.ends - this.done);
  }
}

/** Memory of which nothing can be reached before something else has been done. */
class SlowMemory extends Uio {
  readonly inner: KernelUio;
  readonly before: () => Step<void>;
  waits = 1;

  constructor(bytes: Uint8Array, before: () => Step<void>) {
    super('read', bytes.length);
    this.inner = new KernelUio('read', bytes);
    this.before = before;
  }

  *reach(most: number): Step<number> {
    if (this.waits-- > 0) yield* this.before();
    return most;
  }

  move(ram: Ram, at: number, length: number): void {
    this.inner.move(ram, at, length);
    this.done = this.inner.done;
  }
}

function withFile(pages: number, options: BenchOptions = {}): { bench: Bench; file: UvmVnode } {
  const bench = new Bench({ blockSize: PAGE_SIZE, ...options });
  return { bench, file: bench.newFile(pages) };
}

describe('reading through windows', () => {
  it('maps the rest of the window at the first fault, and needs none the next time', () => {
    const { bench, file } = withFile(4);
    const into = new Uint8Array(10);
    expect(move(bench, file, PAGE_SIZE - 5, into, READ)).toBe(0);
    expect([...into]).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    const [window] = bench.uvm.ubc.windows;
    expect(window?.address).toBe(UBC_KVA);
    // A clean file must learn of the first store.
    expect(window && rights(bench, window)).toEqual([PROT_READ, PROT_READ]);
    expect(counted(bench.uvm, () => move(bench, file, 0, new Uint8Array(UBC_WINSIZE), READ))).toEqual({});
    expect(bench.uvm.ubc.events).toEqual({ wincachehit: 1, wincachemiss: 1, faultbusy: 0 });
    bench.expectSound();
  });

  it('maps for writing what may be written: not holes, and nothing of a file that has to learn of it', () => {
    const { bench, file } = withFile(2);
    const holes = vnodeOver(bench, new RamFile('holes', { size: UBC_WINSIZE }));
    file.dirty = true;
    holes.dirty = true;
    for (const each of [file, holes]) move(bench, each, 0, new Uint8Array(UBC_WINSIZE), READ);
    const [first, second] = bench.uvm.ubc.windows;
    expect(first && rights(bench, first)).toEqual([RW, RW]);
    expect(second && rights(bench, second)).toEqual([PROT_READ, PROT_READ]);
    expect(bench.uvm.pages.flags(holes.lookup(asOffset(0))) & PG_RDONLY).toBe(PG_RDONLY);
    bench.expectSound();
  });

  it('turns the window that was used least recently to another place, and takes its mappings away', () => {
    const { bench, file } = withFile(8, { ubcWindows: 2 });
    const byte = new Uint8Array(1);
    for (const window of [0, 1, 0]) move(bench, file, window * UBC_WINSIZE, byte, READ);
    expect(shown(bench)).toEqual([`${file.id} @ 1`, `${file.id} @ 0`]);
    move(bench, file, 3 * UBC_WINSIZE, byte, READ);
    expect(byte[0]).toBe(7);
    expect(shown(bench)).toEqual([`${file.id} @ 0`, `${file.id} @ 3`]);
    expect([...(file.windows?.keys() ?? [])].sort((a, b) => a - b)).toEqual([0, 3 * UBC_WINSIZE]);
    bench.expectSound();
  });

  // In the direct build whoever waits for a window does so on top of the one who has it.
  it.skipIf(BUILD === 'direct')('waits while all windows are in use', () => {
    const { bench, file } = withFile(8, { ubcWindows: 1 });
    const { uvm, kern } = bench;
    const into = new Uint8Array(1);
    let reader = -1;
    startThread(kern, function* () {
      const window = yield* uvm.ubcAlloc(file, asOffset(0), 1, READ);
      yield* pause(kern.scheduler, 'held', 10);
      expect(kern.scheduler.lwps.find(({ id }) => id === reader)?.waitMessage).toBe('ubc_alloc');
      yield* uvm.ubcRelease(window, { filled: true });
    });
    reader = startThread(kern, function* () {
      expect(yield* uvm.ubcUiomove(file, 2 * UBC_WINSIZE, new KernelUio('read', into), 1, READ)).toBe(0);
    }).id;
    kern.scheduler.run();
    expect(into[0]).toBe(5);
    bench.expectSound();
  });

  it('finds the page once more when it goes while the memory is being reached', () => {
    const { bench, file } = withFile(2);
    const into = new Uint8Array(4);
    const uio = new SlowMemory(into, function* () {
      yield* file.lock.enter();
      yield* bench.uvm.uvnPut(file, asOffset(0), asOffset(0), PGO_FREE | PGO_SYNCIO);
    });
    expect(bench.run(() => bench.uvm.ubcUiomove(file, 0, uio, 4, READ))).toBe(0);
    expect([...into]).toEqual([1, 1, 1, 1]);
    bench.expectSound();
  });

  it('leaves a page on loan with its borrowers, and copies it before it is written to', () => {
    const { bench, file } = withFile(1);
    const { uvm } = bench;
    bench.run(() => bench.putFile(0, 1, file, 0, { protection: PROT_READ }));
    bench.run(() => bench.read(0));
    const loan = bench.run(() => uvm.uvmKernelBorrow(bench.map, bench.at(0), bench.at(1)));
    if (typeof loan === 'number') throw new Error(`nothing was lent: ${loan}`);
    const lent = file.lookup(asOffset(0));
    file.dirty = true;
    move(bench, file, 0, new Uint8Array(1), READ);
    const [window] = uvm.ubc.windows;
    expect(window && rights(bench, window)).toEqual([PROT_READ, 0]);
    expect(file.lookup(asOffset(0))).toBe(lent);
    expect(move(bench, file, 0, Uint8Array.of(9), WRITE)).toBe(0);
    expect(file.lookup(asOffset(0))).not.toBe(lent);
    expect(bench.machine.ram.page(lent)[0], 'the borrower has what it borrowed').toBe(1);
    bench.run(() => uvm.uvmKernelReturn(loan));
    bench.expectSound();
  });

  it('tries again when the kernel has no page-table page', () => {
    const strategy = new FailAt();
    const { bench, file } = withFile(2, { strategy });
    strategy.left.set('pmap.page-table', 3);
    const into = new Uint8Array(2);
    expect(move(bench, file, PAGE_SIZE - 1, into, READ)).toBe(0);
    expect([...into]).toEqual([1, 2]);
    bench.expectSound();
  });

  it('answers what the file answers, and counts what the last window moved as not moved', () => {
    const { bench, file } = withFile(4);
    const memory = new ShortMemory('read', new Uint8Array(4 * PAGE_SIZE), 3 * PAGE_SIZE);
    expect(bench.run(() => bench.uvm.ubcUiomove(file, 0, memory, 4 * PAGE_SIZE, READ))).toBe(EFAULT);
    expect(memory.done).toBe(2 * PAGE_SIZE);
    const bad = vnodeOver(bench, new UnreliableFile('bad', new Uint8Array(PAGE_SIZE)));
    (bad.store as UnreliableFile).reads.push(EIO);
    expect(move(bench, bad, 0, new Uint8Array(1), READ)).toBe(EIO);
    bench.expectSound();
  });
});

describe('writing through windows', () => {
  it('has the pages of what is written, and no others, mapped', () => {
    const { bench, file } = withFile(2);
    expect(move(bench, file, 10, Uint8Array.of(7), WRITE)).toBe(0);
    const [window] = bench.uvm.ubc.windows;
    expect(window && rights(bench, window)).toEqual([RW, 0]);
    expect(file.dirty).toBe(true);
    const [content] = [bench.machine.ram.page(file.lookup(asOffset(0)))];
    expect([content[9], content[10], content[11]]).toEqual([1, 7, 1]);
    bench.expectSound();
  });

  it('faults again for the first store after the file was cleaned', () => {
    const { bench, file } = withFile(1);
    const store = file.store as RamFile;
    for (const byte of [7, 8]) {
      move(bench, file, 0, Uint8Array.of(byte), WRITE);
      expect(file.dirty).toBe(true);
      expect(bench.run(() => bench.uvm.uvmVnodeSync(file))).toBe(0);
      expect(file.dirty).toBe(false);
      const stored = new Uint8Array(1);
      store.read(0, stored);
      expect(stored[0]).toBe(byte);
    }
    bench.expectSound();
  });

  it('reads nothing of pages that it overwrites whole, as long as nobody has the file mapped', () => {
    const { bench, file } = withFile(4);
    const all = new Uint8Array(2 * PAGE_SIZE).fill(9);
    expect(counted(bench.uvm, () => move(bench, file, 0, all, { write: true, busy: true }))).toEqual({});
    expect(bench.uvm.ubc.events.faultbusy).toBe(1);
    // The pages were mapped as long as they were busy, and no longer.
    const [window] = bench.uvm.ubc.windows;
    expect(window && rights(bench, window)).toEqual([0, 0]);
    const into = new Uint8Array(3 * PAGE_SIZE);
    move(bench, file, 0, into, READ);
    expect([into[0], into[PAGE_SIZE], into[2 * PAGE_SIZE]]).toEqual([9, 9, 3]);
    bench.expectSound();
  });

  it('of pages that it overwrites whole, but for what lies around', () => {
    const { bench, file } = withFile(2);
    bench.machine.ram.bytes.fill(0xff);
    move(bench, file, 100, new Uint8Array(PAGE_SIZE).fill(9), { write: true, busy: true });
    const into = new Uint8Array(2 * PAGE_SIZE);
    move(bench, file, 0, into, READ);
    expect([into[0], into[99], into[100], into[PAGE_SIZE + 99], into[PAGE_SIZE + 100], into[2 * PAGE_SIZE - 1]]).toEqual([
      0, 0, 9, 9, 0, 0,
    ]);
    bench.expectSound();
  });

  it('keeps what the file has, where the memory ends in a page that was to be overwritten whole', () => {
    for (const resident of [false, true]) {
      const { bench, file } = withFile(3);
      if (resident) bench.run(() => readIn(bench, file));
      const from = new ShortMemory('write', new Uint8Array(3 * PAGE_SIZE).fill(9), PAGE_SIZE + 50);
      const use = { write: true, busy: true };
      expect(bench.run(() => bench.uvm.ubcUiomove(file, 0, from, 3 * PAGE_SIZE, use))).toBe(EFAULT);
      const into = new Uint8Array(3 * PAGE_SIZE);
      move(bench, file, 0, into, READ);
      expect([into[0], into[PAGE_SIZE + 49], into[PAGE_SIZE + 50], into[2 * PAGE_SIZE]]).toEqual([9, 9, 2, 3]);
      bench.expectSound();
    }
  });

  it('overwrites what is on loan after all, having copied it', () => {
    const { bench, file } = withFile(1);
    bench.run(() => bench.putFile(0, 1, file, 0, { protection: PROT_READ }));
    bench.run(() => bench.read(0));
    const loan = bench.run(() => bench.uvm.uvmKernelBorrow(bench.map, bench.at(0), bench.at(1)));
    if (typeof loan === 'number') throw new Error(`nothing was lent: ${loan}`);
    const lent = file.lookup(asOffset(0));
    expect(move(bench, file, 0, new Uint8Array(PAGE_SIZE).fill(9), { write: true, busy: true })).toBe(0);
    expect([bench.machine.ram.page(lent)[0], bench.machine.ram.page(file.lookup(asOffset(0)))[0]]).toEqual([1, 9]);
    bench.run(() => bench.uvm.uvmKernelReturn(loan));
    bench.expectSound();
  });

  it('with zeros touches the range and nothing else', () => {
    const { bench, file } = withFile(4);
    expect(bench.run(() => bench.uvm.ubcZerorange(file, 100, 3 * PAGE_SIZE))).toBe(0);
    const into = new Uint8Array(4 * PAGE_SIZE);
    move(bench, file, 0, into, READ);
    expect([into[99], into[100], into[3 * PAGE_SIZE + 99], into[3 * PAGE_SIZE + 100]]).toEqual([1, 0, 0, 4]);
    bench.expectSound();
  });
});

describe('the windows of a file that goes', () => {
  it('show nothing any more, and are the first to be used again', () => {
    const { bench, file } = withFile(4, { ubcWindows: 3 });
    const other = bench.newFile(1);
    const byte = new Uint8Array(1);
    for (const at of [0, UBC_WINSIZE]) move(bench, file, at, byte, READ);
    move(bench, other, 0, byte, READ);
    file.unlinked = true;
    bench.uvm.vnodeReferrers.shift();
    bench.run(() => bench.uvm.uvnDetach(file));
    expect(shown(bench)).toEqual(['-', '-', `${other.id} @ 0`]);
    bench.expectSound();
  });
});

describe('under any schedule', () => {
  // The direct build cannot leave a thread that waits inside a call for one that was begun earlier.
  it.skipIf(BUILD === 'direct')('readers and writers of one page, and one who frees it all the time, move whole pieces', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { bench, file } = withFile(2, { strategy: new RandomPreemption(seed), ubcWindows: 2 });
      const { uvm, kern } = bench;
      for (const byte of [7, 8]) {
        startThread(kern, function* () {
          for (let i = 0; i < 3; i++)
            expect(yield* uvm.uvmVnodeWrite(file, PAGE_SIZE - 8, new Uint8Array(16).fill(byte))).toBe(16);
        });
      }
      startThread(kern, function* () {
        for (let i = 0; i < 3; i++) {
          const into = new Uint8Array(16);
          expect(yield* uvm.uvmVnodeRead(file, PAGE_SIZE - 8, into)).toBe(16);
          const kinds = new Set(into);
          expect(
            [...kinds].every((byte) => byte === 7 || byte === 8 || byte === 1 || byte === 2),
            `seed ${seed}: ${[...into]}`,
          ).toBe(true);
          if (kinds.has(7)) expect(kinds.size, `seed ${seed}`).toBe(1);
        }
      });
      startThread(kern, function* () {
        for (let i = 0; i < 4; i++) {
          yield* file.lock.enter();
          expect(yield* uvm.uvnPut(file, asOffset(0), asOffset(0), PGO_CLEANIT | PGO_FREE | PGO_SYNCIO)).toBe(0);
        }
      });
      kern.scheduler.run();
      bench.expectSound();
    }
  });
});

describe('what must not be', () => {
  /** The panic when a window is taken for a use, and then something is done with it. */
  function panicWith(use: UbcUse, job: (bench: Bench, window: UbcWindow, file: UvmVnode) => Step<unknown>): string {
    const { bench, file } = withFile(4);
    return bench.panicOf(function* () {
      const window = yield* bench.uvm.ubcAlloc(file, asOffset(PAGE_SIZE), 10, use);
      yield* job(bench, window, file);
    });
  }
  const asserted = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

  it('is a write outside of the range that a window was taken for', () => {
    expect(panicWith(WRITE, (bench, window) => bench.uvm.ubcFault(window, 0))).toBe('ubc_fault: out of range write');
  });

  it('is a second writer', () => {
    const message = panicWith(WRITE, (bench, _, file) => bench.uvm.ubcAlloc(file, asOffset(PAGE_SIZE), 10, WRITE));
    expect(message).toMatch(/^ubc_alloc: concurrent writes uobj \d+$/);
  });

  it('is a window for nothing, or for more than it is large', () => {
    const { bench, file } = withFile(4);
    for (const length of [0, UBC_WINSIZE]) {
      expect(bench.panicOf(() => bench.uvm.ubcAlloc(file, asOffset(1), length, READ))).toBe(asserted('*lenp > 0'));
    }
  });

  it('is a fault in a window that nobody uses, or whose pages are busy', () => {
    const { bench, file } = withFile(4);
    move(bench, file, 0, new Uint8Array(1), READ);
    const [window] = bench.uvm.ubc.windows;
    if (window === undefined) throw new Error('there is no window');
    expect(bench.panicOf(() => bench.uvm.ubcFault(window, 0))).toBe(asserted('umap->refcount != 0'));
    const busy = { write: true, busy: true };
    const locked = asserted('(umap->flags & UMAP_PAGES_LOCKED) == 0');
    expect(panicWith(busy, (other, held) => other.uvm.ubcFault(held, PAGE_SIZE))).toBe(locked);
    expect(panicWith(busy, (other, _, its) => other.uvm.ubcAlloc(its, asOffset(0), 1, READ))).toBe(locked);
  });

  it('is a page that is not filled yet, or a hole that is written to without room', () => {
    const fake = panicWith(READ, function* (bench, window, file) {
      yield* file.lock.enter();
      const page = yield* bench.uvm.uvmPagealloc(file, asOffset(PAGE_SIZE), null, 0);
      yield* bench.uvm.ubcFaultPage(window, PAGE_SIZE, page, READ);
    });
    expect(fake).toBe(asserted('(pg->flags & PG_FAKE) == 0'));
    const { bench, file } = withFile(4);
    const hole = bench.panicOf(function* () {
      const window = yield* bench.uvm.ubcAlloc(file, asOffset(0), PAGE_SIZE, WRITE);
      yield* file.lock.enter();
      const page = yield* bench.uvm.uvmPagealloc(file, asOffset(0), null, 0);
      bench.uvm.pages.putFlags(page, PG_BUSY | PG_RDONLY);
      yield* bench.uvm.ubcFaultPage(window, 0, page, WRITE);
    });
    expect(hole).toContain('(pg->flags & PG_RDONLY) == 0 || (access_type & VM_PROT_WRITE) == 0');
  });

  it('is an end of a file whose window is in use, or still maps something', () => {
    expect(panicWith(READ, (bench, _, file) => bench.uvm.ubcPurge(file))).toBe(asserted('umap->refcount == 0'));
    const { bench, file } = withFile(4);
    move(bench, file, 0, new Uint8Array(1), READ);
    expect(bench.panicOf(() => bench.uvm.ubcPurge(file))).toContain('!pmap_extract(pmap_kernel()');
  });

  it('is a page on loan among those that were overwritten whole', () => {
    const message = panicWith({ write: true, busy: true }, function* (bench, window) {
      bench.uvm.pages.setLoanCount(window.busyPages[0] as Pfn, 1);
      yield* bench.uvm.ubcRelease(window, { filled: true });
    });
    expect(message).toBe(asserted('pgs[i]->loan_count == 0'));
  });

  it('is another user of a window whose pages are to be held busy', () => {
    const message = panicWith(READ, (bench, _, file) =>
      bench.uvm.ubcAlloc(file, asOffset(PAGE_SIZE), 10, { write: true, busy: true }),
    );
    expect(message).toBe(asserted('umap->refcount == 1'));
  });

  it('is no window at all, to be booted with', () => {
    expect(() => new Bench({ ubcWindows: 0 })).toThrow('a whole number of windows');
  });
});
