/** What raw I/O keeps of a call and of each of its chunks. `struct physio_stat`, sys/kern/kern_physio.c, and `struct buf`, sys/sys/buf.h. */
import type { Errno } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import { Mutex } from '../kern/mutex.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { PAGE_MASK, type Pfn, truncPage, type Va } from '../machine/address.js';
import { NO_FRAME, type PageTransfer, type VmSpace, type Wiring } from '../vm/system.js';
import type { RawRequest } from './device.js';
import type { Sys } from './sys.js';

/** A read or write that is under way. */
export class PhysioStatus implements Stateful {
  /** Protects all that follows. `ps_lock`. */
  readonly lock: Mutex;
  /** Who waits for chunks to be done. `ps_cv`. */
  readonly done: CondVar;
  /** Chunks that the device has. */
  running = 0;
  /** Whether one of them failed, or came to the end of the device. */
  failed = false;
  /** Where on the device the first of those ended. */
  endOffset = 0;
  /** What was wrong with it; 0 at the end of the device. */
  errno: Errno = 0;

  /** @param label of its locks, unique among those that are under way */
  constructor(kern: Kern, label: string) {
    this.lock = new Mutex(kern, kern.lockClass('physio'), label);
    this.done = new CondVar(kern.scheduler, 'physio', `physio ${label}`);
  }

  writeState(writer: StateWriter): void {
    writer.thing('lock', this.lock);
    writer.thing('done', this.done);
    writer.field('running', this.running);
    writer.field('failed', this.failed);
    writer.field('endOffset', this.endOffset);
    writer.field('errno', this.errno);
  }
}

/** A chunk of one: a request to the device, and the memory it is about. */
export class PhysioBuffer implements RawRequest, PageTransfer, Stateful {
  readonly label: string;
  readonly status: PhysioStatus;
  readonly space: VmSpace;
  readonly write: boolean;
  /** Where in the program's memory. */
  readonly address: number;
  readonly offset: number;
  readonly length: number;
  resid: number;
  errno: Errno = 0;
  /** What `vslock` has wired for it, null while it has not. */
  wiring: Wiring | null = null;
  /** The frames behind that memory when it was mapped, `NO_FRAME` where there was none. */
  readonly frames: Pfn[] = [];
  /** Where the kernel has mapped them, null while it has not. `b_data`. */
  mappedAt: Va | null = null;
  readonly #sys: Sys;

  constructor(
    sys: Sys,
    status: PhysioStatus,
    space: VmSpace,
    request: { label: string; write: boolean; address: number; offset: number; length: number },
  ) {
    this.#sys = sys;
    this.status = status;
    this.space = space;
    this.label = request.label;
    this.write = request.write;
    this.address = request.address;
    this.offset = request.offset;
    this.length = request.length;
    this.resid = request.length;
  }

  /** The first page of the memory. */
  get start(): Va {
    return truncPage(this.address as Va);
  }

  copyIn(into: Uint8Array): void {
    this.#sys.vm.endTransfer(this, { moves: true });
    this.#sys.machine.dmaRead(this.frames, this.address & PAGE_MASK, into);
  }

  copyOut(from: Uint8Array): void {
    this.#sys.vm.endTransfer(this, { moves: true });
    this.#sys.machine.dmaWrite(this.frames, this.address & PAGE_MASK, from);
  }

  done(): Step<void> {
    return this.#sys.physioBiodone(this);
  }

  writeState(writer: StateWriter): void {
    writer.thing('status', this.status);
    writer.reference('space', this.space);
    writer.field('write', this.write);
    writer.field('address', this.address);
    writer.field('offset', this.offset);
    writer.field('length', this.length);
    writer.field('resid', this.resid);
    writer.field('errno', this.errno);
    if (this.wiring !== null) writer.reference('wiring', this.wiring);
    writer.field('mappedAt', this.mappedAt);
    for (const frame of this.frames) {
      if (frame === NO_FRAME) writer.field('frame', NO_FRAME);
      else writer.frame('frame', frame);
    }
  }
}
