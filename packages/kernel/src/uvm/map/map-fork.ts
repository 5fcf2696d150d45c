/** Address spaces: making, sharing, forking, replacing and giving them up. sys/uvm/uvm_map.c. */
import type { Step } from '../../kern/switch.js';
import { asOffset, type Va } from '../../machine/address.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MAP_INHERIT_COPY, MAP_INHERIT_NONE, MAP_INHERIT_SHARE } from '../../vm/mman.js';
import { AMAP_COPY_NOCHUNK, AMAP_SHARED } from '../anon/amap.js';
import type { Uvm } from '../uvm.js';
import type { MapEntry } from './map-entry.js';
import { VM_MAP_DYING, VM_MAP_PAGEABLE, VM_MAP_TOPDOWN, VM_MAP_WIREFUTURE, type VmMap, Vmspace } from './vm-map.js';

/** Makes an empty address space. `uvmspace_alloc()`. */
export function uvmspaceAlloc(this: Uvm, range: { min: Va; max: Va }, options: { topdown: boolean }): Vmspace {
  const flags = VM_MAP_PAGEABLE | (options.topdown ? VM_MAP_TOPDOWN : 0);
  const map = this.uvmMapCreate(this.machine.pmapCreate(), range, flags);
  const space = new Vmspace(this.nextSpaceId++, map);
  this.spaces.add(space);
  return space;
}

/** Adds a process to those that share an address space, which only a vfork does. `uvmspace_addref()`. */
export function* uvmspaceAddref(this: Uvm, space: Vmspace): Step<void> {
  const { map } = space;
  this.kern.kassert((map.flags & VM_MAP_DYING) === 0, '(map->flags & VM_MAP_DYING) == 0');
  yield* map.miscLock.enter();
  this.kern.kassert(space.references > 0, 'vm->vm_refcnt > 0');
  space.references++;
  yield* map.miscLock.exit();
  this.uvmexp.forks++;
  this.uvmexp.forks_ppwait++;
  this.uvmexp.forks_sharevm++;
}

/** A process leaves an address space; the last one tears it down. `uvmspace_free()`. */
export function* uvmspaceFree(this: Uvm, space: Vmspace): Step<void> {
  const { map } = space;
  yield* map.miscLock.enter();
  space.references--;
  const left = space.references;
  yield* map.miscLock.exit();
  if (left > 0) return;

  map.flags |= VM_MAP_DYING;
  // Nobody runs in it any more, and nobody will.
  for (const cpu of this.machine.cpus) if (cpu.pmap === map.pmap) cpu.activate(null);
  if (this.attacher !== null) yield* this.attacher.emptied(space);
  yield* this.vmMapLock(map);
  const dead = yield* this.uvmUnmapRemove(map, map.min, map.max);
  yield* this.vmMapUnlock(map);
  yield* this.uvmUnmapDetach(dead);
  this.kern.kassert(map.entryCount === 0, 'map->nentries == 0');
  this.kern.kassert(map.size === 0, 'map->size == 0');
  this.machine.pmapDestroy(map.pmap);
  this.maps.delete(map);
  this.spaces.delete(space);
}

/**
 * Makes an address space ready for a new program: empties it if nobody shares it, else leaves it to the others and makes another.
 * `uvmspace_exec()`.
 *
 * @returns the space that the process has from now on
 */
export function* uvmspaceExec(this: Uvm, space: Vmspace): Step<Vmspace> {
  const { map } = space;
  if (space.references > 1) {
    const fresh = this.uvmspaceAlloc(map, { topdown: (map.flags & VM_MAP_TOPDOWN) !== 0 });
    yield* this.uvmspaceFree(space);
    return fresh;
  }
  if (this.attacher !== null) yield* this.attacher.emptied(space);
  // POSIX: that future mappings are to be wired ends with the program that asked for it.
  map.flags &= ~VM_MAP_WIREFUTURE;
  yield* this.uvmUnmap(map, map.min, map.max);
  this.kern.kassert(map.entryCount === 0, 'map->nentries == 0');
  return space;
}

