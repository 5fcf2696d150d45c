/**
 * The device pager: mapping what devices have of memory. sys/uvm/uvm_device.c.
 *
 *     mmap ── udvAttach: may all of it be mapped? one object a device, HOLD while a reference is taken ── entry
 *     fault ── udvFault: the device says which frame ── pmapEnter, unmanaged: the page queues never hear of it
 *
 * Lock order: object -> `udv_lock`. `udvAttach` wants them the other way round, which is what HOLD is for.
 */
import { EIO, ERESTART, type Errno } from '../../kern/errno.js';
import { Mutex } from '../../kern/mutex.js';
import { sleepOn, wakeup } from '../../kern/sleepq.js';
import type { Step } from '../../kern/switch.js';
import { asPfn, type ByteOffset, PAGE_SIZE, pfnToPa } from '../../machine/address.js';
import { PMAP_CANFAIL } from '../../machine/pmap.js';
import type { Protection } from '../../machine/protection.js';
import type { MappableDevice } from '../../vm/system.js';
import type { FaultContext } from '../fault/fault-context.js';
import type { Uvm } from '../uvm.js';
import { UVM_DEVICE_HOLD, UVM_DEVICE_WANTED, UvmDevice } from './device-object.js';

/**
 * Finds the object of a device, or makes it; the caller has a reference. `udv_attach()`.
 *
 * => nothing locked. Asks the device about each page of the range. Sleeps on "udv_attach" while another thread takes a reference.
 *
 * @returns null when some page may not be mapped for that access
 */
export function* udvAttach(
  this: Uvm,
  device: MappableDevice,
  access: Protection,
  offset: ByteOffset,
  size: number,
): Step<UvmDevice | null> {
  const { kern, deviceObjects } = this;
  if (offset < 0) return null;
  for (let at = 0; at < size; at += PAGE_SIZE) if (device.mmap(offset + at, access) < 0) return null;
  for (;;) {
    yield* this.udvLock.enter();
    const known = deviceObjects.find((object) => object.device === device);
    if (known !== undefined) {
      if (known.flags & UVM_DEVICE_HOLD) {
        known.flags |= UVM_DEVICE_WANTED;
        yield* sleepOn(kern.scheduler, known.channel, { message: 'udv_attach', interlock: this.udvLock });
        continue;
      }
      // Held, it stays; so the locks can be taken in their order.
      known.flags |= UVM_DEVICE_HOLD;
      yield* this.udvLock.exit();
      yield* known.lock.enter();
      known.references++;
      yield* known.lock.exit();
      yield* this.udvLock.enter();
      if (known.flags & UVM_DEVICE_WANTED) yield* wakeup(kern.scheduler, known.channel);
      known.flags &= ~(UVM_DEVICE_WANTED | UVM_DEVICE_HOLD);
      yield* this.udvLock.exit();
      return known;
    }
    // To make one may sleep, so others may have made one when that is done.
    yield* this.udvLock.exit();
    const made = this.udvAlloc(device);
    yield* this.udvLock.enter();
    if (deviceObjects.some((object) => object.device === device)) {
      yield* this.udvLock.exit();
      continue;
    }
    deviceObjects.unshift(made);
    this.objects.add(made);
    yield* this.udvLock.exit();
    return made;
  }
}

/** Makes an object for a device, which nobody knows yet. Part of `udv_attach()`. => does not sleep */
export function udvAlloc(this: Uvm, device: MappableDevice): UvmDevice {
  const id = this.nextObjectId++;
  return new UvmDevice(id, new Mutex(this.kern, this.objectLockClass, String(id)), device);
}

/** Adds a reference. `udv_reference()`. => unlocked */
export function* udvReference(this: Uvm, object: UvmDevice): Step<void> {
  yield* object.lock.enter();
  object.references++;
  yield* object.lock.exit();
}

/** Drops a reference; with the last one the object goes. `udv_detach()`. => unlocked. Sleeps on "udv_detach" while it is held. */
export function* udvDetach(this: Uvm, object: UvmDevice): Step<void> {
  const { kern, deviceObjects } = this;
  for (;;) {
    yield* object.lock.enter();
    if (object.references > 1) {
      object.references--;
      yield* object.lock.exit();
      return;
    }
    yield* this.udvLock.enter();
    if ((object.flags & UVM_DEVICE_HOLD) === 0) break;
    // Whoever holds it will have a reference: then this was not the last one.
    object.flags |= UVM_DEVICE_WANTED;
    yield* object.lock.exit();
    yield* sleepOn(kern.scheduler, object.channel, { message: 'udv_detach', interlock: this.udvLock });
  }
  deviceObjects.splice(deviceObjects.indexOf(object), 1);
  this.objects.delete(object);
  object.references = 0;
  if (object.flags & UVM_DEVICE_WANTED) yield* wakeup(kern.scheduler, object.channel);
  yield* this.udvLock.exit();
  yield* object.lock.exit();
}

/**
 * Resolves a fault on memory of a device: maps the frame that the device names. `udv_fault()`.
 *
 * => map, amap and object locked; nothing locked on return.
 *
 * @returns 0; EIO when the device does not want to, or the entry is copy-on-write; ERESTART when there was no memory for a page table
 */
export function* udvFault(this: Uvm, fault: FaultContext, object: UvmDevice): Step<Errno> {
  const { machine } = this;
  const { entry, va } = fault;
  const { pmap } = fault.originalMap;
  const frame = entry.copyOnWrite ? -1 : object.device.mmap(entry.offset + fault.offsetInEntry, fault.access);
  if (frame < 0) {
    yield* this.uvmfaultUnlockall(fault, entry.amap, object);
    return EIO;
  }
  const { protection } = entry;
  const errno = machine.pmapEnter(pmap, va, pfnToPa(asPfn(frame)), protection, PMAP_CANFAIL | protection);
  if (errno === 0 && this.kern.log.on) this.log({ kind: 'fault-device', va, frame: asPfn(frame), device: object.label });
  yield* this.uvmfaultUnlockall(fault, entry.amap, object);
  machine.pmapUpdate(pmap);
  if (errno === 0) return 0;
  yield* this.uvmWait('udv_fault');
  return ERESTART;
}
