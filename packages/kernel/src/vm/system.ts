/**
 * What a virtual memory system is to the layers above it. UVM implements it, and FreeBSD's VM will; system calls, devices and
 * embedders speak to nothing else.
 *
 * Locks: nothing is locked when one of these is called, and nothing on return. All of them may sleep unless they say otherwise.
 * Errors are errno values; where an address or a count is the answer, an error is minus its errno.
 */
import type { Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { Va } from '../machine/address.js';
import type { FileStore } from '../machine/file-store.js';
import type { Pmap } from '../machine/pmap.js';
import type { Protection } from '../machine/protection.js';

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
  /** Bytes in the file. */
  readonly size: number;
  readonly store: FileStore;
}

/** Someone who holds references to vnodes, and can say how many, for the audit. */
export interface VnodeReferrer {
  heldReferences(vnode: Vnode): number;
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
  /** The file, null for anonymous memory. The caller keeps its reference. */
  readonly vnode: Vnode | null;
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
  /** What is mapped there; null for anonymous memory. `kind`: which pager, `vnode` for a file. */
  readonly object: { readonly id: number; readonly kind: string; readonly label: string } | null;
  /** Where in the object it begins. */
  readonly offset: number;
  /** Pages that the page table maps now. */
  readonly residentPages: number;
  /** Pages of anonymous memory it has in RAM, mapped or not. */
  readonly anonymousPages: number;
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

  /** All mappings of a space, by address. Looks only: takes no lock, does not sleep. */
  describeSpace(space: VmSpace): MappingDescription[];

  wire(space: VmSpace, start: Va, end: Va): Step<Errno>;
  unwire(space: VmSpace, start: Va, end: Va): Step<Errno>;
  /** Wires everything, now or from now on (`MCL_*`); 0 unwires everything. @param limit bytes, infinite for none */
  wireAll(space: VmSpace, flags: number, limit: number): Step<Errno>;
  /** Whether so many more pages may be wired in the whole system. Does not sleep. */
  mayWire(pages: number): boolean;

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
  /** Reads; answers the number of bytes, 0 at the end of the file. */
  readVnode(vnode: Vnode, offset: number, into: Uint8Array): Step<number>;
  /** Writes; answers the number of bytes. */
  writeVnode(vnode: Vnode, offset: number | 'append', from: Uint8Array): Step<number>;
  truncateVnode(vnode: Vnode, size: number): Step<Errno>;
  syncVnode(vnode: Vnode): Step<Errno>;

  /** What is counted. Does not sleep. */
  statistics(): VmStatistics;
  /** Tells its state (D11). Does not sleep. */
  writeState(writer: StateWriter): void;
}
