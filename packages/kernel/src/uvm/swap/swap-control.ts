/**
 * Swapping to a device begins and ends. `sys_swapctl()`, `swap_on()` and `swap_off()`, sys/uvm/uvm_swap.c. The picture is in `swap.ts`.
 *
 * Locks: `swap.lock` is held throughout, also while all pages of a device are brought in. Nothing of the kernel's own takes it.
 */
import { EBUSY, EINVAL, ENOENT, ENOMEM, ENXIO, EROFS, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset } from '../../machine/address.js';
import type { SwapDescription, SwapTarget } from '../../vm/system.js';
import type { Amap } from '../anon/amap.js';
import { AMAP_SWAPOFF } from '../anon/amap.js';
import type { Anon } from '../anon/anon.js';
import { PGO_CLEANIT, PGO_FREE, PGO_SYNCIO } from '../object/object.js';
import type { Uvm } from '../uvm.js';
import type { UvmFile } from '../vnode/vnode.js';
import { DiskMedium, FileMedium, SwapDevice, type SwapMedium } from './swap-device.js';

/**
 * Begins to swap to something. `swap_on()`, and SWAP_ON of `sys_swapctl()`. => nothing locked
 *
 * @returns 0; EBUSY when it is swapped to already; ENXIO when it cannot be; EROFS when it must not be written; EINVAL when not one page fits
 */
export function* uvmSwapOn(this: Uvm, target: SwapTarget, priority: number): Step<Errno> {
  const vnode = target.vnode as UvmFile | null;
  yield* this.swap.lock.enter('write');
  let errno: Errno = 0;
  if (vnode !== null && this.swap.find(target) === null) {
    // What is in memory of the file must not be written over what is swapped to it.
    yield* vnode.lock.enter();
    errno = yield* vnode.put(this, asOffset(0), asOffset(0), PGO_CLEANIT | PGO_FREE | PGO_SYNCIO);
  }
  if (errno === 0) errno = this.uvmSwapAdd(target, priority);
  if (errno === 0 && vnode !== null) yield* vnode.reference(this);
  yield* this.swap.lock.exit();
  return errno;
}

/** How a target is read and written; null for a file that is memory itself. */
function mediumOf({ vnode, disk }: SwapTarget): SwapMedium | null {
  if (vnode === null) return new DiskMedium(disk);
  return vnode.store === null ? null : new FileMedium(vnode.store);
}

/** Begins to swap to something, to which the caller gives swap a reference. Part of `swap_on()`. => swap locked. @returns as `uvmSwapOn` */
export function uvmSwapAdd(this: Uvm, target: SwapTarget, priority: number): Errno {
  const { swap, uvmexp } = this;
  if (swap.find(target) !== null) return EBUSY;
  const medium = mediumOf(target);
  if (medium === null) return ENXIO;
  if (!medium.writable) return EROFS;
  if (medium.pages - medium.firstPage < 1) return EINVAL;
  const device = new SwapDevice(target, medium, { priority, drumOffset: swap.room(medium.pages) });
  swap.insert(device);
  device.enabled = true;
  uvmexp.nswapdev++;
  uvmexp.swpages += device.slots;
  uvmexp.swpgavail += device.slots;
  this.uvmpdRelieved();
  return 0;
}

/** Gives a device another priority. SWAP_CTL of `sys_swapctl()`. => nothing locked. @returns 0, or ENOENT when it is not swapped to */
export function* uvmSwapPriority(this: Uvm, target: SwapTarget, priority: number): Step<Errno> {
  const { swap } = this;
  yield* swap.lock.enter('write');
  const device = swap.find(target);
  if (device !== null) {
    swap.remove(device);
    device.priority = priority;
    swap.insert(device);
  }
  yield* swap.lock.exit();
  return device === null ? ENOENT : 0;
}

