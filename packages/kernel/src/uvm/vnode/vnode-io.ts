/** The I/O of vnodes: what moves at the moment of completion, and what follows. */
import type { Errno } from '../../kern/errno.js';
import type { StepObject } from '../../kern/lwp.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { IoOperation } from '../../machine/io.js';
import type { Uvm } from '../uvm.js';
import type { UvmVnode } from './vnode.js';

/** Moves a run of pages that lie one behind the other in a file. */
abstract class VnodeRun implements IoOperation {
  abstract readonly site: IoOperation['site'];
  protected readonly uvm: Uvm;
  protected readonly vnode: UvmVnode;
  protected readonly offset: number;
  protected readonly run: readonly Pfn[];

  constructor(uvm: Uvm, vnode: UvmVnode, offset: number, run: readonly Pfn[]) {
    this.uvm = uvm;
    this.vnode = vnode;
    this.offset = offset;
    this.run = run;
  }

  get medium(): StepObject {
    return this.vnode;
  }

  abstract get label(): string;
  abstract transfer(): Errno;
  abstract done(errno: Errno): Step<void>;
}

/** Reads a run of pages from a file. The pages are busy. */
export class VnodeRead extends VnodeRun {
  readonly site = 'io.read';

  get label(): string {
    return `read ${this.vnode.label} @ ${this.offset}`;
  }

  delay(): number {
    return this.vnode.store.delay?.('read') ?? 0;
  }

  transfer(): Errno {
    for (const [i, page] of this.run.entries()) {
      const errno = this.vnode.store.read(this.offset + i * PAGE_SIZE, this.uvm.machine.ram.page(page));
      if (errno !== 0) return errno;
    }
    return 0;
  }

  *done(_errno: Errno): Step<void> {}
}

/** Writes a run of pages to a file, and gives the pages up. What lies beyond the end of the file is left out. */
export class VnodeWrite extends VnodeRun {
  readonly site = 'io.write';
  /** Where the file ended when the write was asked for, with the object locked. */
  readonly #end = Math.max(this.vnode.size, this.vnode.writeSize);

  get label(): string {
    return `write ${this.vnode.label} @ ${this.offset}`;
  }

  delay(): number {
    return this.vnode.store.delay?.('write') ?? 0;
  }

  transfer(): Errno {
    return this.#store(this.#end);
  }

  /** The first half. */
  transferPart(): void {
    const length = Math.min(this.run.length * PAGE_SIZE, this.#end - this.offset);
    this.#store(this.offset + Math.floor(length / 2));
  }

  #store(end: number): Errno {
    const { store } = this.vnode;
    this.vnode.unflushed = true;
    for (const [i, page] of this.run.entries()) {
      const at = this.offset + i * PAGE_SIZE;
      if (at >= end) break;
      const errno = store.write(at, this.uvm.machine.ram.page(page).subarray(0, Math.min(PAGE_SIZE, end - at)));
      if (errno !== 0) return errno;
    }
    return 0;
  }

  done(errno: Errno): Step<void> {
    return this.uvm.uvmAioAiodone(this.vnode, this.run, errno);
  }
}

/** Makes what was written to a file durable. */
export class VnodeFlush implements IoOperation {
  readonly site = 'io.write';
  readonly #vnode: UvmVnode;

  constructor(vnode: UvmVnode) {
    this.#vnode = vnode;
  }

  get medium(): StepObject {
    return this.#vnode;
  }

  get label(): string {
    return `flush ${this.#vnode.label}`;
  }

  delay(): number {
    return this.#vnode.store.delay?.('sync') ?? 0;
  }

  transfer(): Errno {
    const { size, store } = this.#vnode;
    let errno = store.size < size ? store.truncate(size) : 0;
    if (errno === 0) errno = store.sync();
    if (errno === 0) this.#vnode.unflushed = false;
    return errno;
  }

  *done(_errno: Errno): Step<void> {}
}

/** Cuts a file or extends it, at rest. */
export class VnodeTruncate implements IoOperation {
  readonly site = 'io.write';
  readonly #vnode: UvmVnode;
  readonly #size: number;

  constructor(vnode: UvmVnode, size: number) {
    this.#vnode = vnode;
    this.#size = size;
  }

  get medium(): StepObject {
    return this.#vnode;
  }

  get label(): string {
    return `truncate ${this.#vnode.label} to ${this.#size}`;
  }

  delay(): number {
    return this.#vnode.store.delay?.('truncate') ?? 0;
  }

  transfer(): Errno {
    this.#vnode.unflushed = true;
    return this.#vnode.store.truncate(this.#size);
  }

  *done(_errno: Errno): Step<void> {}
}
