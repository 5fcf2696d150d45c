/** The remedy that was proposed first in the thread of 2003: pages that are wired for a device are busy until it is done. */
import {
  asVa,
  definePatch,
  type Errno,
  type Mutex,
  NO_PAGE,
  PAGE_SIZE,
  type Pfn,
  PG_BUSY,
  type Step,
  TransientWiring,
  type Uvm,
  type Va,
} from '@faultline/kernel';

/** The patch. */
export const pagesKeptBusy = definePatch({
  id: 'netbsd-2003-vslock-busy',
  summary: 'uvm_vslock makes the pages busy that it wires, and they are until uvm_vsunlock',
  replace: {
    uvm: {
      uvmVslock: () =>
        function* (space, address, length, access, vslock = TransientWiring.ofBuffer(space.map, address, length)) {
          const { map, start, end } = vslock;
          this.vslocks.add(vslock);
          for (let va: number = start; va < end; va += PAGE_SIZE) {
            let errno: Errno;
            do errno = yield* this.uvmFaultInternal(map, asVa(va), access, { wire: true, maxProtection: false, vslock });
            while (errno === 0 && !(yield* makeBusy(this, vslock, asVa(va))));
            if (errno === 0) continue;
            const busy = [...vslock.pages];
            yield* this.uvmFaultUnwire(map, start, asVa(va), { vslock });
            yield* endBusy(this, busy);
            this.vslocks.delete(vslock);
            return errno;
          }
          return 0;
        },

      uvmVsunlock: (original) =>
        function* (space, address, length, vslock = null) {
          const busy = vslock === null ? [] : [...vslock.pages];
          yield* original.call(this, space, address, length, vslock);
          yield* endBusy(this, busy);
        },
    },
  },
});

/** Waits until a page that has been wired is not busy, and makes it busy. @returns whether it is still there */
function* makeBusy(uvm: Uvm, vslock: TransientWiring, va: Va): Step<boolean> {
  const { pages } = uvm;
  for (;;) {
    const page = vslock.pageAt(va);
    const lock = page === NO_PAGE ? null : ownerLock(uvm, page);
    if (lock === null) return false;
    yield* lock.enter();
    const isThere = vslock.pageAt(va) === page && ownerLock(uvm, page) === lock;
    if (isThere && pages.flags(page) & PG_BUSY) {
      yield* uvm.uvmPageWait(page, lock, 'vslock');
      continue;
    }
    if (isThere) {
      pages.setFlags(page, PG_BUSY);
      uvm.uvmPageOwn(page, 'uvm_vslock');
    }
    yield* lock.exit();
    return isThere;
  }
}

/** Gives pages up, and wakes who waits for them. */
function* endBusy(uvm: Uvm, busy: readonly Pfn[]): Step<void> {
  const { pages } = uvm;
  for (const page of busy) {
    const lock = page === NO_PAGE ? null : ownerLock(uvm, page);
    if (lock === null || (pages.flags(page) & PG_BUSY) === 0) continue;
    yield* lock.enter();
    yield* uvm.uvmPageUnbusyOne(page);
    yield* lock.exit();
  }
}

function ownerLock({ pages }: Uvm, page: Pfn): Mutex | null {
  return pages.uobject(page)?.lock ?? pages.uanon(page)?.lock ?? null;
}
