/**
 * Swap: the devices, and the slots of all of them in one row. sys/uvm/uvm_swap.c.
 *
 *     priorities    0: /swap0 ⇄ /swap1         the lowest number first; inside of it, in turn
 *                   5: /dev/wd0
 *
 *     drum          0 │1 … 64│65 … 128│129 … 256│       slot 0 is none, -1 one that was lost
 *                       wd0     swap0    swap1
 *
 * A slot has one owner: an anon, a page of an anonymous object, or nobody any more, when it is bad. What changes here and in the
 * counters changes at once, where the kernel has `uvm_swap_data_lock`; `lock` is held through a system call.
 */
import type { Kern } from '../../kern/kern.js';
import { RwLock } from '../../kern/rwlock.js';
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { SwapDescription, SwapTarget, Vnode, VnodeReferrer } from '../../vm/system.js';
import type { SwapDevice } from './swap-device.js';

/** In place of a slot: what was there is lost. */
export const SWSLOT_BAD = -1;

/** Slots that lie one behind the other. */
export interface SwapSlots {
  readonly slot: number;
  readonly count: number;
}

/** All swap. */
export class Swap implements Stateful, VnodeReferrer {
  /** Held by a system call that changes the devices. `swap_syscall_lock` */
  readonly lock: RwLock;
  /** The devices, by priority, and those of one priority in the order in which they are tried next. `swap_priority` */
  readonly devices: SwapDevice[] = [];

  constructor(kern: Kern) {
    this.lock = new RwLock(kern, kern.lockClass('swap_syscall_lock'));
  }

  /** The device that has a slot, null when none has. `swapdrum_getsdp()`. */
  deviceOf(slot: number): SwapDevice | null {
    for (const device of this.devices) if (device.has(slot)) return device;
    return null;
  }

  /** The device that is this file or disk, null when it is not swapped to. `swaplist_find()` */
  find(target: SwapTarget): SwapDevice | null {
    const same = (device: SwapDevice): boolean => device.target.vnode === target.vnode && device.target.disk === target.disk;
    return this.devices.find(same) ?? null;
  }

  /** Adds a device behind the others of its priority. `swaplist_insert()` */
  insert(device: SwapDevice): void {
    const { devices } = this;
    let place = devices.length;
    while (place > 0 && (devices[place - 1] as SwapDevice).priority > device.priority) place--;
    devices.splice(place, 0, device);
  }

  remove(device: SwapDevice): void {
    this.devices.splice(this.devices.indexOf(device), 1);
  }

  /** A place among the pages of all devices where so many more fit, the lowest there is. */
  room(pages: number): number {
    let place = 1;
    for (const device of [...this.devices].sort((a, b) => a.drumOffset - b.drumOffset)) {
      if (place + pages <= device.drumOffset) break;
      place = device.drumEnd;
    }
    return place;
  }

  /** The devices, in the order in which they are used. */
  describe(): SwapDescription[] {
    return this.devices.map(({ target, priority, enabled, slots, inUse, bad }) => ({
      path: target.path,
      priority,
      enabled,
      pages: slots,
      inUse,
      bad,
    }));
  }

  /** References to a file that swap holds. */
  heldReferences(vnode: Vnode): number {
    return this.devices.filter((device) => device.target.vnode === vnode).length;
  }

  /** Slots that are never used again, of the devices from which slots are taken. */
  get bad(): number {
    return this.devices.reduce((sum, device) => sum + (device.enabled ? device.bad : 0), 0);
  }

  writeState(writer: StateWriter): void {
    writer.thing('lock', this.lock);
    writer.parts('device', this.devices, (device) => device.writeState(writer));
  }
}
