/**
 * A thread's loads and stores: the way on which everything depends that an embedder's program does all the time.
 *
 *     va ──> is the processor this thread's, and does the page stand in its TLB? ──yes──> a number out of RAM, no more
 *                                └─no──> sys/outside.ts, machine/cpu.ts: page table, faults, steps
 *
 * The first question costs nothing: that an access does not leave its page is asked anyway, and `last`, with which its offset is
 * compared, lies before every page while the processor runs for somebody else.
 */
import type { Errno } from '../kern/errno.js';
import type { Lwp } from '../kern/lwp.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { BUILD, type Step } from '../kern/switch.js';
import { asVa, FIRST_FRAME, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../machine/address.js';
import type { Cpu, TlbReader } from '../machine/cpu.js';
import { DEVICE_FIRST_FRAME } from '../machine/device-memory.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE, type Protection } from '../machine/protection.js';
import { TLB_SLOTS } from '../machine/tlb.js';
import { watchCalls } from './boundary.js';
import { asThread } from './outside.js';
import type { Sys } from './sys.js';

const SLOT_MASK = TLB_SLOTS - 1;
const NOWHERE = -PAGE_SIZE;

/**
 * What a thread does to its memory. A fault that cannot be resolved becomes a signal; when a handler passes over it, a load gives 0.
 *
 * Where in RAM a hit is, is spelled out each time: a function for it costs a twentieth of a load, although it is inlined.
 */
export class UserMemory implements TlbReader, Stateful {
  readonly lwp: Lwp;
  protected readonly sys: Sys;
  private readonly ownCpu: Cpu;
  /** Where in a page the last 4 bytes begin that a hit may touch: at its end, or nowhere while the processor is not this thread's. */
  private last = NOWHERE;
  private readonly readTag: Float64Array;
  private readonly writeTag: Float64Array;
  private readonly execTag: Float64Array;
  private readonly frame: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly changed: Uint8Array;

  constructor(sys: Sys, lwp: Lwp) {
    const cpu = sys.cpuOf(lwp);
    const { ram } = sys.machine;
    this.sys = sys;
    this.lwp = lwp;
    this.ownCpu = cpu;
    this.readTag = cpu.tlb.readTag;
    this.writeTag = cpu.tlb.writeTag;
    this.execTag = cpu.tlb.execTag;
    this.frame = cpu.tlb.pfn;
    this.bytes = ram.bytes;
    this.view = ram.view;
    this.changed = ram.changed;
  }

  /** The processor runs for somebody else. */
  lose(): void {
    this.last = NOWHERE;
  }

  /** Which thread it is; all else follows, or is nothing but speed. */
  writeState(writer: StateWriter): void {
    writer.reference('lwp', this.lwp);
  }

  /** Loads a byte, 0 to 255. */
  *load8(address: number): Step<number> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.readTag[slot] === address - offset && offset - 3 <= this.last)
      return this.bytes[((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0] as number;
    return yield* this.#slowLoad(address, 1, PROT_READ);
  }

  /** Loads a byte, -128 to 127. */
  *load8s(address: number): Step<number> {
    return ((yield* this.load8(address)) << 24) >> 24;
  }

  /** Loads 2 bytes, 0 to 65,535. */
  *load16(address: number): Step<number> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.readTag[slot] === address - offset && offset - 2 <= this.last) {
      return this.view.getUint16(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, true);
    }
    return yield* this.#slowLoad(address, 2, PROT_READ);
  }

  /** Loads 2 bytes, -32,768 to 32,767. */
  *load16s(address: number): Step<number> {
    return ((yield* this.load16(address)) << 16) >> 16;
  }

  /** Loads 4 bytes, as a signed number. */
  *load32(address: number): Step<number> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.readTag[slot] === address - offset && offset <= this.last) {
      return this.view.getInt32(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, true);
    }
    return (yield* this.#slowLoad(address, 4, PROT_READ)) | 0;
  }

  /** Loads 4 bytes, as a number from 0 up. */
  *load32u(address: number): Step<number> {
    return (yield* this.load32(address)) >>> 0;
  }

  /** Loads 8 bytes, as a number from 0 up. */
  *load64(address: number): Step<bigint> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.readTag[slot] === address - offset && offset + 4 <= this.last) {
      return this.view.getBigUint64(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, true);
    }
    const at = this.refill(address, 8, PROT_READ);
    if (at >= 0) return this.view.getBigUint64(at, true);
    if (this.outside) return yield* asThread(this.sys, this.lwp, () => this.load64(address));
    return yield* this.take().load64(address);
  }

  /** Loads 8 bytes, as a signed number. */
  *load64s(address: number): Step<bigint> {
    return BigInt.asIntN(64, yield* this.load64(address));
  }

  /** Stores the low byte of a number. */
  *store8(address: number, value: number): Step<void> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.writeTag[slot] === address - offset && offset - 3 <= this.last) {
      if (BUILD === 'watched') this.noteStore(slot);
      this.bytes[((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0] = value;
      return;
    }
    yield* this.#slowStore(address, 1, value);
  }

  /** Stores the low 2 bytes of a number. */
  *store16(address: number, value: number): Step<void> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.writeTag[slot] === address - offset && offset - 2 <= this.last) {
      if (BUILD === 'watched') this.noteStore(slot);
      this.view.setInt16(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, value, true);
      return;
    }
    yield* this.#slowStore(address, 2, value);
  }

  /** Stores the low 4 bytes of a number. */
  *store32(address: number, value: number): Step<void> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.writeTag[slot] === address - offset && offset <= this.last) {
      if (BUILD === 'watched') this.noteStore(slot);
      this.view.setInt32(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, value, true);
      return;
    }
    yield* this.#slowStore(address, 4, value);
  }

  /** Stores the low 8 bytes of a number. */
  *store64(address: number, value: bigint): Step<void> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.writeTag[slot] === address - offset && offset + 4 <= this.last) {
      if (BUILD === 'watched') this.noteStore(slot);
      this.view.setBigUint64(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, value, true);
      return;
    }
    if (this.outside) yield* asThread(this.sys, this.lwp, () => this.store64(address, value));
    else yield* this.take().store64(address, value);
  }

  /** Fetches 2 bytes of an instruction, 0 to 65,535: as a load, but the page must be executable, and need not be readable. */
  *fetch16(address: number): Step<number> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.execTag[slot] === address - offset && offset - 2 <= this.last) {
      return this.view.getUint16(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, true);
    }
    return yield* this.#slowLoad(address, 2, PROT_EXEC);
  }

  /** Fetches 4 bytes of an instruction, as a number from 0 up. */
  *fetch32(address: number): Step<number> {
    const offset = address & PAGE_MASK;
    const slot = (address >>> PAGE_SHIFT) & SLOT_MASK;
    if (this.execTag[slot] === address - offset && offset <= this.last) {
      return this.view.getUint32(((((this.frame[slot] as number) - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0, true);
    }
    return yield* this.#slowLoad(address, 4, PROT_EXEC);
  }

  /** Fetches an instruction from an address, as far as memory is concerned. */
  *execute(address: number): Step<void> {
    if (this.outside) yield* asThread(this.sys, this.lwp, () => this.execute(address));
    else yield* this.take().translate(asVa(address), PROT_EXEC);
  }

  /** Loads a range; answers 0, or the errno of the page at which a handler passed over the fault. */
  *loadBytes(address: number, into: Uint8Array): Step<Errno> {
    if (this.outside) return yield* asThread(this.sys, this.lwp, () => this.loadBytes(address, into));
    return yield* this.take().read(asVa(address), into);
  }

  /** Stores a range; answers 0, or the errno of the page at which a handler passed over the fault. */
  *storeBytes(address: number, from: Uint8Array): Step<Errno> {
    if (this.outside) return yield* asThread(this.sys, this.lwp, () => this.storeBytes(address, from));
    return yield* this.take().write(asVa(address), from);
  }

  /** 1, 2 or 4 bytes that no hit could give, unsigned. */
  *#slowLoad(address: number, size: number, access: Protection): Step<number> {
    const at = this.refill(address, size, access);
    if (at >= 0)
      return size === 1 ? (this.bytes[at] as number) : size === 2 ? this.view.getUint16(at, true) : this.view.getUint32(at, true);
    if (this.outside) return yield* asThread(this.sys, this.lwp, () => this.#slowLoad(address, size, access));
    return yield* this.take().load(address, size, access);
  }

  *#slowStore(address: number, size: number, value: number): Step<void> {
    const at = this.refill(address, size, PROT_WRITE);
    if (at >= 0) {
      if (BUILD === 'watched') this.changed[Math.floor(at / PAGE_SIZE)] = 1;
      if (size === 1) this.bytes[at] = value;
      else if (size === 2) this.view.setInt16(at, value, true);
      else this.view.setInt32(at, value, true);
    } else if (this.outside) {
      yield* asThread(this.sys, this.lwp, () => this.#slowStore(address, size, value));
    } else {
      yield* this.take().store(address, size, value);
    }
  }

  /** Where in RAM an access is that lacks a translation in the TLB and nothing else, -1 when it takes more. */
  private refill(address: number, size: number, access: Protection): number {
    const offset = address & PAGE_MASK;
    if (this.last === NOWHERE || offset + size > PAGE_SIZE) return -1;
    const frame = this.ownCpu.walk(asVa(address), access);
    return frame < 0 || frame >= DEVICE_FIRST_FRAME ? -1 : (((frame - FIRST_FRAME) << PAGE_SHIFT) | offset) >>> 0;
  }

  /** Whether no thread makes this access, but the embedder between two jobs. */
  protected get outside(): boolean {
    return BUILD === 'direct' && this.sys.kern.scheduler.outside;
  }

  /** The processor, in this thread's address space, whose TLB this looks in from now on. */
  private take(): Cpu {
    const cpu = this.ownCpu;
    if (cpu.lwp !== this.lwp) {
      this.mustRun('uses its memory');
      this.sys.activeCpu(this.lwp);
    }
    // No hit of a thread that is between two spaces: only `Cpu` knows what to do then.
    if (cpu.lwp === this.lwp && cpu.admitReader(this)) this.last = PAGE_SIZE - 4;
    return cpu;
  }

  /** => throws when a program does something in the name of a thread that is not the one which runs it. */
  protected mustRun(does: string): void {
    const { current } = this.sys.kern.scheduler;
    if (current !== this.lwp) throw new Error(`thread ${this.lwp.name} ${does} while thread ${current.name} is running`);
  }

  /** Takes note of a store for `Ram.digest`. */
  private noteStore(slot: number): void {
    this.changed[(this.frame[slot] as number) - FIRST_FRAME] = 1;
  }
}

if (BUILD === 'watched') watchCalls(UserMemory.prototype);