/** Makes a child's address space out of its parent's. `uvmspace_fork()`. => parent's map unlocked; locked during the whole walk. */
export function* uvmspaceFork(this: Uvm, parent: Vmspace): Step<Vmspace> {
  const old = parent.map;
  yield* this.vmMapLock(old);
  const child = this.uvmspaceAlloc(old, { topdown: (old.flags & VM_MAP_TOPDOWN) !== 0 });
  // An entry may be split while it is prepared for sharing; the halves are visited one after the other.
  for (let entry = old.header.next; entry !== old.header; entry = entry.next) {
    this.kern.kassert(entry.submap === null, '!UVM_ET_ISSUBMAP(old_entry)');
    this.kern.kassert(entry.copyOnWrite || !entry.needsCopy, 'UVM_ET_ISCOPYONWRITE(old_entry) || !UVM_ET_ISNEEDSCOPY(old_entry)');
    if (entry.inheritance === MAP_INHERIT_SHARE) yield* this.uvmMapentForkshared(child.map, old, entry);
    else if (entry.inheritance === MAP_INHERIT_COPY) yield* this.uvmMapentForkcopy(child.map, old, entry);
    else if (entry.inheritance !== MAP_INHERIT_NONE) this.uvmMapentForkzero(child.map, entry);
  }
  this.machine.pmapUpdate(old.pmap);
  yield* this.vmMapUnlock(old);
  if (this.attacher !== null) yield* this.attacher.forked(parent, child);
  this.uvmexp.forks++;
  return child;
}

/** The child shares an entry with its parent. `uvm_mapent_forkshared()`. => both maps the caller's alone. */
export function* uvmMapentForkshared(this: Uvm, map: VmMap, old: VmMap, entry: MapEntry): Step<void> {
  // What is to be shared must be the parent's own, and not a part of somebody else's that is yet to be copied.
  if (entry.needsCopy) yield* this.amapCopy(old, entry, AMAP_COPY_NOCHUNK, entry.start, entry.end);
  const copy = this.uvmMapentAlloc(entry.start, entry.end);
  copy.copyFrom(entry);
  copy.wiredCount = 0;
  if (copy.amap !== null) yield* this.amapRef(copy, AMAP_SHARED);
  if (copy.object !== null) yield* copy.object.reference(this);
  linkLast(this, map, copy);
}

/** The child gets a copy of an entry, made page by page when either writes. `uvm_mapent_forkcopy()`. => both maps the caller's alone. */
export function* uvmMapentForkcopy(this: Uvm, map: VmMap, old: VmMap, entry: MapEntry): Step<void> {
  const wired = entry.wiredCount > 0;
  const copy = this.uvmMapentAlloc(entry.start, entry.end);
  copy.copyFrom(entry);
  if (copy.amap !== null) yield* this.amapRef(copy, 0);
  if (copy.object !== null) yield* copy.object.reference(this);
  copy.wiredCount = 0;
  copy.copyOnWrite = true;
  copy.needsCopy = true;
  linkLast(this, map, copy);

  // The parent goes on sharing an amap with those it shares it with, so it cannot leave the amap to the child and copy it when it
  // writes: the child's copy is made now. Nor may wired memory become read-only, so there even the pages are copied now.
  const shared = entry.amap !== null && (entry.amap.flags & AMAP_SHARED) !== 0;
  if (entry.amap !== null && (shared || wired)) {
    yield* this.amapCopy(map, copy, AMAP_COPY_NOCHUNK, copy.start, copy.end);
  }
  if (wired) {
    yield* this.amapCowNow(old, copy);
    return;
  }
  if (entry.amap === null || entry.needsCopy) return;
  if (shared) {
    // Whoever of those who share it writes first puts a new page in the place of the one that the child has too. NetBSD has the
    // parent copy the amap, and so leave the others: docs/decisions/0006-departures.md.
    yield* entry.amap.lock.enter();
    this.amapShareProtect(entry, PROT_READ | PROT_EXEC);
    yield* entry.amap.lock.exit();
    return;
  }
  if (entry.maxProtection & PROT_WRITE) {
    yield* entry.amap.lock.enter();
    this.machine.pmapProtect(old.pmap, entry.start, entry.end, entry.protection & ~PROT_WRITE);
    yield* entry.amap.lock.exit();
  }
  entry.needsCopy = true;
  // Anonymous memory that was mapped shared, and then told to be inherited by copy, is not copy-on-write yet; an entry that needs
  // a copy must be, or the next fork finds it inconsistent. NetBSD leaves the flag off here: docs/decisions/0006-departures.md.
  entry.copyOnWrite = true;
}

/** The child gets zeros in the place of an entry. `uvm_mapent_forkzero()`. => child's map the caller's alone. */
export function uvmMapentForkzero(this: Uvm, map: VmMap, entry: MapEntry): void {
  const copy = this.uvmMapentAlloc(entry.start, entry.end);
  copy.copyFrom(entry);
  copy.wiredCount = 0;
  copy.copyOnWrite = true;
  copy.needsCopy = true;
  copy.amap = null;
  copy.amapOffset = 0;
  copy.object = null;
  copy.offset = asOffset(0);
  linkLast(this, map, copy);
}

function linkLast(uvm: Uvm, map: VmMap, entry: MapEntry): void {
  const last = map.header.prev;
  uvm.uvmMapEntryLink(map, last, entry);
  map.size += entry.size;
  if (map.firstFree === last && last.end >= entry.start) map.firstFree = entry;
}
