/**
 * What a virtual memory system is to the layers above it. UVM implements it, and FreeBSD's VM will; system calls, devices and
 * embedders speak to nothing else.
 *
 * Locks: nothing is locked when one of these is called, and nothing on return. All of them may sleep unless they say otherwise.
 * Errors are errno values; where an address or a count is the answer, an error is minus its errno.
 */
import type { Errno } from '../kern/errno.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { asPfn, type Pfn, type Va } from '../machine/address.js';
import type { BlockDevice } from '../machine/disk.js';
import type { FileStore } from '../machine/file-store.js';
import type { Pmap } from '../machine/pmap.js';
import type { Protection } from '../machine/protection.js';
import type { AddressDescription } from './address-description.js';
import type { Uio } from './uio.js';

/** Pages that are wired for the time being, as whoever had them wired knows them. */
export interface Wiring extends Stateful {
  /** The frame that was wired for each page of the buffer; `NO_FRAME` where there is none, or none any more. */
  readonly frames: readonly Pfn[];
}

/** An address space. */
export interface VmSpace {
  /** For people: `vmspace 3`. */
  readonly label: string;
  readonly pmap: Pmap;
  /** Lowest address that can be mapped. */
  readonly min: Va;
  /** First address behind the last that can be mapped. */
  readonly max: Va;
  /** Bytes mapped. */
  readonly size: number;
  /** Whether addresses are given out from the top. */
  readonly topdown: boolean;
}

/** A regular file as memory: its pages, shared by all who map it, read it or write it. */
export interface Vnode {
  /** Unique among memory objects. */
  readonly id: number;
  /** What it is called in listings. */
  readonly label: string;
  /** Bytes in the file. */
  readonly size: number;
  /** Where its bytes rest; null for a file that is memory and nothing else. */
  readonly store: FileStore | null;
  /** Whether it can be written to. */
  readonly writable: boolean;
}

/** Where an open file stands: the next transfer begins there, and moves it. */
export interface FilePosition {
  offset: number;
  /** Whether writing begins at the end of the file instead. `O_APPEND` */
  readonly append: boolean;
}

/** Where in a file writing begins: at an offset, at the end, or where an open file stands. Looked at once the file is locked. */
export type FileAt = number | 'append' | FilePosition;

/** How a file is read or written. */
export interface FileIoOptions {
  /** How it will be read: `MADV_NORMAL`, `MADV_RANDOM` or `MADV_SEQUENTIAL`. Default `MADV_NORMAL`. */
  readonly advice?: number;
  /** Whether the file's pages are to be passed by where that can be done: `O_DIRECT`. */
  readonly direct?: boolean;
}

/** Memory that exists apart from any space and any file, to be shared: an anonymous object. It reads as zeros at first. */
export interface SharedMemory {
  /** Unique among memory objects. */
  readonly id: number;
  /** Bytes in it, whole pages. */
  readonly size: number;
}

/** A file system whose files are memory and nothing else, until it is mounted and when it is. */
export interface MemoryFileSystem extends Stateful {
  /** Bytes that its files may have together. */
  readonly limit: number;
  /** Bytes that they have, holes included; in whole pages. */
  readonly bytesUsed: number;
}

/** Who attaches memory to spaces on its own account, and is told what becomes of the spaces. `uvm_shmfork`, `uvm_shmexit` */
export interface SpaceAttacher {
  /** A child's space has been made out of its parent's. */
  forked(parent: VmSpace, child: VmSpace): Step<void>;
  /** A space is about to be emptied, for good or for another program. */
  emptied(space: VmSpace): Step<void>;
}

/** Someone who holds references to vnodes or shared memory, and can say how many, for the audit. */
export interface VnodeReferrer {
  heldReferences(object: Vnode | SharedMemory): number;
}

/** A device that has memory which can be mapped. */
export interface MappableDevice {
  readonly name: string;
  /** The frame behind an offset in bytes, -1 when it must not be mapped for that access. `d_mmap`. */
  mmap(offset: number, access: Protection): Pfn | -1;
}

/** A frame that is none: where an address led nowhere. */
export const NO_FRAME = asPfn(-1);

/** Bytes that a device moves out of the memory of a program, or into it, by physical address: DMA. */
export interface PageTransfer {
  /** For people: `st0 read of 4096 bytes`. */
  readonly label: string;
  readonly space: VmSpace;
  /** The first of the pages that the program meant. */
  readonly start: Va;
  /** The frames that the device was given for them, in their order; `NO_FRAME` for none. */
  readonly frames: readonly Pfn[];
}

