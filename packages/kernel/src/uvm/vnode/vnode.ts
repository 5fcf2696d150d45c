/**
 * Vnodes as memory objects. `struct uvm_vnode` and `uvm_vnodeops`, sys/uvm/uvm_vnode.c.
 *
 *     entry.object = vnode ── pages in memory, by offset ── store: where the bytes rest
 *
 * A file of tmpfs is one too, and has its pages elsewhere: `tmpfs-vnode.ts`.
 *
 * Locks, the outer first: `lock` (a system call's), `nodeLock` (excludes truncation while pages are brought in), the object's lock.
 */
import type { Errno } from '../../kern/errno.js';
import type { StepObject } from '../../kern/lwp.js';
import type { Mutex } from '../../kern/mutex.js';
import type { RwLock } from '../../kern/rwlock.js';
import type { CondVar } from '../../kern/sleepq.js';
import type { StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import type { ByteOffset } from '../../machine/address.js';
import type { FileStore } from '../../machine/file-store.js';
import type { FileAt, FileIoOptions, Vnode } from '../../vm/system.js';
import type { Uio } from '../../vm/uio.js';
import { type GetRequest, UvmObject } from '../object/object.js';
import type { Uvm } from '../uvm.js';
import { ReadaheadContext } from './readahead.js';

/** What every file has, of whatever file system: its size, its locks, and the operations of vnodes that memory has to do with. */
export abstract class UvmFile extends UvmObject implements Vnode {
  readonly pagerName = 'vnode';
  /** `v_lock`: reading, writing and truncating through descriptors. */
  readonly vnodeLock: RwLock;
  /** `g_glock`: held for reading while pages are brought in, for writing while the size changes. */
  readonly nodeLock: RwLock;
  /** Bytes in the file. `v_size`. With the object's lock, and `nodeLock` to change it. */
  size: number;
  /** Bytes in the file once the write in progress is done. `v_writesize`. */
  writeSize: number;
  /** Whether it is or was mapped executable since someone began to use it. `VI_EXECMAP`. With the object's lock. */
  executable = false;
  /** Whether it is or was mapped: then a fault may want any page of it. `VV_MAPPED`. With `vnodeLock`. */
  mapped = false;
  /** Whether it has lost its name, and goes with the last reference. */
  unlinked = false;

  protected constructor(id: number, size: number, parts: { objectLock: Mutex; vnodeLock: RwLock; nodeLock: RwLock }) {
    super(id, parts.objectLock);
    this.vnodeLock = parts.vnodeLock;
    this.nodeLock = parts.nodeLock;
    this.size = size;
    this.writeSize = size;
  }

  abstract readonly store: FileStore | null;

  abstract readonly writable: boolean;

  /** Brings pages in. `VOP_GETPAGES()`. => as `UvmObject.get` */
  abstract getpages(uvm: Uvm, request: GetRequest): Step<Errno>;

  /** Writes back, deactivates or frees pages. `VOP_PUTPAGES()`. => as `UvmObject.put` */
  abstract putpages(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno>;

  /** Writes; answers the number of bytes, or minus an errno. `VOP_WRITE()` => nothing locked */
  abstract write(uvm: Uvm, at: FileAt, from: Uint8Array | Uio, options?: FileIoOptions): Step<number>;

  /** Cuts the file or extends it. `VOP_SETATTR()` with a size. => nothing locked */
  abstract truncate(uvm: Uvm, size: number): Step<Errno>;

  /** Makes everything durable. `VOP_FSYNC()` => nothing locked */
  abstract sync(uvm: Uvm): Step<Errno>;

  /** Makes room for a range that is about to be written. `GOP_ALLOC()` */
  abstract allocate(offset: number, length: number): Errno;

  /** Gives back what the file system has of a file that nobody can reach any more. `VOP_RECLAIM()` => no page is left */
  abstract reclaim(uvm: Uvm): Step<void>;

  override writeState(writer: StateWriter): void {
    super.writeState(writer);
    writer.field('size', this.size);
    writer.field('writeSize', this.writeSize);
    writer.field('executable', this.executable);
    writer.field('mapped', this.mapped);
    writer.field('unlinked', this.unlinked);
    writer.thing('vnodeLock', this.vnodeLock);
    writer.thing('nodeLock', this.nodeLock);
  }

  /** Where a transfer begins. => `vnodeLock` held */
  startOf(at: FileAt): number {
    if (at === 'append') return this.size;
    if (typeof at === 'number') return at;
    return at.append ? this.size : at.offset;
  }

  get counter(): 'filepages' | 'execpages' {
    return this.executable ? 'execpages' : 'filepages';
  }

  reference(uvm: Uvm): Step<void> {
    return uvm.uvnReference(this);
  }

  detach(uvm: Uvm): Step<void> {
    return uvm.uvnDetach(this);
  }

  get(uvm: Uvm, request: GetRequest): Step<Errno> {
    return uvm.uvnGet(this, request);
  }

  put(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
    return uvm.uvnPut(this, start, end, flags);
  }
}

/** A file of a file system that keeps the bytes elsewhere, through `genfs.ts`. Its pages are its own. */
export class UvmVnode extends UvmFile implements StepObject {
  readonly store: FileStore;
  /** `v_cv`: waited on for `outputs` to become 0. With the object's lock. */
  readonly outputDone: CondVar;
  /** Whether pages may have been written since it was cleaned last: it is on the syncer's list. `VI_ONWORKLST`. */
  dirty = false;
  /** How often that was said. `g_dirtygen`. */
  dirtyGeneration = 0;
  /** Whether the file may have been changed since it was flushed last: what was written before it was opened counts too. */
  unflushed = true;
  /** Writes under way. `v_numoutput`. */
  outputs = 0;
  /** How it has been read so far. `v_ractx` */
  readonly raContext = new ReadaheadContext();

  constructor(
    id: number,
    store: FileStore,
    parts: { objectLock: Mutex; vnodeLock: RwLock; nodeLock: RwLock; outputDone: CondVar },
  ) {
    super(id, store.size, parts);
    this.store = store;
    this.outputDone = parts.outputDone;
  }

  get label(): string {
    return this.store.name;
  }

  get writable(): boolean {
    return this.store.writable;
  }

  override writeState(writer: StateWriter, told: { generations: boolean } = { generations: true }): void {
    super.writeState(writer);
    writer.field('dirty', this.dirty);
    if (told.generations) writer.field('dirtyGeneration', this.dirtyGeneration);
    writer.field('unflushed', this.unflushed);
    writer.field('outputs', this.outputs);
    writer.thing('outputDone', this.outputDone);
    writer.part('raContext', (part) => this.raContext.writeState(part));
    writer.field('storedSize', this.store.size);
    writer.told('stored', this.store, tellStore);
  }

  /** I/O that touches the bytes at rest can always go on. */
  admits(): boolean {
    return true;
  }

  /** A clean vnode must learn of the first store to one of its pages. `uvn_needs_writefault()`. */
  get needsWriteFault(): boolean {
    return !this.dirty;
  }

  /** Whether there is something that a loss of power would take. */
  get needsFlush(): boolean {
    return this.unflushed || this.store.size < this.size;
  }

  getpages(uvm: Uvm, request: GetRequest): Step<Errno> {
    return uvm.genfsGetpages(this, request);
  }

  putpages(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
    return uvm.genfsPutpages(this, start, end, flags);
  }

  write(uvm: Uvm, at: FileAt, from: Uint8Array | Uio, options?: FileIoOptions): Step<number> {
    return uvm.uvmVnodeWrite(this, at, from, options);
  }

  truncate(uvm: Uvm, size: number): Step<Errno> {
    return uvm.uvmVnodeTruncate(this, size);
  }

  sync(uvm: Uvm): Step<Errno> {
    return uvm.uvmVnodeSync(this);
  }

  allocate(offset: number, length: number): Errno {
    return this.store.allocate(offset, length);
  }

  *reclaim(_uvm: Uvm): Step<void> {}

  readAhead(uvm: Uvm, offset: ByteOffset, length: number): void {
    uvm.uvmReadahead(this, offset, length);
  }
}

function tellStore(store: FileStore, writer: StateWriter): void {
  store.writeState?.(writer);
}
