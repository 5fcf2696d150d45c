/**
 * Vnodes as memory objects. `struct uvm_vnode` and `uvm_vnodeops`, sys/uvm/uvm_vnode.c.
 *
 *     entry.object = vnode ── pages in memory, by offset ── store: where the bytes rest
 *
 * Locks, the outer first: `lock` (a system call's), `nodeLock` (excludes truncation while pages are brought in), the object's lock.
 */
import type { Errno } from '../kern/errno.js';
import type { StepObject } from '../kern/lwp.js';
import type { Mutex } from '../kern/mutex.js';
import type { RwLock } from '../kern/rwlock.js';
import type { CondVar } from '../kern/sleepq.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { ByteOffset } from '../machine/address.js';
import type { FileStore } from '../machine/file-store.js';
import type { Vnode } from '../vm/system.js';
import { type GetRequest, UvmObject } from './object.js';
import type { Uvm } from './uvm.js';

/** A regular file with its pages. */
export class UvmVnode extends UvmObject implements Vnode, StepObject {
  readonly pagerName = 'vnode';
  readonly store: FileStore;
  /** `v_lock`: reading, writing and truncating through descriptors. */
  readonly vnodeLock: RwLock;
  /** `g_glock`: held for reading while pages are brought in, for writing while the size changes. */
  readonly nodeLock: RwLock;
  /** `v_cv`: waited on for `outputs` to become 0. With the object's lock. */
  readonly outputDone: CondVar;
  /** Bytes in the file. `v_size`. With the object's lock, and `nodeLock` to change it. */
  size: number;
  /** Bytes in the file once the write in progress is done. `v_writesize`. */
  writeSize: number;
  /** Whether pages may have been written since it was cleaned last: it is on the syncer's list. `VI_ONWORKLST`. */
  dirty = false;
  /** How often that was said. `g_dirtygen`. */
  dirtyGeneration = 0;
  /** Whether the file may have been changed since it was flushed last: what was written before it was opened counts too. */
  unflushed = true;
  /** Writes under way. `v_numoutput`. */
  outputs = 0;
  /** Whether it is or was mapped executable since someone began to use it. `VI_EXECMAP`. With the object's lock. */
  executable = false;
  /** Whether it has lost its name, and goes with the last reference. */
  unlinked = false;

  constructor(
    id: number,
    store: FileStore,
    parts: { objectLock: Mutex; vnodeLock: RwLock; nodeLock: RwLock; outputDone: CondVar },
  ) {
    super(id, parts.objectLock);
    this.store = store;
    this.vnodeLock = parts.vnodeLock;
    this.nodeLock = parts.nodeLock;
    this.outputDone = parts.outputDone;
    this.size = store.size;
    this.writeSize = store.size;
  }

  get label(): string {
    return this.store.name;
  }

  override writeState(writer: StateWriter, told: { generations: boolean } = { generations: true }): void {
    super.writeState(writer);
    writer.field('size', this.size);
    writer.field('writeSize', this.writeSize);
    writer.field('dirty', this.dirty);
    if (told.generations) writer.field('dirtyGeneration', this.dirtyGeneration);
    writer.field('unflushed', this.unflushed);
    writer.field('outputs', this.outputs);
    writer.field('executable', this.executable);
    writer.field('unlinked', this.unlinked);
    writer.thing('vnodeLock', this.vnodeLock);
    writer.thing('nodeLock', this.nodeLock);
    writer.thing('outputDone', this.outputDone);
    writer.field('storedSize', this.store.size);
    writer.told('stored', this.store, tellStore);
  }

  /** I/O that touches the bytes at rest can always go on. */
  admits(): boolean {
    return true;
  }

  get counter(): 'filepages' | 'execpages' {
    return this.executable ? 'execpages' : 'filepages';
  }

  /** A clean vnode must learn of the first store to one of its pages. `uvn_needs_writefault()`. */
  get needsWriteFault(): boolean {
    return !this.dirty;
  }

  /** Whether there is something that a loss of power would take. */
  get needsFlush(): boolean {
    return this.unflushed || this.store.size < this.size;
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

  readAhead(uvm: Uvm, offset: ByteOffset, length: number): void {
    uvm.uvmReadahead(this, offset, length);
  }
}

function tellStore(store: FileStore, writer: StateWriter): void {
  store.writeState?.(writer);
}