/** Something that can be swapped to: a file or a disk, and the name by which it was found. */
export type SwapTarget =
  | { readonly path: string; readonly vnode: Vnode; readonly disk: null }
  | { readonly path: string; readonly vnode: null; readonly disk: BlockDevice };

/** Something that is swapped to. Counts in pages. */
export interface SwapDescription {
  readonly path: string;
  /** The lower, the sooner it is used. */
  readonly priority: number;
  /** Whether pages are written to it: not while all that it has is brought in. */
  readonly enabled: boolean;
  readonly pages: number;
  /** Those in use, the bad ones among them. */
  readonly inUse: number;
  /** Those that are never used again, since they could not be read or written. */
  readonly bad: number;
}

/** Pages of a space that the kernel has borrowed and mapped: it reads what was in them then, whatever is stored there meanwhile. */
export interface KernelLoan {
  /** Bytes, whole pages. */
  readonly size: number;
}

/** A mapping that is asked for. */
export interface MapRequest {
  /** Where to with `MAP_FIXED`, near which address without. */
  readonly hint: Va;
  /** Bytes, whole pages; 0 maps nothing and succeeds. */
  readonly size: number;
  readonly protection: Protection;
  /** The most that may ever be allowed. */
  readonly maxProtection: Protection;
  /** `MAP_*` */
  readonly flags: number;
  /** The file, null for a device or anonymous memory. The caller keeps its reference. */
  readonly vnode: Vnode | null;
  /** The device, if it is one: shared, always. */
  readonly device?: MappableDevice | null;
  /** Where in the file, in bytes; whole pages. */
  readonly offset: number;
  /** `MADV_NORMAL`, `MADV_RANDOM` or `MADV_SEQUENTIAL` */
  readonly advice: number;
  /** Bytes the space may have mapped. `RLIMIT_AS`. */
  readonly sizeLimit: number;
  /** Bytes the process may have wired. `RLIMIT_MEMLOCK`. */
  readonly wireLimit: number;
}

/** How pages of a range are to be cleaned. */
export interface CleanOptions {
  /** Write dirty pages of files back, and wait for it with `wait`. */
  readonly write?: boolean;
  readonly wait?: boolean;
  /** Free the pages: of files after they are written, of anonymous memory with what is in them. */
  readonly free?: boolean;
  /** Make them the first to be paged out. */
  readonly deactivate?: boolean;
}

/** What is mapped somewhere. */
export interface MappedObject {
  readonly id: number;
  /** Which pager: `vnode` for a file. */
  readonly kind: string;
  readonly label: string;
}

/** The same with what others may be changing meanwhile. */
export interface MappedObjectUse extends MappedObject {
  /** Who refers to it: mappings, descriptors. */
  readonly references: number;
  /** Pages of it that are in RAM. */
  readonly pages: number;
  /** Bytes of a file or of shared memory; 0 of what has no size of its own. */
  readonly size: number;
}

/** A mapping of a space, as listings show it. Addresses and offsets in bytes, counts in pages. */
export interface MappingDescription {
  readonly start: number;
  readonly end: number;
  readonly protection: Protection;
  readonly maxProtection: Protection;
  /** What a child gets: `MAP_INHERIT_*`. */
  readonly inheritance: number;
  /** How the range will be used: `MADV_*`. */
  readonly advice: number;
  /** How often it is wired. */
  readonly wiredCount: number;
  /** Whether writes go to memory of the space's own: a private mapping. */
  readonly copyOnWrite: boolean;
  /** Whether that memory has yet to be made, or is shared until the first write. */
  readonly needsCopy: boolean;
  /** What is mapped there; null for anonymous memory. */
  readonly object: MappedObject | null;
  /** Where in the object it begins. */
  readonly offset: number;
  /** Pages that the page table maps now. */
  readonly residentPages: number;
  /** Pages of anonymous memory it has in RAM, mapped or not. */
  readonly anonymousPages: number;
}

/** A mapping of a space, as a thread of the kernel sees it that asks for it. */
export interface MappingUse extends MappingDescription {
  readonly object: MappedObjectUse | null;
}

/** What `vmstat -s` counts, under the names that the system itself uses. */
export type VmStatistics = Readonly<Record<string, number>>;

