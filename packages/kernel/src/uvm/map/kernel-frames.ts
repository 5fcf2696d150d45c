/** Frames mapped into the kernel's space, for a device or for the kernel itself. `pmap_kenter_pa()` over a range, as many of its callers have it. */
import { asVa, PAGE_SIZE, type Pfn, pfnToPa, type Va } from '../../machine/address.js';
import type { Protection } from '../../machine/protection.js';
import { NO_FRAME } from '../../vm/system.js';
import type { Uvm } from '../uvm.js';

/** Maps frames one behind the other; where there is none, nothing. => does not sleep; the mappings are not managed. */
export function uvmMapFrames(this: Uvm, frames: readonly Pfn[], protection: Protection): Va {
  const { machine, kernelAddresses } = this;
  const start = kernelAddresses.allocate(frames.length * PAGE_SIZE);
  for (const [i, frame] of frames.entries()) {
    if (frame !== NO_FRAME) machine.pmapKenterPa(asVa(start + i * PAGE_SIZE), pfnToPa(frame), protection);
  }
  machine.pmapUpdate(machine.kernelPmap);
  return start;
}

/** Unmaps them. => does not sleep */
export function uvmUnmapFrames(this: Uvm, start: Va, pages: number): void {
  const { machine, kernelAddresses } = this;
  machine.pmapKremove(start, pages * PAGE_SIZE);
  machine.pmapUpdate(machine.kernelPmap);
  this.kern.kassert(kernelAddresses.free(start), 'the addresses are in use');
}
