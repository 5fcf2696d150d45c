/** UVM as the layers above see it. */
import type { Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { PAGE_SIZE, type Va } from '../machine/address.js';
import type { FileStore } from '../machine/file-store.js';
import type { Protection } from '../machine/protection.js';
import type {
  CleanOptions,
  MappingDescription,
  MapRequest,
  VmSpace,
  VmStatistics,
  VmSystem,
  Vnode,
  VnodeReferrer,
} from '../vm/system.js';
import type { MapEntry } from './map-entry.js';
import { PGO_CLEANIT, PGO_DEACTIVATE, PGO_FREE, PGO_SYNCIO } from './object.js';
import { NO_PAGE } from './page-array.js';
import { writeUvmPages, writeUvmState } from './state.js';
import type { Uvm } from './uvm.js';
import type { VmMap, Vmspace } from './vm-map.js';
import type { UvmVnode } from './vnode.js';

/** The contract, kept by UVM. */
export class UvmSystem implements VmSystem {
  readonly design = 'netbsd';
  readonly uvm: Uvm;

  constructor(uvm: Uvm) {
    this.uvm = uvm;
  }

  createSpace(range: { min: Va; max: Va }): VmSpace {
    return this.uvm.uvmspaceAlloc(range, { topdown: true });
  }

  shareSpace(space: VmSpace): Step<void> {
    return this.uvm.uvmspaceAddref(space as Vmspace);
  }

  releaseSpace(space: VmSpace): Step<void> {
    return this.uvm.uvmspaceFree(space as Vmspace);
  }

  forkSpace(space: VmSpace): Step<VmSpace> {
    return this.uvm.uvmspaceFork(space as Vmspace);
  }

  execSpace(space: VmSpace): Step<VmSpace> {
    return this.uvm.uvmspaceExec(space as Vmspace);
  }

  map(space: VmSpace, request: MapRequest): Step<Va | number> {
    return this.uvm.uvmMmap(mapOf(space), request);
  }

  mapData(space: VmSpace, start: Va, size: number): Step<Errno> {
    return this.uvm.uvmMapData(mapOf(space), start, size);
  }

  unmap(space: VmSpace, start: Va, end: Va): Step<void> {
    return this.uvm.uvmUnmap(mapOf(space), start, end);
  }

  protect(space: VmSpace, start: Va, end: Va, protection: Protection): Step<Errno> {
    return this.uvm.uvmMapProtect(mapOf(space), start, end, protection, { setMax: false });
  }

  inherit(space: VmSpace, start: Va, end: Va, inheritance: number): Step<Errno> {
    return this.uvm.uvmMapInherit(mapOf(space), start, end, inheritance);
  }

  advise(space: VmSpace, start: Va, end: Va, advice: number): Step<Errno> {
    return this.uvm.uvmMapAdvice(mapOf(space), start, end, advice);
  }

  willNeed(space: VmSpace, start: Va, end: Va): Step<Errno> {
    return this.uvm.uvmMapWillneed(mapOf(space), start, end);
  }

  clean(space: VmSpace, start: Va, end: Va, options: CleanOptions): Step<Errno> {
    const flags =
      (options.write ? PGO_CLEANIT : 0) |
      (options.wait ? PGO_SYNCIO : 0) |
      (options.free ? PGO_FREE : 0) |
      (options.deactivate ? PGO_DEACTIVATE : 0);
    return this.uvm.uvmMapClean(mapOf(space), start, end, flags);
  }

  remap(
    space: VmSpace,
    from: { start: Va; size: number },
    to: { near: Va; size: number; fixed: boolean; align: number },
  ): Step<Va | number> {
    return this.uvm.uvmMremap(mapOf(space), from, to);
  }

  residency(space: VmSpace, start: Va, end: Va): Step<Uint8Array | number> {
    return this.uvm.uvmMapResidency(mapOf(space), start, end);
  }

  *mappingAt(space: VmSpace, va: Va): Step<{ start: Va; end: Va } | null> {
    const map = mapOf(space);
    yield* this.uvm.vmMapLockRead(map);
    const entry = this.uvm.uvmMapLookupEntry(map, va);
    const found = entry.contains(va) ? { start: entry.start, end: entry.end } : null;
    yield* this.uvm.vmMapUnlockRead(map);
    return found;
  }

  describeSpace(space: VmSpace): MappingDescription[] {
    return mapOf(space)
      .entries()
      .map((entry) => describeMapping(mapOf(space), entry));
  }

  wire(space: VmSpace, start: Va, end: Va): Step<Errno> {
    return this.uvm.uvmMapPageable(mapOf(space), start, end, { wire: true });
  }

  unwire(space: VmSpace, start: Va, end: Va): Step<Errno> {
    return this.uvm.uvmMapPageable(mapOf(space), start, end, { wire: false });
  }

  wireAll(space: VmSpace, flags: number, limit: number): Step<Errno> {
    return this.uvm.uvmMapPageableAll(mapOf(space), flags, limit);
  }

  mayWire(pages: number): boolean {
    return pages + this.uvm.uvmexp.wired <= this.uvm.uvmexp.wiredmax;
  }

  fault(space: VmSpace, va: Va, access: Protection): Step<Errno> {
    return this.uvm.uvmFault(mapOf(space), va, access);
  }

  get vnodeReferrers(): VnodeReferrer[] {
    return this.uvm.vnodeReferrers;
  }

  createVnode(store: FileStore): Vnode {
    return this.uvm.uvmVnodeCreate(store);
  }

  referenceVnode(vnode: Vnode): Step<void> {
    return this.uvm.uvnReference(vnode as UvmVnode);
  }

  releaseVnode(vnode: Vnode): Step<void> {
    return this.uvm.uvnDetach(vnode as UvmVnode);
  }

  unlinkVnode(vnode: Vnode): void {
    (vnode as UvmVnode).unlinked = true;
  }

  readVnode(vnode: Vnode, offset: number, into: Uint8Array): Step<number> {
    return this.uvm.uvmVnodeRead(vnode as UvmVnode, offset, into);
  }

  writeVnode(vnode: Vnode, offset: number | 'append', from: Uint8Array): Step<number> {
    return this.uvm.uvmVnodeWrite(vnode as UvmVnode, offset, from);
  }

  truncateVnode(vnode: Vnode, size: number): Step<Errno> {
    return this.uvm.uvmVnodeTruncate(vnode as UvmVnode, size);
  }

  syncVnode(vnode: Vnode): Step<Errno> {
    return this.uvm.uvmVnodeSync(vnode as UvmVnode);
  }

  statistics(): VmStatistics {
    return { ...this.uvm.uvmexp };
  }

  writeState(writer: StateWriter): void {
    writeUvmState(this.uvm, writer);
  }

  writePages(writer: StateWriter): void {
    writeUvmPages(this.uvm, writer);
  }
}

/** The map of a space; all spaces that come here were made here. */
function mapOf(space: VmSpace): VmMap {
  return (space as Vmspace).map;
}

function describeMapping(map: VmMap, entry: MapEntry): MappingDescription {
  const { start, end, object, amap, amapOffset } = entry;
  let residentPages = 0;
  map.pmap.table.forEachIn(start / PAGE_SIZE, end / PAGE_SIZE, () => {
    residentPages++;
  });
  const slots = amap?.usedWithin(amapOffset, amapOffset + entry.size / PAGE_SIZE) ?? [];
  return {
    start,
    end,
    protection: entry.protection,
    maxProtection: entry.maxProtection,
    inheritance: entry.inheritance,
    advice: entry.advice,
    wiredCount: entry.wiredCount,
    copyOnWrite: entry.copyOnWrite,
    needsCopy: entry.needsCopy,
    object: object === null ? null : { id: object.id, kind: object.pagerName, label: object.label },
    offset: entry.offset,
    residentPages,
    anonymousPages: slots.filter((slot) => (amap?.at(slot)?.page ?? NO_PAGE) !== NO_PAGE).length,
  };
}
