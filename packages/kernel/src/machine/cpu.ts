/**
 * Processors: loads and stores as a program makes them.
 *
 *     va ──> TLB ──hit──────────────────────────────────> byte in RAM                (sys/user-memory.ts looks there by itself)
 *             └─miss──> page table ──present, allowed──> fill the TLB, go on
 *                            └─else──> trap ──> the fault handler of the virtual memory system ──> again
 */
import { BUILD } from '../kern/build.js';
import { EFAULT, type Errno } from '../kern/errno.js';
import type { Lwp } from '../kern/lwp.js';
import { step } from '../kern/scheduler.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { asPfn, asVa, FIRST_FRAME, PAGE_MASK, PAGE_SIZE, type Pfn, type Va } from './address.js';
import { type AccessSize, DEVICE_FIRST_FRAME } from './device-memory.js';
import type { MachineState } from './machine.js';
import type { Pmap } from './pmap.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE, type Protection } from './protection.js';
import { PTE_ACCESSED, PTE_DIRTY, pteFrame } from './pte.js';
import { Tlb, tlbSlot } from './tlb.js';

/** Takes the faults that processors meet. */
export interface TrapHandler {
  /**
   * A program could not use an address in this way.
   *
   * @returns 0 to have the access tried again, an errno to give it up
   */
  pageFault(cpu: Cpu, va: Va, access: Protection): Step<Errno>;
}

/** Who looks in a processor's TLB by itself, as long as the processor runs for it: a thread's view of its memory. */
export interface TlbReader {
  /** The processor runs for another thread from now on. */
  lose(): void;
}

/** A processor. */
export class Cpu implements Stateful {
  readonly id: number;
  readonly tlb = new Tlb();
  /** The address space it runs in, null for the kernel's only. */
  pmap: Pmap | null = null;
  /** The thread for which it runs in that space, null for none. By this a thread sees at a glance that the processor is its own. */
  lwp: Lwp | null = null;
  /** Who looks in the TLB for that thread, null for nobody. */
  private reader: TlbReader | null = null;

  private readonly machine: MachineState;
  private readonly bytes: Uint8Array;
  private readonly changed: Uint8Array;
  private readonly userSteps: boolean;

  constructor(machine: MachineState, id: number, options: { userSteps: boolean }) {
    this.id = id;
    this.machine = machine;
    this.bytes = machine.ram.bytes;
    this.changed = machine.ram.changed;
    this.userSteps = options.userSteps;
  }

  /**
   * Switches to an address space; the translations of the old one go. `pmap_activate()`.
   *
   * @param lwp the thread for which it does so, if any
   */
  activate(pmap: Pmap | null, lwp: Lwp | null = null): void {
    if (lwp !== this.lwp) {
      this.lwp = lwp;
      this.dismissReader();
    }
    if (this.pmap === pmap) return;
    this.pmap = pmap;
    this.tlb.flush();
  }

  /**
   * Lets somebody look in the TLB until the processor runs for another thread.
   *
   * @returns whether it may: not when each access is a step, which only `translate` takes
   */
  admitReader(reader: TlbReader): boolean {
    if (this.userSteps) return false;
    if (this.reader !== reader) {
      this.dismissReader();
      this.reader = reader;
    }
    return true;
  }

  /** Lets nobody look in the TLB any more. */
  dismissReader(): void {
    this.reader?.lose();
    this.reader = null;
  }

  writeState(writer: StateWriter): void {
    writer.reference('pmap', this.pmap);
    writer.reference('lwp', this.lwp);
    this.tlb.writeState(writer);
  }

  /** Loads 4 bytes, as a signed number. */
  *load32(va: number): Step<number> {
    return (yield* this.load(va, 4)) | 0;
  }

  /** Stores the low 4 bytes of a number. */
  *store32(va: number, value: number): Step<void> {
    yield* this.store(va, 4, value);
  }

  /** Loads a byte, 0 to 255. */
  *load8(va: number): Step<number> {
    return yield* this.load(va, 1);
  }

  /** Stores the low byte of a number. */
  *store8(va: number, value: number): Step<void> {
    yield* this.store(va, 1, value);
  }

  /** Loads 2 bytes, 0 to 65,535. */
  *load16(va: number): Step<number> {
    return yield* this.load(va, 2);
  }

