/** What tests of `machine/` start with: a machine without a virtual memory system. */
import { Kern, type KernOptions } from '../src/kern/kern.js';
import { PAGE_SIZE, type Pa, type Pfn, pfnToPa } from '../src/machine/address.js';
import type { Cpu } from '../src/machine/cpu.js';
import { createMachine, type Machine, type MachineOptions } from '../src/machine/machine.js';
import type { Pmap } from '../src/machine/pmap.js';

/** Pages of RAM of a test machine unless told otherwise. */
const RAM_PAGES = 64;

/** A machine. */
export function machineWith(options: KernOptions & Partial<MachineOptions> = {}): Machine {
  return createMachine(new Kern(options), { ram: RAM_PAGES * PAGE_SIZE, ...options });
}

/** One of its processors. */
export function cpuOf(machine: Machine, id = 0): Cpu {
  const cpu = machine.cpus[id];
  if (cpu === undefined) throw new Error(`there is no cpu ${id}`);
  return cpu;
}

/** A machine with a processor in an address space. */
export function machineWithSpace(options: KernOptions & Partial<MachineOptions> = {}): {
  machine: Machine;
  pmap: Pmap;
  cpu: Cpu;
} {
  const machine = machineWith(options);
  const pmap = machine.pmapCreate();
  const cpu = cpuOf(machine);
  cpu.activate(pmap);
  return { machine, pmap, cpu };
}

/** The physical address of a frame. */
export function paOf(pfn: number): Pa {
  return pfnToPa(pfn as Pfn);
}

/** Where a frame is mapped according to the reverse map: `pmap 1 @ 0x1000`, sorted. */
export function mappingsOf(machine: Machine, pfn: Pfn): string[] {
  const { reverseMap } = machine;
  const found: string[] = [];
  for (let entry = reverseMap.first(pfn); entry >= 0; entry = reverseMap.next(entry)) {
    found.push(`${reverseMap.pmap(entry).label} @ 0x${reverseMap.va(entry).toString(16)}`);
  }
  return found.sort();
}