/** A virtual memory system. */
export interface VmSystem {
  /** Which one it is. */
  readonly design: 'netbsd' | 'freebsd';

  /** Makes an empty address space. Does not sleep. */
  createSpace(range: { min: Va; max: Va }): VmSpace;
  /** Adds a process to those that share a space. */
  shareSpace(space: VmSpace): Step<void>;
  /** A process leaves a space; the last one tears it down. */
  releaseSpace(space: VmSpace): Step<void>;
  /** Makes a child's space out of its parent's, as the entries say what is inherited. */
  forkSpace(space: VmSpace): Step<VmSpace>;
  /** Makes a space ready for a new program; answers the one to use from now on. */
  execSpace(space: VmSpace): Step<VmSpace>;

  /** Maps a file or anonymous memory; answers the address. */
  map(space: VmSpace, request: MapRequest): Step<Va | number>;
  /** Maps anonymous memory that is about to grow upwards, at this address: a data segment. */
  mapData(space: VmSpace, start: Va, size: number): Step<Errno>;
  unmap(space: VmSpace, start: Va, end: Va): Step<void>;
  protect(space: VmSpace, start: Va, end: Va, protection: Protection): Step<Errno>;
  inherit(space: VmSpace, start: Va, end: Va, inheritance: number): Step<Errno>;
  advise(space: VmSpace, start: Va, end: Va, advice: number): Step<Errno>;
  /** Starts to bring a range in. */
  willNeed(space: VmSpace, start: Va, end: Va): Step<Errno>;
  clean(space: VmSpace, start: Va, end: Va, options: CleanOptions): Step<Errno>;
  /** Moves or resizes a mapping; answers the new address. `fixed`: where to; else `near` is where to look for room. */
  remap(
    space: VmSpace,
    from: { start: Va; size: number },
    to: { near: Va; size: number; fixed: boolean; align: number },
  ): Step<Va | number>;
  /** For each page of a range 1 when it is in memory, else 0; or minus ENOMEM when part of it is not mapped. */
  residency(space: VmSpace, start: Va, end: Va): Step<Uint8Array | number>;
  /** The mapping that holds an address, null when there is none. */
  mappingAt(space: VmSpace, va: Va): Step<{ start: Va; end: Va } | null>;
  /** All mappings of a space, by address, for a thread that asks: with the space locked. */
  mappings(space: VmSpace): Step<MappingUse[]>;

  /** All mappings of a space, by address. Looks only: takes no lock, does not sleep. */
  describeSpace(space: VmSpace): MappingDescription[];
  /** What an address means, and where its bytes are. Looks only, as `describeSpace`. */
  describeAddress(space: VmSpace, va: Va): AddressDescription;

  wire(space: VmSpace, start: Va, end: Va): Step<Errno>;
  unwire(space: VmSpace, start: Va, end: Va): Step<Errno>;
  /** Wires everything, now or from now on (`MCL_*`); 0 unwires everything. @param limit bytes, infinite for none */
  wireAll(space: VmSpace, flags: number, limit: number): Step<Errno>;
  /** Whether so many more pages may be wired in the whole system. Does not sleep. */
  mayWire(pages: number): boolean;

  /**
   * Wires the pages of a buffer while a device uses them; answers what was wired, or the error of the fault that could not be resolved.
   *
   * @param access `PROT_WRITE` when they will be written to, else `PROT_READ`
   */
  vslock(space: VmSpace, address: number, length: number, access: Protection): Step<Wiring | Errno>;
  /** Unwires the pages of a buffer: by address, where the system goes by that, or those that were wired. */
  vsunlock(space: VmSpace, address: number, length: number, wiring: Wiring): Step<void>;
  /** Maps frames into the kernel's space, one behind the other; answers where. Does not sleep. */
  mapFrames(frames: readonly Pfn[], protection: Protection): Va;
  /** Unmaps what `mapFrames` has mapped there. Does not sleep. */
  unmapFrames(start: Va, pages: number): void;
  /** A device was told to move bytes: whose pages these are is noted, for the audit. Does not sleep. */
  beginTransfer(transfer: PageTransfer): void;
  /** It is over. With `moves`, the device moves the bytes at this moment. Does not sleep. */
  endTransfer(transfer: PageTransfer, options: { moves: boolean }): void;