  /** Stores the low 2 bytes of a number. */
  *store16(va: number, value: number): Step<void> {
    yield* this.store(va, 2, value);
  }

  /**
   * Loads 1, 2 or 4 bytes, as a number from 0 up; they may lie in two pages.
   *
   * @param access `PROT_READ`; `PROT_EXEC` for an instruction
   */
  *load(va: number, size: number, access: Protection = PROT_READ): Step<number> {
    const first = yield* this.reach(va, size, access);
    if (first < 0) return 0;
    if (first >= this.bytes.length && (va & (size - 1)) === 0) return this.deviceLoad(first, size);
    let value = 0;
    for (let i = 0; i < size; i++) value += this.get(this.byteIndex(first, va, i, access)) * 2 ** (8 * i);
    return value;
  }

  /** Stores the low 1, 2 or 4 bytes of a number. */
  *store(va: number, size: number, value: number): Step<void> {
    const first = yield* this.reach(va, size, PROT_WRITE);
    if (first < 0) return;
    if (first >= this.bytes.length && (va & (size - 1)) === 0) this.deviceStore(first, size, value);
    else for (let i = 0; i < size; i++) this.put(this.byteIndex(first, va, i, PROT_WRITE), value >>> (8 * i));
  }

  /** Loads 8 bytes, unsigned. */
  *load64(va: number): Step<bigint> {
    const bytes = new Uint8Array(8);
    const first = yield* this.reach(va, 8, PROT_READ);
    if (first < 0) return 0n;
    for (let i = 0; i < 8; i++) bytes[i] = this.get(this.byteIndex(first, va, i, PROT_READ));
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /** Stores the low 8 bytes of a number. */
  *store64(va: number, value: bigint): Step<void> {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
    const first = yield* this.reach(va, 8, PROT_WRITE);
    if (first < 0) return;
    for (let i = 0; i < 8; i++) this.put(this.byteIndex(first, va, i, PROT_WRITE), bytes[i] as number);
  }

  /**
   * Reads a range of memory.
   *
   * @returns 0, or the errno of the first page that could not be read; what lies before it has been read
   */
  *read(va: Va, into: Uint8Array): Step<Errno> {
    for (let done = 0; done < into.length; ) {
      const offset = (va + done) & PAGE_MASK;
      const length = Math.min(PAGE_SIZE - offset, into.length - done);
      const pfn = yield* this.translate(asVa(va + done), PROT_READ);
      if (pfn < 0) return -pfn;
      const from = (pfn - FIRST_FRAME) * PAGE_SIZE + offset;
      if (pfn < DEVICE_FIRST_FRAME) into.set(this.bytes.subarray(from, from + length), done);
      else for (let i = 0; i < length; i++) into[done + i] = this.deviceLoad(from + i, 1);
      done += length;
    }
    return 0;
  }

  /**
   * Writes a range of memory.
   *
   * @returns 0, or the errno of the first page that could not be written; what lies before it has been written
   */
  *write(va: Va, from: Uint8Array): Step<Errno> {
    for (let done = 0; done < from.length; ) {
      const offset = (va + done) & PAGE_MASK;
      const length = Math.min(PAGE_SIZE - offset, from.length - done);
      const pfn = yield* this.translate(asVa(va + done), PROT_WRITE);
      if (pfn < 0) return -pfn;
      const to = (pfn - FIRST_FRAME) * PAGE_SIZE + offset;
      if (pfn < DEVICE_FIRST_FRAME) {
        if (BUILD === 'watched') this.changed[pfn - FIRST_FRAME] = 1;
        this.bytes.set(from.subarray(done, done + length), to);
      } else {
        for (let i = 0; i < length; i++) this.deviceStore(to + i, 1, from[done + i] as number);
      }
      done += length;
    }
    return 0;
  }

  /**
   * Finds the frame behind an address for an access of this kind, through faults if need be.
   *
   * @param access one of `PROT_READ`, `PROT_WRITE`, `PROT_EXEC`
   * @returns the frame, or minus the errno that ended the access
   */
  *translate(va: Va, access: Protection): Step<Pfn | number> {
    if (this.userSteps) yield* step(this.machine.kern.scheduler, 'user', this.machine.ram);
    for (;;) {
      const pfn = this.walk(va, access);
      if (pfn >= 0) return pfn;
      const { trap } = this.machine;
      const errno = trap === null ? EFAULT : yield* trap.pageFault(this, va, access);
      if (errno !== 0) return -errno;
    }
  }

  /**
   * Looks in the TLB, then walks the table as the processor does: sets the accessed and modified bits, fills the TLB.
   *
   * @returns the frame, -1 when that takes a fault
   */
  walk(va: Va, access: Protection): Pfn | -1 {
    const offset = va & PAGE_MASK;
    const page = asVa(va - offset);
    const slot = tlbSlot(va);
    const { tlb } = this;
    const tag = access === PROT_WRITE ? tlb.writeTag : access === PROT_EXEC ? tlb.execTag : tlb.readTag;
    if (tag[slot] === page) return asPfn(tlb.pfn[slot] as number);

    const { pmap } = this;
    if (pmap === null) return -1;
    const index = page / PAGE_SIZE;
    const pte = pmap.table.get(index);
    if ((pte & access) === 0) return -1;
    const used = (pte | PTE_ACCESSED | (access === PROT_WRITE ? PTE_DIRTY : 0)) >>> 0;
    if (used !== pte) pmap.table.set(index, used);
    const pfn = pteFrame(pte);
    // What is not RAM must be asked each time.
    if ((pte & PROT_READ) === 0 || pfn >= DEVICE_FIRST_FRAME) return pfn;
    tlb.fill(page, pfn, {
      writable: (used & PROT_WRITE) !== 0 && (used & PTE_DIRTY) !== 0,
      executable: (used & PROT_EXEC) !== 0,
    });
    return pfn;
  }

  /**
   * Makes sure that all of a small access can be made, so that one which lies in two pages is made whole or not at all.
   *
   * @returns where in RAM its first byte is, -1 when the access was given up; the others are found by `byteIndex`, as long as nothing
   *   else runs
   */
  private *reach(va: number, size: number, access: Protection): Step<number> {
    const offset = va & PAGE_MASK;
    for (;;) {
      const pfn = yield* this.translate(asVa(va), access);
      if (pfn < 0) return -1;
      if (offset + size <= PAGE_SIZE) return (pfn - FIRST_FRAME) * PAGE_SIZE + offset;
      if ((yield* this.translate(asVa(va - offset + PAGE_SIZE), access)) < 0) return -1;
      // Others may have run meanwhile, and taken the first page away.
      const again = this.walk(asVa(va), access);
      if (again >= 0) return (again - FIRST_FRAME) * PAGE_SIZE + offset;
    }
  }

  private get(index: number): number {
    return index < this.bytes.length ? (this.bytes[index] as number) : this.deviceLoad(index, 1);
  }

  private put(index: number, byte: number): void {
    if (index >= this.bytes.length) {
      this.deviceStore(index, 1, byte);
      return;
    }
    if (BUILD === 'watched') this.changed[Math.floor(index / PAGE_SIZE)] = 1;
    this.bytes[index] = byte;
  }

  /** Where in RAM the i-th byte of an access is that `reach` has reached, its first byte at `first`. */
  private byteIndex(first: number, va: number, i: number, access: Protection): number {
    if ((va & PAGE_MASK) + i < PAGE_SIZE) return first + i;
    return (this.walk(asVa(va + i), access) - FIRST_FRAME) * PAGE_SIZE + ((va + i) & PAGE_MASK);
  }

  /** Loads from a device, unsigned; `index` is where the bytes would be in RAM. */
  private deviceLoad(index: number, size: number): number {
    const range = this.machine.deviceRangeOf(frameOf(index));
    return range === null ? 0 : range.device.read(range.offsetOf(frameOf(index)) + (index & PAGE_MASK), size as AccessSize);
  }

  /** Stores to a device. */
  private deviceStore(index: number, size: number, value: number): void {
    const range = this.machine.deviceRangeOf(frameOf(index));
    const bits = size === 4 ? value >>> 0 : value & (2 ** (8 * size) - 1);
    range?.device.write(range.offsetOf(frameOf(index)) + (index & PAGE_MASK), size as AccessSize, bits);
  }
}

/** The frame that a byte belongs to, counted as those of RAM are. */
function frameOf(index: number): Pfn {
  return asPfn(FIRST_FRAME + Math.floor(index / PAGE_SIZE));
}
