/**
 * Operations on amaps. sys/uvm/uvm_amap.c. The picture is in `amap.ts`.
 *
 * Locks: map lock -> amap lock -> page queue lock. A function named after the kernel's states which it wants.
 */
import { E2BIG, type Errno } from '../../kern/errno.js';
import { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Va } from '../../machine/address.js';
import type { Protection } from '../../machine/protection.js';
import type { MapEntry } from '../map/map-entry.js';
import type { VmMap } from '../map/vm-map.js';
import { NO_PAGE, PG_BUSY, PG_FAKE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import {
  AMAP_COPY_NOCHUNK,
  AMAP_COPY_NOMERGE,
  AMAP_COPY_NOWAIT,
  AMAP_REFALL,
  AMAP_SHARED,
  AMAP_SWAPOFF,
  Amap,
  UVM_AMAP_CHUNK,
  UVM_AMAP_LARGE,
} from './amap.js';
import type { Anon } from './anon.js';

/** Bytes of kernel memory that a slot takes: two numbers and a pointer. */
const BYTES_PER_SLOT = 16;

/** Whether kernel memory can hold that many slots. The arrays of an amap cannot be larger than RAM. */
function slotsFit(uvm: Uvm, slots: number): boolean {
  return slots * BYTES_PER_SLOT <= uvm.machine.ram.bytes.length;
}

/**
 * Makes an empty amap. `amap_alloc()`.
 *
 * @param room bytes to cover and bytes to keep room for, both whole pages
 * @returns null when kernel memory cannot hold it, for which NetBSD would sleep (docs/decisions/0006-departures.md), or with `nowait`
 *   the environment says so
 */
export function amapAlloc(this: Uvm, room: { bytes: number; padding: number; nowait: boolean }): Amap | null {
  const slots = room.bytes / PAGE_SIZE;
  if (!slotsFit(this, slots)) return null;
  if (room.nowait && this.kern.choose('amap.alloc') !== 0) return null;
  return newAmap(this, slots, room.padding / PAGE_SIZE, null);
}

function newAmap(uvm: Uvm, slots: number, padding: number, lock: Mutex | null): Amap {
  const id = uvm.nextAmapId++;
  const amap = new Amap(id, lock ?? new Mutex(uvm.kern, uvm.amapLockClass, String(id)), { slots, padding });
  uvm.amaps.add(amap);
  return amap;
}

/** Destroys an amap that nobody refers to and that holds nothing. `amap_free()`. */
export function amapFree(this: Uvm, amap: Amap): void {
  this.kern.kassert(amap.references === 0 && amap.used.length === 0, 'amap->am_ref == 0 && amap->am_nused == 0');
  this.kern.kassert((amap.flags & AMAP_SWAPOFF) === 0, '(amap->am_flags & AMAP_SWAPOFF) == 0');
  this.kern.kassert(!amap.lock.owned, '!mutex_owned(amap->am_lock)');
  this.amaps.delete(amap);
}

/** The anon at an entry's offset in bytes, null for none. `amap_lookup()`. => amap locked. */
export function amapLookup(this: Uvm, entry: MapEntry, offset: number): Anon | null {
  const { amap } = entry;
  if (amap === null) return null;
  const slot = entry.amapOffset + offset / PAGE_SIZE;
  this.kern.kassert(amap.lock.owned, 'mutex_owned(amap->am_lock)');
  this.kern.kassert(slot < amap.slots, 'slot < amap->am_nslot');
  const anon = amap.at(slot);
  this.kern.kassert(
    anon === null || (anon.references !== 0 && anon.lock === amap.lock),
    'anon->an_ref != 0 && anon->an_lock == amap->am_lock',
  );
  return anon;
}

/**
 * The anons of `count` pages from an entry's offset in bytes on, null where there is none; all null without an amap.
 * `amap_lookups()`. => amap locked.
 *
 * @param into takes the place of what it holds
 */
export function amapLookups(this: Uvm, entry: MapEntry, offset: number, count: number, into: (Anon | null)[]): void {
  const { amap } = entry;
  // Setting the length is slow, and rarely needed.
  if (into.length > count) into.length = count;
  if (amap === null) {
    for (let i = 0; i < count; i++) into[i] = null;
    return;
  }
  const first = entry.amapOffset + offset / PAGE_SIZE;
  this.kern.kassert(amap.lock.owned, 'mutex_owned(amap->am_lock)');
  this.kern.kassert(first + count <= amap.slots, '(slot + (npages - 1)) < amap->am_nslot');
  for (let i = 0; i < count; i++) {
    const anon = amap.at(first + i);
    this.kern.kassert(
      anon === null || (anon.references !== 0 && anon.lock === amap.lock),
      'an == NULL || (an->an_ref != 0 && an->an_lock == amap->am_lock)',
    );
    into[i] = anon;
  }
}

/**
 * Puts an anon at an entry's offset in bytes, into an empty slot or with `replace` in another's place. `amap_add()`.
 *
 * => amap locked. When a shared amap has an anon replaced, all mappings of the old page go, so that all sharers see the new one.
 */
export function* amapAdd(this: Uvm, entry: MapEntry, offset: number, anon: Anon, options: { replace: boolean }): Step<void> {
  const { kern } = this;
  const amap = entry.amap ?? kern.panic('amap_add: entry has no amap');
  const slot = entry.amapOffset + offset / PAGE_SIZE;
  kern.kassert(amap.lock.owned, 'mutex_owned(amap->am_lock)');
  kern.kassert(anon.lock === amap.lock, 'anon->an_lock == amap->am_lock');
  kern.kassert(slot < amap.slots, 'slot < amap->am_nslot');
  const old = amap.at(slot);
  if (options.replace) {
    kern.kassert(old !== null, 'amap->am_anon[slot] != NULL');
    if (old !== null && old.page !== NO_PAGE && amap.flags & AMAP_SHARED) yield* this.uvmPageUnmap(old.page);
    amap.anons[slot] = anon;
    return;
  }
  kern.kassert(old === null, 'amap->am_anon[slot] == NULL');
  amap.put(slot, anon);
}

/** Adds a reference to an entry's part of its amap. `amap_ref()`. => amap unlocked. */
export function* amapRef(this: Uvm, entry: MapEntry, flags: number): Step<void> {
  const amap = entry.amap ?? this.kern.panic('amap_ref: entry has no amap');
  const slots = entry.size / PAGE_SIZE;
  yield* amap.lock.enter();
  if (flags & AMAP_SHARED) amap.flags |= AMAP_SHARED;
  if (amap.partial === null && (flags & AMAP_REFALL) === 0 && slots !== amap.slots) amap.establishPartial(entry.amapOffset);
  amap.references++;
  if (flags & AMAP_REFALL) this.amapPpAdjref(amap, 0, amap.slots, 1);
  else this.amapPpAdjref(amap, entry.amapOffset, slots, 1);
  yield* amap.lock.exit();
}

/** Drops a reference to an entry's part of its amap; the last one destroys it. `amap_unref()`. => amap unlocked. */
export function* amapUnref(this: Uvm, entry: MapEntry, options: { all: boolean }): Step<void> {
  const amap = entry.amap ?? this.kern.panic('amap_unref: entry has no amap');
  const slots = entry.size / PAGE_SIZE;
  yield* amap.lock.enter();
  this.kern.kassert(amap.references > 0, 'amap->am_ref > 0');
  if (amap.references === 1) {
    amap.references = 0;
    yield* this.amapWipeout(amap);
    return;
  }
  if (amap.references === 2) amap.flags &= ~AMAP_SHARED;
  if (amap.partial === null && !options.all && slots !== amap.slots) amap.establishPartial(entry.amapOffset);
  amap.references--;
  const unused = options.all ? this.amapPpAdjref(amap, 0, amap.slots, -1) : this.amapPpAdjref(amap, entry.amapOffset, slots, -1);
  yield* this.uvmAnonFreelst(amap, unused);
}

/**
 * Changes the reference count of a run of slots, if slots are counted at all. `amap_pp_adjref()`. => amap locked.
 *
 * @returns the anons that nobody refers to any more; they have left the amap
 */
export function amapPpAdjref(this: Uvm, amap: Amap, from: number, slots: number, amount: number): Anon[] {
  const { partial } = amap;
  if (partial === null) return [];
  const emptied = partial.adjust(from, slots, amount);
  const sound = partial.runs.every((run) => run.references >= 0 && run.references <= amap.references);
  this.kern.kassert(sound, 'ref >= 0 && ref <= amap->am_ref');
  return emptied.flatMap(([start, end]) => this.amapWiperange(amap, start, end));
}

/** Empties slots; answers the anons that nobody else has. `amap_wiperange()`. => amap locked. */
export function amapWiperange(this: Uvm, amap: Amap, from: number, to: number): Anon[] {
  const unused: Anon[] = [];
  for (const slot of amap.usedWithin(from, to)) {
    const anon = amap.at(slot) as Anon;
    amap.remove(slot);
    anon.references--;
    if (anon.references === 0) unused.push(anon);
  }
  return unused;
}

/** Drops all anons of an amap that nobody refers to, and destroys it. `amap_wipeout()`. => amap locked on entry, gone on return, or left to whoever
 * brings its pages in from swap. */
export function* amapWipeout(this: Uvm, amap: Amap): Step<void> {
  this.kern.kassert(amap.references === 0, 'amap->am_ref == 0');
  if (amap.flags & AMAP_SWAPOFF) {
    yield* amap.lock.exit();
    return;
  }
  const unused: Anon[] = [];
  for (const slot of amap.used) {
    const anon = amap.at(slot) as Anon;
    this.kern.kassert(anon.references !== 0 && anon.lock === amap.lock, 'anon->an_ref != 0 && anon->an_lock == amap->am_lock');
    anon.references--;
    if (anon.references === 0) unused.push(anon);
  }
  amap.used.length = 0;
  yield* this.uvmAnonFreelst(amap, unused);
  this.amapFree(amap);
}

/**
 * Makes an entry's part of the amap its own, so that it needs no copy any more. `amap_copy()`.
 *
 * => map write-locked, the entry's amap unlocked. With `AMAP_COPY_NOWAIT` the entry still needs a copy when memory cannot be had:
 *    the caller tests that.
 *
 * @param from the first address that matters, when a large entry may be made anonymous in chunks
 * @param to the first address behind those that matter
 */
export function* amapCopy(this: Uvm, map: VmMap, entry: MapEntry, flags: number, from: Va, to: Va): Step<void> {
  if (entry.amap === null) return yield* makeAmap(this, map, entry, flags, from, to);
  const source = entry.amap;
  if (source.references === 1) {
    entry.needsCopy = false;
    return;
  }
  if ((flags & AMAP_COPY_NOWAIT) !== 0 && this.kern.choose('amap.alloc') !== 0) {
    this.pagedaemon.extraPages++;
    return;
  }

  yield* source.lock.enter();
  if (this.amapCopyIsLast(source)) {
    // The other reference went while this thread waited for the lock.
    entry.needsCopy = false;
    yield* source.lock.exit();
    return;
  }
  const copy = copySlots(this, source, entry);
  source.references--;
  this.kern.kassert(source.references > 0, 'srcamap->am_ref > 0');
  if (source.references === 1) source.flags &= ~AMAP_SHARED;
  const unused = this.amapPpAdjref(source, entry.amapOffset, entry.size / PAGE_SIZE, -1);
  yield* this.uvmAnonFreelst(source, unused);
  entry.amapOffset = 0;
  entry.amap = copy;
  entry.needsCopy = false;
}

/** Whether the caller's reference to an amap that is to be copied has become the last one. Part of `amap_copy()`. => amap locked */
export function amapCopyIsLast(this: Uvm, source: Amap): boolean {
  return source.references === 1;
}

/** An entry without an amap gets one of its own, or a part of a neighbour's. */
function* makeAmap(uvm: Uvm, map: VmMap, entry: MapEntry, flags: number, from: Va, to: Va): Step<void> {
  if ((flags & AMAP_COPY_NOCHUNK) === 0 && entry.size / PAGE_SIZE >= UVM_AMAP_LARGE) {
    const chunk = UVM_AMAP_CHUNK * PAGE_SIZE;
    yield* uvm.uvmMapClipStart(map, entry, asVa(Math.floor(from / chunk) * chunk));
    yield* uvm.uvmMapClipEnd(map, entry, asVa(Math.ceil(to / chunk) * chunk));
  }
  if ((flags & AMAP_COPY_NOMERGE) === 0 && (yield* uvm.uvmMapentTrymerge(map, entry, { copying: true }))) return;
  // Who may wait gets it, however large: the kernel sleeps until there is memory, so those who call it count on success.
  const amap =
    flags & AMAP_COPY_NOWAIT
      ? uvm.amapAlloc({ bytes: entry.size, padding: 0, nowait: true })
      : newAmap(uvm, entry.size / PAGE_SIZE, 0, null);
  if (amap === null) return;
  entry.amapOffset = 0;
  entry.amap = amap;
  entry.needsCopy = false;
}

/** A new amap with the anons of an entry's part of another. Both then have one lock if they have an anon in common. */
function copySlots(uvm: Uvm, source: Amap, entry: MapEntry): Amap {
  const slots = entry.size / PAGE_SIZE;
  const used = source.usedWithin(entry.amapOffset, entry.amapOffset + slots);
  const copy = newAmap(uvm, slots, 0, used.length > 0 ? source.lock : null);
  for (const slot of used) {
    const anon = source.at(slot) as Anon;
    uvm.kern.kassert(anon.lock === source.lock && anon.references > 0, 'anon->an_lock == srcamap->am_lock && anon->an_ref > 0');
    anon.references++;
    copy.put(slot - entry.amapOffset, anon);
  }
  return copy;
}

/**
 * Copies at once every page of a child's amap that the parent has wired, so that the parent's mappings need not become read-only.
 * `amap_cow_now()`.
 *
 * => both maps write-locked, amap unlocked. Sleeps for memory with both maps locked, as the kernel does.
 *
 * @param parent the parent's map
 * @param entry the child's entry, which has the parent's addresses
 */
export function* amapCowNow(this: Uvm, parent: VmMap, entry: MapEntry): Step<void> {
  const { kern, machine, pages } = this;
  const amap = entry.amap;
  if (amap === null) return;
  yield* amap.lock.enter();
  for (let place = 0; place < amap.used.length; place++) {
    const slot = amap.used[place] as number;
    const anon = amap.at(slot) as Anon;
    kern.kassert(anon.lock === amap.lock, 'anon->an_lock == amap->am_lock');
    if (anon.references === 1) continue;
    const page = anon.page;
    // Where the parent shared the amap, another sharer may have put this page in the place of the one that was wired; the parent has
    // not met it yet then, so nothing wires it: docs/decisions/0006-departures.md. It can be on swap, and copied when it is needed.
    const va = asVa(entry.start + (slot - entry.amapOffset) * PAGE_SIZE);
    const unmet = machine.pmapExtract(parent.pmap, va) < 0;
    if (unmet && (page === NO_PAGE || pages.flags(page) & PG_BUSY)) continue;
    kern.kassert(page !== NO_PAGE, 'pg != NULL');
    kern.kassert(pages.wireCount(page) > 0 || unmet, 'pg->wire_count > 0');
    // A page on loan is read-only everywhere as it is, and copied when somebody stores to it.
    if (pages.loanCount(page) > 0) continue;

    const copy = this.uvmAnalloc(amap.lock);
    const copyPage = copy === null ? NO_PAGE : yield* this.uvmPagealloc(null, asOffset(0), copy, 0);
    if (copy === null || copyPage === NO_PAGE) {
      yield* amap.lock.exit();
      if (copy !== null) this.uvmAnonFree(copy);
      yield* this.uvmWait('cownowpage');
      // Others may have changed the amap meanwhile: look at every slot once more.
      yield* amap.lock.enter();
      place = -1;
      continue;
    }
    this.uvmPagecopy(page, copyPage);
    anon.references--;
    kern.kassert(anon.references > 0, 'anon->an_ref > 0');
    amap.anons[slot] = copy;
    yield* this.pageqLock.enter();
    this.uvmPageactivate(copyPage);
    yield* this.pageqLock.exit();
    pages.clearFlags(copyPage, PG_BUSY | PG_FAKE);
    this.uvmPageOwn(copyPage, null);
  }
  yield* amap.lock.exit();
}

/** Splits a reference in two as an entry is clipped. `amap_splitref()`. => amap unlocked. @param left bytes that stay with `front` */
export function* amapSplitref(this: Uvm, front: MapEntry, tail: MapEntry, left: number): Step<void> {
  const amap = front.amap ?? this.kern.panic('amap_splitref: entry has no amap');
  const slots = left / PAGE_SIZE;
  this.kern.kassert(slots !== 0, 'leftslots != 0');
  yield* amap.lock.enter();
  this.kern.kassert(amap.slots - front.amapOffset - slots > 0, 'amap->am_nslot - origref->ar_pageoff - leftslots > 0');
  amap.establishPartial(front.amapOffset);
  amap.references++;
  tail.amapOffset = front.amapOffset + slots;
  yield* amap.lock.exit();
}

/**
 * Makes an entry's amap cover `bytes` more, behind the entry or before it. `amap_extend()`. => amap unlocked.
 *
 * @returns 0, or E2BIG when it would have to grow to `UVM_AMAP_LARGE` slots
 */
export function* amapExtend(this: Uvm, entry: MapEntry, bytes: number, direction: 'forwards' | 'backwards'): Step<Errno> {
  const amap = entry.amap ?? this.kern.panic('amap_extend: entry has no amap');
  const mapped = entry.size / PAGE_SIZE;
  const added = bytes / PAGE_SIZE;
  yield* amap.lock.enter();
  this.kern.kassert(amap.references === 1, 'amap_refs(amap) == 1');
  const needed = direction === 'forwards' ? entry.amapOffset + mapped + added : mapped + added;
  const fits = direction === 'backwards' && added <= entry.amapOffset;
  if (!fits && needed > amap.maxSlots && needed >= UVM_AMAP_LARGE) {
    yield* amap.lock.exit();
    return E2BIG;
  }
  if (direction === 'forwards') extendForwards(this, amap, entry.amapOffset + mapped, added);
  else extendBackwards(this, amap, entry, added);
  if (amap.slots > amap.maxSlots) amap.maxSlots = Math.ceil(amap.slots / 4) * 4;
  yield* amap.lock.exit();
  return 0;
}

function extendForwards(uvm: Uvm, amap: Amap, end: number, added: number): void {
  const newSlots = Math.max(0, end + added - amap.slots);
  uvm.amapPpAdjref(amap, end, added - newSlots, 1);
  amap.partial?.append(newSlots, 1);
  amap.slots += newSlots;
}

/** Uses the slots in front of the entry's part; what is missing is made by moving all slots up. */
function extendBackwards(uvm: Uvm, amap: Amap, entry: MapEntry, added: number): void {
  const shift = Math.max(0, added - entry.amapOffset);
  if (shift > 0) {
    const anons: (Anon | undefined)[] = [];
    const backPointer: number[] = [];
    amap.used.forEach((slot, place) => {
      anons[slot + shift] = amap.anons[slot];
      backPointer[slot + shift] = place;
      amap.used[place] = slot + shift;
    });
    amap.anons = anons;
    amap.backPointer = backPointer;
    amap.slots += shift;
    amap.partial?.prepend(shift, 0);
  }
  entry.amapOffset += shift - added;
  uvm.amapPpAdjref(amap, entry.amapOffset, added, 1);
}

/** Reduces the protection of all mappings of an entry's anons, in all address spaces. `amap_share_protect()`. => amap locked. */
export function amapShareProtect(this: Uvm, entry: MapEntry, protection: Protection): void {
  const amap = entry.amap ?? this.kern.panic('amap_share_protect: entry has no amap');
  for (const slot of amap.usedWithin(entry.amapOffset, entry.amapOffset + entry.size / PAGE_SIZE)) {
    const page = amap.at(slot)?.page ?? NO_PAGE;
    if (page !== NO_PAGE) this.machine.pmapPageProtect(page, protection);
  }
}