/**
 * Swaps to something no longer: brings all its pages in. `swap_off()`, and SWAP_OFF of `sys_swapctl()`. => nothing locked
 *
 * => on an error it is swapped to as before.
 *
 * @returns 0; ENXIO when it is not swapped to; ENOMEM when there is no memory for the pages; EBUSY when slots are left in use
 */
export function* uvmSwapOff(this: Uvm, target: SwapTarget): Step<Errno> {
  const { swap, uvmexp } = this;
  yield* swap.lock.enter('write');
  const device = swap.find(target);
  if (device === null) {
    yield* swap.lock.exit();
    return ENXIO;
  }
  device.enabled = false;
  uvmexp.swpgavail -= device.slots;
  const errno = yield* this.uvmSwapEmpty(device);
  if (errno !== 0) {
    device.enabled = true;
    uvmexp.swpgavail += device.slots;
    this.uvmpdRelieved();
  } else {
    swap.remove(device);
    uvmexp.nswapdev--;
    uvmexp.swpages -= device.slots;
    uvmexp.swpginuse -= device.bad;
    const vnode = device.target.vnode as UvmFile | null;
    if (vnode !== null) yield* vnode.detach(this);
  }
  yield* swap.lock.exit();
  return errno;
}

/** Brings in all pages that are on a device. Part of `swap_off()`. => swap locked, and the device disabled */
export function* uvmSwapEmpty(this: Uvm, device: SwapDevice): Step<Errno> {
  if (yield* this.uaoSwapOff(device.drumOffset, device.drumEnd)) return ENOMEM;
  if (yield* this.amapSwapOff(device.drumOffset, device.drumEnd)) return ENOMEM;
  return device.inUse > device.bad ? EBUSY : 0;
}

/**
 * Brings in all pages of anons that are in the slots [start, end). `amap_swap_off()`, sys/uvm/uvm_amap.c. => nothing locked
 *
 * @returns whether there was no memory for one
 */
export function* amapSwapOff(this: Uvm, start: number, end: number): Step<boolean> {
  let amap = this.amapAfter(0);
  while (amap !== null) {
    yield* amap.lock.enter();
    // It may have gone while its lock was waited for.
    if (this.amaps.has(amap)) {
      if (yield* this.amapSwapOffOne(amap, start, end)) return true;
    } else {
      yield* amap.lock.exit();
    }
    amap = this.amapAfter(amap.id);
  }
  return false;
}

/** The oldest amap that is younger than another, null for none. */
export function amapAfter(this: Uvm, id: number): Amap | null {
  for (const amap of this.amaps) if (amap.id > id) return amap;
  return null;
}

/** Brings in the pages of one amap. Part of `amap_swap_off()`. => amap locked on entry, unlocked on return, and perhaps gone */
export function* amapSwapOffOne(this: Uvm, amap: Amap, start: number, end: number): Step<boolean> {
  for (let place = 0; place < amap.used.length; place++) {
    const anon = amap.at(amap.used[place] as number) as Anon;
    if (anon.swapSlot < start || anon.swapSlot >= end) continue;
    amap.flags |= AMAP_SWAPOFF;
    const failed = yield* this.uvmAnonPagein(amap, anon);
    yield* amap.lock.enter();
    amap.flags &= ~AMAP_SWAPOFF;
    if (amap.references === 0) {
      // Nobody refers to it any more; whoever was the last left it to us.
      yield* this.amapWipeout(amap);
      return failed;
    }
    if (failed) {
      yield* amap.lock.exit();
      return true;
    }
    // Slots may have moved to places that were passed already. The kernel goes on at place 1, and may miss one.
    place = -1;
  }
  yield* amap.lock.exit();
  return false;
}

/** What is swapped to, the first used first. `uvm_swap_stats()`. => nothing locked; waits for a call that changes it */
export function* uvmSwapStats(this: Uvm): Step<SwapDescription[]> {
  yield* this.swap.lock.enter('write');
  const described = this.swap.describe();
  yield* this.swap.lock.exit();
  return described;
}
