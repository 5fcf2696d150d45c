/**
 * Files that are memory and nothing else: tmpfs. sys/fs/tmpfs.
 *
 *     entry.object = vnode ── aobj ─┬─ pages in memory
 *                      └── lock ──┘ └─ slots on swap
 *
 * The vnode has no pages of its own: those that it is asked for are its object's, which has the same lock. Descriptors and mappings go
 * through the vnode; the page daemon and swap know the object only.
 */
import type { Errno } from '../../kern/errno.js';
import type { RwLock } from '../../kern/rwlock.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { type ByteOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { FileAt, FileIoOptions, MemoryFileSystem } from '../../vm/system.js';
import type { Uio } from '../../vm/uio.js';
import type { Uvm } from '../uvm.js';
import { UvmFile } from '../vnode/vnode.js';
import type { UvmAobj } from './aobj.js';
import type { GetRequest } from './object.js';

/** Bytes that the object of a file is large: as many as a file can have. `INT64_MAX - PAGE_SIZE` */
export const TMPFS_OBJECT_SIZE = 2 ** 53 - PAGE_SIZE;

/** A file system of such files. `struct tmpfs_mount` */
export class TmpfsMount implements MemoryFileSystem, Stateful {
  /** Bytes that its files may have together. `tm_mem_limit` */
  readonly limit: number;
  /** Bytes that they have, holes included. `tm_bytes_used` */
  bytesUsed = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  writeState(writer: StateWriter): void {
    writer.field('limit', this.limit);
    writer.field('bytesUsed', this.bytesUsed);
  }
}

/** A file of tmpfs. Its vnode and its node are one thing here. */
export class TmpfsVnode extends UvmFile {
  readonly label: string;
  readonly mount: TmpfsMount;
  /** Where its pages are. `tn_aobj`; the file has the only reference. */
  readonly aobj: UvmAobj;
  /** Bytes that it counts with its file system: its size, in whole pages. `tn_aobj_pages`. With `vnodeLock`. */
  bytesUsed = 0;
  readonly store = null;
  readonly writable = true;
  /** A store needs no second fault: there is nowhere to write the page back to. */
  readonly needsWriteFault = false;

  constructor(id: number, label: string, mount: TmpfsMount, aobj: UvmAobj, locks: { vnodeLock: RwLock; nodeLock: RwLock }) {
    super(id, 0, { ...locks, objectLock: aobj.lock });
    this.label = label;
    this.mount = mount;
    this.aobj = aobj;
  }

  override writeState(writer: StateWriter): void {
    super.writeState(writer);
    writer.reference('aobj', this.aobj);
    writer.field('bytesUsed', this.bytesUsed);
    writer.thing('mount', this.mount);
  }

  override lookup(offset: ByteOffset): Pfn {
    return this.aobj.lookup(offset);
  }

  getpages(uvm: Uvm, request: GetRequest): Step<Errno> {
    return uvm.tmpfsGetpages(this, request);
  }

  putpages(uvm: Uvm, start: ByteOffset, end: ByteOffset, flags: number): Step<Errno> {
    return uvm.uaoPut(this.aobj, start, end, flags);
  }

  write(uvm: Uvm, at: FileAt, from: Uint8Array | Uio, options?: FileIoOptions): Step<number> {
    return uvm.tmpfsWrite(this, at, from, options);
  }

  truncate(uvm: Uvm, size: number): Step<Errno> {
    return uvm.tmpfsTruncate(this, size);
  }

  /** There is nothing more durable than memory here: only who writes is waited for. */
  *sync(_uvm: Uvm): Step<Errno> {
    yield* this.vnodeLock.enter('read');
    yield* this.vnodeLock.exit();
    return 0;
  }

  /** The room was had when the size changed. */
  allocate(_offset: number, _length: number): Errno {
    return 0;
  }

  reclaim(uvm: Uvm): Step<void> {
    return uvm.tmpfsFreeNode(this);
  }

  /** As `UvmAobj.readAhead`. */
  readAhead(_uvm: Uvm, _offset: ByteOffset, _length: number): void {}
}
