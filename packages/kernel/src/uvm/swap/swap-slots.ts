/** Slots: who takes them, and who gives them back. sys/uvm/uvm_swap.c. The picture is in `swap.ts`. */
import type { Uvm } from '../uvm.js';
import { SWSLOT_BAD, type SwapSlots } from './swap.js';

/**
 * Takes slots that lie one behind the other on one device: the first that has them, by priority, and inside of one priority in turn.
 * `uvm_swap_alloc()`. => does not sleep
 *
 * @param options.lessOk whether a single slot will do where there are not so many
 */
export function uvmSwapAlloc(this: Uvm, count: number, options: { lessOk: boolean }): SwapSlots | null {
  const { swap, uvmexp } = this;
  for (const device of swap.devices) {
    if (!device.enabled) continue;
    const slot = device.take(count);
    if (slot === 0) continue;
    // The next one of its priority is tried next.
    swap.remove(device);
    swap.insert(device);
    uvmexp.swpginuse += count;
    return { slot, count };
  }
  return count > 1 && options.lessOk ? this.uvmSwapAlloc(1, options) : null;
}

/** Gives slots of one device back. `uvm_swap_free()`. => does not sleep. Of a slot that was lost there is nothing to give. */
export function uvmSwapFree(this: Uvm, slot: number, count: number): void {
  if (slot === SWSLOT_BAD) return;
  const device = this.swap.deviceOf(slot) ?? this.kern.panic(`uvm_swap_free: no device has slot ${slot}`);
  this.kern.kassert(device.inUse >= count, 'sdp->swd_npginuse >= nslots');
  const taken = device.give(slot, count);
  this.kern.kassert(taken, 'blist_free: freeing a free block');
  if (taken) this.uvmexp.swpginuse -= count;
}

/**
 * Never uses these slots of one device again. `uvm_swap_markbad()`. => does not sleep
 *
 * => what is in them has been counted as being nowhere else.
 */
export function uvmSwapMarkbad(this: Uvm, slot: number, count: number): void {
  const { kern, uvmexp } = this;
  const device = this.swap.deviceOf(slot) ?? kern.panic(`uvm_swap_markbad: no device has slot ${slot}`);
  kern.kassert(uvmexp.swpgonly >= count, 'uvmexp.swpgonly >= nslots');
  uvmexp.swpgonly -= count;
  device.bad += count;
  kern.kassert(device.bad <= device.inUse, 'sdp->swd_npgbad <= sdp->swd_npginuse');
}

/** Counts pages that are in their slots and nowhere else from now on. => does not sleep */
export function uvmSwapOnly(this: Uvm, count: number): void {
  const { kern, uvmexp } = this;
  kern.kassert(uvmexp.swpgonly + count <= uvmexp.swpginuse, 'uvmexp.swpgonly + npages <= uvmexp.swpginuse');
  uvmexp.swpgonly += count;
}

/** Counts a page that is no longer in its slot only. => does not sleep */
export function uvmSwapNotOnly(this: Uvm): void {
  this.kern.kassert(this.uvmexp.swpgonly > 0, 'uvmexp.swpgonly > 0');
  this.uvmexp.swpgonly--;
}

/**
 * Whether all of swap is full of pages that are nowhere else. `uvm_swapisfull()`. => does not sleep
 *
 * => bad slots are as good as full ones; NetBSD forgets them: docs/decisions/0006-departures.md.
 */
export function uvmSwapIsFull(this: Uvm): boolean {
  const { swpgonly, swpgavail } = this.uvmexp;
  const used = swpgonly + this.swap.bad;
  return Math.floor((used * 100) / 99) >= swpgavail;
}
