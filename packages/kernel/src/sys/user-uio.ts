/** A program's memory as a place to move bytes to or from. `UIO_USERSPACE`: `copyin()` and `copyout()` piece by piece. */
import { EFAULT } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asPfn, asVa, FIRST_FRAME, PAGE_MASK, PAGE_SIZE } from '../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../machine/protection.js';
import type { Ram } from '../machine/ram.js';
import type { VmSpace } from '../vm/system.js';
import { noteChange, Uio, type UioDirection } from '../vm/uio.js';
import type { Sys } from './sys.js';

/** Memory of the running program. */
export class UserUio extends Uio {
  readonly sys: Sys;
  readonly address: number;
  /** Where in RAM the next byte lies; right between `reach` and `move`, between which nothing else runs. */
  #at = 0;

  constructor(sys: Sys, direction: UioDirection, address: number, length: number) {
    super(direction, length);
    this.sys = sys;
    this.address = address;
  }

  override get program(): { readonly space: VmSpace; readonly address: number } {
    const { sys, address } = this;
    return { space: sys.spaceOf(sys.processOf(sys.curlwp)), address };
  }

  *reach(most: number): Step<number> {
    const { curlwp } = this.sys;
    const va = this.address + this.done;
    const cpu = this.sys.activeCpu(curlwp);
    curlwp.onFault = true;
    const pfn = yield* cpu.translate(asVa(va), this.direction === 'read' ? PROT_WRITE : PROT_READ);
    curlwp.onFault = false;
    if (pfn < 0) return -EFAULT;
    const offset = va & PAGE_MASK;
    this.#at = (pfn - FIRST_FRAME) * PAGE_SIZE + offset;
    return Math.min(most, PAGE_SIZE - offset);
  }

  move(ram: Ram, at: number, length: number): void {
    if (this.#at >= ram.bytes.length) {
      this.#moveDevice(ram, at, length);
      return;
    }
    const [to, from] = this.direction === 'read' ? [this.#at, at] : [at, this.#at];
    noteChange(ram, to);
    ram.bytes.copyWithin(to, from, from + length);
    this.done += length;
  }

  /** As `move`, when the program's memory is that of a device. */
  #moveDevice(ram: Ram, at: number, length: number): void {
    const { machine } = this.sys;
    const frames = [asPfn(FIRST_FRAME + Math.floor(this.#at / PAGE_SIZE))];
    const bytes = ram.bytes.subarray(at, at + length);
    if (this.direction === 'read') {
      machine.dmaWrite(frames, this.#at & PAGE_MASK, bytes);
    } else {
      noteChange(ram, at);
      machine.dmaRead(frames, this.#at & PAGE_MASK, bytes);
    }
    this.done += length;
  }
}
