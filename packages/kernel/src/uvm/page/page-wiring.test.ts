import { describe, expect, it } from 'vitest';
import { faultAt } from '../../../test/faults.js';
import { Bench } from '../../../test/maps.js';
import { queueOf } from '../../../test/queues.js';
import { atOnce, thrownBy } from '../../../test/threads.js';
import { KernelPanic } from '../../kern/panic.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type Pfn, pfnToPa } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import type { Uvm } from '../uvm.js';
import { PG_CLEAN, PQ_ACTIVE } from './page-array.js';

const failed = (expression: string): string => `kernel diagnostic assertion "${expression}" failed`;

/** A page that belongs to nobody. */
function* nobodysPage(uvm: Uvm, flags = 0): Step<Pfn> {
  return yield* uvm.uvmPagealloc(null, asOffset(0), null, flags);
}

/** Does something with the page queues locked. */
function* queuesLocked(uvm: Uvm, job: () => void): Step<void> {
  yield* uvm.pageqLock.enter();
  job();
  yield* uvm.pageqLock.exit();
}

describe('the wire count', () => {
  /** A page in use by a program. */
  function used(options: { counterWidth?: 16 | 32; diagnostic?: boolean } = {}): { bench: Bench; page: Pfn } {
    const bench = new Bench(options);
    bench.run(() => bench.put(0, 1));
    faultAt(bench, 0, PROT_WRITE);
    return { bench, page: bench.pageOf(0) };
  }

  it('takes the page off its queue as it leaves 0, and puts it on the active queue as it comes back', () => {
    const { bench, page } = used();
    const { uvm } = bench;
    bench.run(() =>
      queuesLocked(uvm, () => {
        uvm.uvmPagedeactivate(page);
        uvm.uvmPagewire(page);
        uvm.uvmPagewire(page);
      }),
    );
    expect([uvm.pages.wireCount(page), uvm.uvmexp.wired, uvm.uvmexp.inactive, uvm.uvmexp.active]).toEqual([2, 1, 0, 0]);
    bench.run(() =>
      queuesLocked(uvm, () => {
        uvm.uvmPageunwire(page);
        expect([uvm.pages.wireCount(page), uvm.uvmexp.wired, uvm.uvmexp.active]).toEqual([1, 1, 0]);
        uvm.uvmPageunwire(page);
      }),
    );
    expect(queueOf(uvm, 'active').toArray()).toEqual([page]);
    bench.expectSound();
  });

  it('asserts that it does not wrap at the width of the counter', () => {
    const { bench, page } = used({ counterWidth: 16 });
    bench.uvm.pages.setWireCount(page, 65_535);
    expect(
      bench.panicOf(() =>
        queuesLocked(bench.uvm, () => {
          bench.uvm.uvmPagewire(page);
        }),
      ),
    ).toBe(failed('pg->wire_count != 0'));
  });

  it('asserts that what is unwired was wired, and on no queue', () => {
    const unwire = ({ bench, page }: ReturnType<typeof used>): string =>
      bench.panicOf(() =>
        queuesLocked(bench.uvm, () => {
          bench.uvm.uvmPageunwire(page);
        }),
      );
    expect(unwire(used())).toBe(failed('pg->wire_count != 0'));
    const queued = used();
    queued.bench.uvm.pages.setWireCount(queued.page, 1);
    expect(unwire(queued)).toBe(failed('!uvmpdpol_pageisqueued_p(pg)'));
  });

  it('wants the page queues locked', () => {
    const panicOf = (change: 'uvmPagewire' | 'uvmPageunwire' | 'uvmPageactivate' | 'uvmPagedeactivate'): string => {
      const { bench, page } = used();
      return bench.panicOf(atOnce(() => bench.uvm[change](page)));
    };
    for (const change of ['uvmPagewire', 'uvmPageunwire', 'uvmPageactivate', 'uvmPagedeactivate'] as const) {
      expect(panicOf(change), change).toBe(failed('mutex_owned(&uvm_pageqlock)'));
    }
  });
});

