/** UVM as the layers above see it. */
import type { Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { asOffset, PAGE_SIZE, type Pfn, type Va } from '../machine/address.js';
import type { FileStore } from '../machine/file-store.js';
import type { Protection } from '../machine/protection.js';
import type { AddressDescription } from '../vm/address-description.js';
import type {
  CleanOptions,
  FileAt,
  FileIoOptions,
  FilePosition,
  KernelLoan,
  MappedObject,
  MappedObjectUse,
  MappingDescription,
  MappingUse,
  MapRequest,
  MemoryFileSystem,
  PageTransfer,
  SharedMemory,
  SpaceAttacher,
  SwapDescription,
  SwapTarget,
  VmSpace,
  VmStatistics,
  VmSystem,
  Vnode,
  VnodeReferrer,
  Wiring,
} from '../vm/system.js';
import type { Uio } from '../vm/uio.js';
import { describeContent, describeTranslation } from './describe-address.js';
import type { UvmKernelLoan } from './loan/kernel-loan.js';
import type { MapEntry } from './map/map-entry.js';
import type { VmMap, Vmspace } from './map/vm-map.js';
import { UvmAobj } from './object/aobj.js';
import { PGO_CLEANIT, PGO_DEACTIVATE, PGO_FREE, PGO_SYNCIO, type UvmObject } from './object/object.js';
import { TmpfsMount } from './object/tmpfs-vnode.js';
import { NO_PAGE } from './page/page-array.js';
import { writeUvmPages, writeUvmState } from './state.js';
import { TransientWiring } from './transfer/transient-wiring.js';
import type { Uvm } from './uvm.js';
import { UvmFile } from './vnode/vnode.js';

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

  *mappings(space: VmSpace): Step<MappingUse[]> {
    const map = mapOf(space);
    yield* this.uvm.vmMapLockRead(map);
    const mappings = map.entries().map((entry) => ({ ...describeMapping(map, entry), object: describeUse(entry.object) }));
    yield* this.uvm.vmMapUnlockRead(map);
    return mappings;
  }

  describeSpace(space: VmSpace): MappingDescription[] {
    return mapOf(space)
      .entries()
      .map((entry) => describeMapping(mapOf(space), entry));
  }

  describeAddress(space: VmSpace, va: Va): AddressDescription {
    const map = mapOf(space);
    const below = map.tree.floor(va);
    const entry = below?.contains(va) === true ? below : null;
    return {
      address: va,
      mapping: entry === null ? null : describeMapping(map, entry),
      translation: describeTranslation(map, va),
      content: describeContent(map, entry, va),
    };
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

  *vslock(space: VmSpace, address: number, length: number, access: Protection): Step<Wiring | Errno> {
    const wiring = TransientWiring.ofBuffer(mapOf(space), address, length);
    const errno = yield* this.uvm.uvmVslock(space as Vmspace, address, length, access, wiring);
    return errno === 0 ? wiring : errno;
  }

  vsunlock(space: VmSpace, address: number, length: number, wiring: Wiring): Step<void> {
    return this.uvm.uvmVsunlock(space as Vmspace, address, length, wiring as TransientWiring);
  }

  mapFrames(frames: readonly Pfn[], protection: Protection): Va {
    return this.uvm.uvmMapFrames(frames, protection);
  }

  unmapFrames(start: Va, pages: number): void {
    this.uvm.uvmUnmapFrames(start, pages);
  }

  beginTransfer(transfer: PageTransfer): void {
    this.uvm.uvmTransferBegins(transfer);
  }

  endTransfer(transfer: PageTransfer, options: { moves: boolean }): void {
    this.uvm.uvmTransferEnds(transfer, options);
  }

  swapOn(target: SwapTarget, priority: number): Step<Errno> {
    return this.uvm.uvmSwapOn(target, priority);
  }

  swapOnAtBoot(target: SwapTarget, priority: number): Errno {
    // Nobody else knows the file yet.
    if (target.vnode !== null) (target.vnode as UvmFile).references++;
    return this.uvm.uvmSwapAdd(target, priority);
  }

  swapOff(target: SwapTarget): Step<Errno> {
    return this.uvm.uvmSwapOff(target);
  }

  swapPriority(target: SwapTarget, priority: number): Step<Errno> {
    return this.uvm.uvmSwapPriority(target, priority);
  }

  swapStatistics(): Step<SwapDescription[]> {
    return this.uvm.uvmSwapStats();
  }

  describeSwap(): SwapDescription[] {
    return this.uvm.swap.describe();
  }

  borrow(space: VmSpace, start: Va, end: Va): Step<KernelLoan | Errno> {
    return this.uvm.uvmKernelBorrow(mapOf(space), start, end);
  }

  readLoan(loan: KernelLoan, offset: number, into: Uint8Array): void {
    this.uvm.uvmKernelLoanRead(loan as UvmKernelLoan, offset, into);
  }

  returnLoan(loan: KernelLoan): Step<void> {
    return this.uvm.uvmKernelReturn(loan as UvmKernelLoan);
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
    return this.uvm.uvnReference(vnode as UvmFile);
  }

  releaseVnode(vnode: Vnode): Step<void> {
    return this.uvm.uvnDetach(vnode as UvmFile);
  }

  unlinkVnode(vnode: Vnode): void {
    (vnode as UvmFile).unlinked = true;
  }

  readVnode(vnode: Vnode, at: number | FilePosition, into: Uint8Array | Uio, options?: FileIoOptions): Step<number> {
    return this.uvm.uvmVnodeRead(vnode as UvmFile, at, into, options);
  }

  writeVnode(vnode: Vnode, at: FileAt, from: Uint8Array | Uio, options?: FileIoOptions): Step<number> {
    return (vnode as UvmFile).write(this.uvm, at, from, options);
  }

  readAheadVnode(vnode: Vnode, offset: number, length: number): void {
    (vnode as UvmFile).readAhead(this.uvm, asOffset(offset), length);
  }

  *releaseVnodePages(vnode: Vnode, start: number, end: number): Step<Errno> {
    const object = vnode as UvmFile;
    yield* object.lock.enter();
    return yield* object.put(this.uvm, asOffset(start), asOffset(end), PGO_DEACTIVATE | PGO_CLEANIT);
  }

  truncateVnode(vnode: Vnode, size: number): Step<Errno> {
    return (vnode as UvmFile).truncate(this.uvm, size);
  }

  syncVnode(vnode: Vnode): Step<Errno> {
    return (vnode as UvmFile).sync(this.uvm);
  }

  createMemoryFileSystem(limit: number): MemoryFileSystem {
    return new TmpfsMount(limit);
  }

  createMemoryFile(fileSystem: MemoryFileSystem, name: string): Step<Vnode> {
    return this.uvm.tmpfsAllocNode(fileSystem as TmpfsMount, name);
  }

  get attacher(): SpaceAttacher | null {
    return this.uvm.attacher;
  }

  set attacher(attacher: SpaceAttacher | null) {
    this.uvm.attacher = attacher;
  }

  createMemory(size: number, label: string): Step<SharedMemory> {
    return this.uvm.uaoCreate(size, label);
  }

  releaseMemory(memory: SharedMemory): Step<void> {
    return this.uvm.uaoDetach(memory as UvmAobj);
  }

  wireMemory(memory: SharedMemory): Step<Errno> {
    return this.uvm.uvmObjWirepages(memory as UvmAobj, asOffset(0), asOffset(memory.size));
  }

  unwireMemory(memory: SharedMemory): Step<void> {
    return this.uvm.uvmObjUnwirepages(memory as UvmAobj, asOffset(0), asOffset(memory.size));
  }

  attach(space: VmSpace, memory: SharedMemory, options: { at: Va; fixed: boolean; protection: Protection }): Step<Va | number> {
    return this.uvm.uaoAttach(mapOf(space), memory as UvmAobj, options);
  }

  get parameters(): Readonly<Record<string, number>> {
    return this.uvm.policy.settings;
  }

  setParameter(name: string, value: number): Errno {
    return this.uvm.policy.change(name, value);
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

function describeObject({ id, pagerName: kind, label }: UvmObject): MappedObject {
  return { id, kind, label };
}

function describeUse(object: UvmObject | null): MappedObjectUse | null {
  if (object === null) return null;
  const { references, pages } = object;
  const size = object instanceof UvmFile || object instanceof UvmAobj ? object.size : 0;
  return { ...describeObject(object), references, pages: pages.count, size };
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
    object: object === null ? null : describeObject(object),
    offset: entry.offset,
    residentPages,
    anonymousPages: slots.filter((slot) => (amap?.at(slot)?.page ?? NO_PAGE) !== NO_PAGE).length,
  };
}