  /**
   * Begins to swap to something.
   *
   * @returns 0; EBUSY when it is swapped to already; ENXIO when it cannot be; EROFS when it must not be written; EINVAL when no page fits
   */
  swapOn(target: SwapTarget, priority: number): Step<Errno>;
  /** As `swapOn`, at boot. Does not sleep. */
  swapOnAtBoot(target: SwapTarget, priority: number): Errno;
  /** Brings all pages of something in, and swaps to it no longer. @returns 0; ENXIO when it is not swapped to; ENOMEM; EBUSY */
  swapOff(target: SwapTarget): Step<Errno>;
  /** Gives something that is swapped to another priority. @returns 0; ENOENT when it is not swapped to */
  swapPriority(target: SwapTarget, priority: number): Step<Errno>;
  /** What is swapped to, in the order in which it is used. */
  swapStatistics(): Step<SwapDescription[]>;
  /** The same. Looks only: takes no lock, does not sleep. */
  describeSwap(): SwapDescription[];

  /** Lends the pages of a range to the kernel; an errno when some of them cannot be lent: they have to be copied. */
  borrow(space: VmSpace, start: Va, end: Va): Step<KernelLoan | Errno>;
  /** Copies bytes out of borrowed pages, from an offset in the first of them on. Does not sleep. */
  readLoan(loan: KernelLoan, offset: number, into: Uint8Array): void;
  /** Gives borrowed pages back. */
  returnLoan(loan: KernelLoan): Step<void>;

  /** Resolves a fault. @param access one of `PROT_READ`, `PROT_WRITE`, `PROT_EXEC` */
  fault(space: VmSpace, va: Va, access: Protection): Step<Errno>;

  /** Who holds references to vnodes besides the mappings. */
  readonly vnodeReferrers: VnodeReferrer[];
  /** Makes a file into memory; the caller has the first reference. Does not sleep. */
  createVnode(store: FileStore): Vnode;
  referenceVnode(vnode: Vnode): Step<void>;
  releaseVnode(vnode: Vnode): Step<void>;
  /** The file has lost its name: with the last reference, its pages go too. Does not sleep. */
  unlinkVnode(vnode: Vnode): void;
  /** Reads; answers the number of bytes, 0 at the end of the file. The memory may be a program's: faults on it are resolved. */
  readVnode(vnode: Vnode, at: number | FilePosition, into: Uint8Array | Uio, options?: FileIoOptions): Step<number>;
  /** Writes; answers the number of bytes. */
  writeVnode(vnode: Vnode, at: FileAt, from: Uint8Array | Uio, options?: FileIoOptions): Step<number>;
  /** Starts to bring in a part of a file. Does not sleep. */
  readAheadVnode(vnode: Vnode, offset: number, length: number): void;
  /** Writes back the whole pages of a part of a file, and makes them the first to be paged out. */
  releaseVnodePages(vnode: Vnode, start: number, end: number): Step<Errno>;
  truncateVnode(vnode: Vnode, size: number): Step<Errno>;
  syncVnode(vnode: Vnode): Step<Errno>;

  /** Makes a file system whose files are memory; `limit` in bytes, infinite for as much as there is. Does not sleep. */
  createMemoryFileSystem(limit: number): MemoryFileSystem;
  /** Makes an empty file on one; the caller has the first reference. */
  createMemoryFile(fileSystem: MemoryFileSystem, name: string): Step<Vnode>;

  /** Who attaches memory to spaces. */
  attacher: SpaceAttacher | null;
  /** Makes memory of so many bytes; the caller has the first reference. */
  createMemory(size: number, label: string): Step<SharedMemory>;
  releaseMemory(memory: SharedMemory): Step<void>;
  /** Has all of it in memory, and keeps it there, whoever maps it. */
  wireMemory(memory: SharedMemory): Step<Errno>;
  unwireMemory(memory: SharedMemory): Step<void>;
  /**
   * Maps all of it, for children to share; answers the address. Neither its rights nor those of children can be raised later.
   *
   * @param options.at where to with `fixed`, near which address without
   */
  attach(space: VmSpace, memory: SharedMemory, options: { at: Va; fixed: boolean; protection: Protection }): Step<Va | number>;

  /** What can be set while it runs, by name: percentages of memory for each use. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Sets one of these. Does not sleep. @returns 0, or EINVAL when it cannot be that */
  setParameter(name: string, value: number): Errno;
  /** What is counted. Does not sleep. */
  statistics(): VmStatistics;
  /** Tells its state (D11). Does not sleep. */
  writeState(writer: StateWriter): void;
}