describe('the paging queues', () => {
  it('forget that a page was used when it is deactivated, and leave alone one that is inactive already', () => {
    const bench = new Bench();
    const { uvm, machine } = bench;
    bench.run(() => bench.put(0, 2));
    for (const page of [0, 1]) faultAt(bench, page, PROT_WRITE);
    const [first, second] = [bench.pageOf(0), bench.pageOf(1)];
    const deactivate = (page: Pfn): void =>
      bench.run(() =>
        queuesLocked(uvm, () => {
          uvm.uvmPagedeactivate(page);
        }),
      );
    expect(machine.pmapIsReferenced(first)).toBe(true);
    deactivate(first);
    expect(machine.pmapIsReferenced(first)).toBe(false);
    deactivate(second);
    deactivate(first);
    expect(queueOf(uvm, 'inactive').toArray()).toEqual([first, second]);
    bench.expectSound();
  });

  it('take a page that is on none only, when it is enqueued', () => {
    const bench = new Bench();
    const { uvm } = bench;
    bench.run(() => bench.put(0, 1));
    faultAt(bench, 0, PROT_WRITE);
    const page = bench.pageOf(0);
    bench.run(() =>
      queuesLocked(uvm, () => {
        uvm.uvmPagedeactivate(page);
        uvm.uvmPageenqueue(page);
        expect(queueOf(uvm, 'inactive').toArray(), 'still where it was').toEqual([page]);
        uvm.uvmPagedequeue(page);
        uvm.uvmPagedequeue(page);
        uvm.uvmPageenqueue(page);
      }),
    );
    expect(uvm.pages.pqflags(page) & PQ_ACTIVE).toBe(PQ_ACTIVE);
    bench.expectSound();
  });
});

describe('removing the mappings of a page that lives on', () => {
  it('undoes their wirings, as many as there are', () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.putFile(4, 5, file, 0);
      expect(yield* bench.wire(0, 1)).toBe(0);
      expect(yield* bench.wire(4, 5)).toBe(0);
    });
    const page = bench.pageOf(0);
    expect(bench.uvm.pages.wireCount(page)).toBe(2);
    bench.run(function* () {
      yield* file.lock.enter();
      yield* bench.uvm.uvmPageUnmap(page);
      yield* file.lock.exit();
    });
    expect(bench.uvm.pages.wireCount(page)).toBe(0);
    expect(bench.machine.pmapExtract(bench.map.pmap, bench.at(0))).toBe(-1);
    bench.expectSound();
  });

  it('copies bytes to another page, which is dirty from then on', () => {
    const bench = new Bench();
    const { uvm, machine } = bench;
    const [from, to] = bench.run(function* () {
      return [yield* nobodysPage(uvm), yield* nobodysPage(uvm)] as const;
    });
    machine.ram.bytes[pfnToPa(from) + 4095] = 9;
    uvm.uvmPagecopy(from, to);
    expect(machine.ram.page(to)[4095]).toBe(9);
    expect(uvm.pages.flags(to) & PG_CLEAN).toBe(0);
    expect(uvm.pages.flags(from) & PG_CLEAN).toBe(PG_CLEAN);
  });
});

describe('a stack', () => {
  it("names the kernel's functions only, and the one that another stands for here", () => {
    const bench = new Bench();
    const file = bench.newFile(1);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0);
      yield* bench.wire(0, 1);
    });
    bench.uvm.pages.setWireCount(bench.pageOf(0), 0);
    const panic = thrownBy(KernelPanic, () => bench.run(() => bench.uvm.uvmVnodeTruncate(file, 0)));
    expect(panic.frames.join(' ')).toBe('uvm_pageunwire pmap_page_protect genfs_putpages uvn_put uvm_vnp_setsize ffs_truncate');
  });
});
