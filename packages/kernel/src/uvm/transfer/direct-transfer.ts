/** A piece of direct I/O under way. */
import type { Errno } from '../../kern/errno.js';
import type { StepObject } from '../../kern/lwp.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_MASK, type Pfn, truncPage, type Va } from '../../machine/address.js';
import type { IoOperation } from '../../machine/io.js';
import type { PageTransfer, VmSpace } from '../../vm/system.js';
import type { Uvm } from '../uvm.js';
import type { UvmVnode } from '../vnode/vnode.js';

/** Which bytes are moved, and which way. */
export interface DirectRequest {
  readonly vnode: UvmVnode;
  readonly space: VmSpace;
  /** Where in the program's memory. */
  readonly address: number;
  /** Where in the file. */
  readonly offset: number;
  readonly length: number;
  /** Whether the file is written to. */
  readonly write: boolean;
}

/** Moves bytes between a program's memory and a file at rest. */
export class DirectTransfer implements IoOperation, PageTransfer, Stateful {
  readonly site: 'io.read' | 'io.write';
  readonly frames: readonly Pfn[];
  readonly #uvm: Uvm;
  readonly #request: DirectRequest;

  constructor(uvm: Uvm, request: DirectRequest, frames: readonly Pfn[]) {
    this.#uvm = uvm;
    this.#request = request;
    this.frames = frames;
    this.site = request.write ? 'io.write' : 'io.read';
  }

  get label(): string {
    const { vnode, write, offset } = this.#request;
    return `direct ${write ? 'write' : 'read'} of ${vnode.label} @ ${offset}`;
  }

  get medium(): StepObject {
    return this.#request.vnode;
  }

  get space(): VmSpace {
    return this.#request.space;
  }

  get start(): Va {
    return truncPage(this.#request.address as Va);
  }

  delay(): number {
    return this.#request.vnode.store.delay?.(this.#request.write ? 'write' : 'read') ?? 0;
  }

  transfer(): Errno {
    this.#uvm.uvmTransferEnds(this, { moves: true });
    return this.#move(this.#request.length);
  }

  /** The first half. */
  transferPart(): void {
    this.#uvm.uvmTransferEnds(this, { moves: true });
    this.#move(Math.floor(this.#request.length / 2));
  }

  // biome-ignore lint/correctness/useYield: other I/O has more to do when it is over
  *done(_errno: Errno): Step<void> {
    this.#uvm.uvmTransferEnds(this, { moves: false });
  }

  writeState(writer: StateWriter): void {
    const { vnode, space, address, offset, length, write } = this.#request;
    writer.reference('vnode', vnode);
    writer.reference('space', space);
    writer.field('address', address);
    writer.field('offset', offset);
    writer.field('length', length);
    writer.field('write', write);
    for (const frame of this.frames) writer.frame('frame', frame);
  }

  #move(length: number): Errno {
    const { vnode, address, offset, write } = this.#request;
    const { machine } = this.#uvm;
    const bytes = new Uint8Array(length);
    if (write) {
      machine.dmaRead(this.frames, address & PAGE_MASK, bytes);
      vnode.unflushed = true;
      return vnode.store.write(offset, bytes);
    }
    const errno = vnode.store.read(offset, bytes);
    if (errno === 0) machine.dmaWrite(this.frames, address & PAGE_MASK, bytes);
    return errno;
  }
}
