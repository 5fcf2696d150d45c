/** The machine: RAM, processors, page tables. */

import type { Kern } from '../kern/kern.js';
import { registerKernelFunctions } from '../kern/stack.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { asPfn, type Pfn } from './address.js';
import { Cpu, type TrapHandler } from './cpu.js';
import { DEVICE_FIRST_FRAME, DeviceRange, type MemoryMappedDevice } from './device-memory.js';
import * as dma from './dma.js';
import { Pmap } from './pmap.js';
import * as pmapOperations from './pmap-operations.js';
import { MAX_FRAMES } from './pte.js';
import { Ram } from './ram.js';
import { ReverseMap } from './reverse-map.js';

/** What a machine is made of. */
export interface MachineOptions {
  /** Bytes of RAM. */
  readonly ram: number;
  /** Where RAM is to be: as many bytes, of which nobody has any use any more. They become zeros. Default: new ones. */
  readonly memory?: ArrayBuffer;
  /** Whether each access of a program is a step of its own, so that a strategy can switch there. Default false. */
  readonly userSteps?: boolean;
}

/** The state of a machine; its operations are in `pmap-operations.ts`. */
export class MachineState implements Stateful {
  readonly kern: Kern;
  readonly ram: Ram;
  readonly reverseMap: ReverseMap;
  readonly cpus: readonly Cpu[];
  /** The kernel's own address space. */
  readonly kernelPmap = new Pmap(0);
  /** The address spaces of processes, in order of creation. */
  readonly pmaps: Pmap[] = [];
  nextPmapId = 1;
  /** Memory that is devices', in order of frames. */
  readonly deviceRanges: DeviceRange[] = [];
  /** Who takes the faults; null before the system calls are there. */
  trap: TrapHandler | null = null;

  constructor(kern: Kern, options: MachineOptions) {
    this.kern = kern;
    this.ram = new Ram(options.ram, options.memory);
    this.reverseMap = new ReverseMap(this.ram.pages);
    const userSteps = options.userSteps === true;
    this.cpus = Array.from({ length: kern.cpus }, (_, id) => new Cpu(this, id, { userSteps }));
  }

  /** Whether some processor runs in this address space, and so may hold translations of it. */
  isActive(pmap: Pmap): boolean {
    for (const cpu of this.cpus) if (cpu.pmap === pmap) return true;
    return pmap === this.kernelPmap;
  }

  /**
   * Gives a device memory of its own, behind all that others have.
   *
   * @throws {RangeError} when page tables cannot name so many frames
   */
  addDeviceRange(name: string, pages: number, device: MemoryMappedDevice): DeviceRange {
    const last = this.deviceRanges.at(-1);
    const first = last === undefined ? DEVICE_FIRST_FRAME : asPfn(last.first + last.pages);
    if (!Number.isInteger(pages) || pages < 1 || first + pages > MAX_FRAMES)
      throw new RangeError(`the device ${name} has a whole number of pages from 1 to ${MAX_FRAMES - first}, not ${pages}`);
    const range = new DeviceRange(name, first, pages, device);
    this.deviceRanges.push(range);
    return range;
  }

  /** The device whose memory a frame is, null for none. */
  deviceRangeOf(pfn: Pfn): DeviceRange | null {
    if (pfn < DEVICE_FIRST_FRAME) return null;
    return this.deviceRanges.find((range) => range.has(pfn)) ?? null;
  }

  /** Tells its state, but for the frames of RAM: whoever uses them tells of these. */
  writeState(writer: StateWriter): void {
    writer.parts('cpu', this.cpus, (cpu, part) => cpu.writeState(part));
    writer.parts('device', this.deviceRanges, (range, part) => range.writeState(part));
    writer.parts('pmap', [this.kernelPmap, ...this.pmaps], (pmap, part) => pmap.writeState(part));
  }
}

type Dma = typeof dma;
type PmapOperations = typeof pmapOperations;

/** A machine with its `pmap(9)`. */
export interface Machine extends MachineState, Dma, PmapOperations {}

Object.assign(MachineState.prototype, dma, pmapOperations);
registerKernelFunctions(pmapOperations);

/** Builds a machine. */
export function createMachine(kern: Kern, options: MachineOptions): Machine {
  return new MachineState(kern, options) as Machine;
}
