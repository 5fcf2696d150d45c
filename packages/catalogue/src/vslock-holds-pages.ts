/**
 * A remedy for the thread of 2003 on `uvm_vslock()`: wire pages, not addresses.
 *
 *     vslock     each page is faulted in, and in the same hold of its owner's lock wired and taken down
 *     the device is sent to the pages that were taken down, and not to what a page table has by then
 *     free       a page that is taken down belongs to nobody from then on, and lives: an orphan, as a page on loan
 *     fork       the child has its own copy of such a page at once, and the parent keeps the one that the device has
 *     vsunlock   unwires what was taken down, wherever it is by now; an orphan goes with its last wiring, if its last loan has ended
 *
 * Nobody waits for a device because of it, and no page is busy.
 */
import {
  AMAP_COPY_NOCHUNK,
  type Anon,
  asOffset,
  asVa,
  definePatch,
  type MapEntry,
  NO_FRAME,
  NO_PAGE,
  PAGE_SIZE,
  type Pfn,
  PG_BUSY,
  PG_FAKE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  TransientWiring,
  type Uvm,
} from '@faultline/kernel';

/** The patch; a fix of the kernel of today. */
export const vslockHoldsPages = definePatch({
  id: 'netbsd-vslock-holds-pages',
  summary: 'uvm_vslock wires pages and not addresses, and a page that is wired so lives until uvm_vsunlock, whoever gives it up',
  replace: {
    uvm: {
      uvmVslock: () =>
        function* (space, address, length, access, vslock = TransientWiring.ofBuffer(space.map, address, length)) {
          const { map, start, end } = vslock;
          vslock.holdsPages = true;
          this.vslocks.add(vslock);
          for (let va: number = start; va < end; va += PAGE_SIZE) {
            const errno = yield* this.uvmFaultInternal(map, asVa(va), access, { wire: true, maxProtection: false, vslock });
            if (errno === 0) continue;
            yield* endWiring(this, vslock);
            return errno;
          }
          return 0;
        },

      uvmVsunlock: (original) =>
        function* (space, address, length, vslock = null) {
          if (vslock === null) yield* original.call(this, space, address, length, vslock);
          else yield* endWiring(this, vslock);
        },

      uvmFaultMapPage: (original) =>
        function* (fault, va, page, protection, access) {
          const { vslock } = fault.flags;
          if (vslock === undefined || fault.entry.wiredCount > 0)
            return yield* original.call(this, fault, va, page, protection, access);
          // The mapping is as any fault makes it. It may go; the page does not.
          fault.wireMapping = false;
          const errno = yield* original.call(this, fault, va, page, protection, access);
          fault.wireMapping = true;
          if (errno !== 0) return errno;
          yield* this.pageqLock.enter();
          this.uvmPagewire(page);
          vslock.note(va, page);
          yield* this.pageqLock.exit();
          return 0;
        },

      uvmPagefree: (original) =>
        function* (page) {
          const { pages } = this;
          const wirings = this.uvmTransientWirings(page);
          if (wirings === 0) return yield* original.call(this, page);
          // Those of wired entries have gone with their mappings.
          pages.setWireCount(page, wirings);
          yield* this.uvmPageDisown(page);
        },

      uvmMapentForkcopy: (original) =>
        function* (map, old, entry) {
          yield* original.call(this, map, old, entry);
          const copy = map.header.prev;
          if (heldIn(this, copy) === null) return;
          if (copy.needsCopy) yield* this.amapCopy(map, copy, AMAP_COPY_NOCHUNK, copy.start, copy.end);
          yield* copyHeld(this, copy);
        },

      genfsDirectFrames: (original) =>
        function (wiring) {
          return wiring.frames.includes(NO_FRAME) ? original.call(this, wiring) : [...wiring.frames];
        },
    },
    sys: {
      vmapbuf: (original) =>
        function (buffer) {
          const frames = buffer.wiring?.frames ?? [NO_FRAME];
          // Memory of a device is not wired, and always there.
          if (frames.includes(NO_FRAME)) return original.call(this, buffer);
          buffer.frames.push(...frames);
          buffer.mappedAt = this.vm.mapFrames(buffer.frames, buffer.write ? PROT_READ : PROT_READ | PROT_WRITE);
          this.vm.beginTransfer(buffer);
        },
    },
  },
});

/** Unwires what was taken down; what belongs to nobody by then, and is not on loan, is freed. => nothing locked */
function* endWiring(uvm: Uvm, vslock: TransientWiring): Step<void> {
  const { pages } = uvm;
  yield* uvm.pageqLock.enter();
  for (let va: number = vslock.start; va < vslock.end; va += PAGE_SIZE) {
    const page = vslock.pageAt(asVa(va));
    if (page === NO_PAGE) continue;
    const lock = yield* uvm.uvmUnloanLockOwner(page);
    const orphan = pages.uobject(page) === null && pages.uanon(page) === null;
    uvm.uvmPageunwire(page);
    vslock.note(asVa(va), NO_PAGE);
    if (orphan && pages.wireCount(page) === 0) {
      uvm.uvmPagedequeue(page);
      if (pages.loanCount(page) === 0) yield* uvm.uvmPagefree(page);
    }
    if (lock !== null) yield* lock.exit();
  }
  uvm.vslocks.delete(vslock);
  yield* uvm.pageqLock.exit();
}

/** A slot of an entry's amap, and its anon, which others have as well and whose page is held by whoever had it wired; null for none. */
function heldIn(uvm: Uvm, { amap, amapOffset, size }: MapEntry): { readonly slot: number; readonly anon: Anon } | null {
  if (amap === null || uvm.vslocks.size === 0) return null;
  for (const slot of amap.usedWithin(amapOffset, amapOffset + size / PAGE_SIZE)) {
    const anon = amap.at(slot);
    if (anon !== null && anon.page !== NO_PAGE && uvm.uvmIsHeld(anon.page)) return { slot, anon };
  }
  return null;
}

/** Gives a child pages of its own for those that somebody holds. => both maps write-locked, amap unlocked; sleeps for memory */
function* copyHeld(uvm: Uvm, copy: MapEntry): Step<void> {
  const amap = copy.amap ?? uvm.kern.panic('amap_copy has made no amap');
  const { kern, pages } = uvm;
  yield* amap.lock.enter();
  for (let held = heldIn(uvm, copy); held !== null; held = heldIn(uvm, copy)) {
    const { slot, anon } = held;
    const own = uvm.uvmAnalloc(amap.lock);
    const page: Pfn = own === null ? NO_PAGE : yield* uvm.uvmPagealloc(null, asOffset(0), own, 0);
    if (own === null || page === NO_PAGE) {
      yield* amap.lock.exit();
      if (own !== null) uvm.uvmAnonFree(own);
      yield* uvm.uvmWait('forkheld');
      yield* amap.lock.enter();
      continue;
    }
    uvm.uvmPagecopy(anon.page, page);
    anon.references--;
    kern.kassert(anon.references > 0, 'anon->an_ref > 0');
    amap.anons[slot] = own;
    yield* uvm.pageqLock.enter();
    uvm.uvmPageactivate(page);
    yield* uvm.pageqLock.exit();
    pages.clearFlags(page, PG_BUSY | PG_FAKE);
    uvm.uvmPageOwn(page, null);
  }
  yield* amap.lock.exit();
}
