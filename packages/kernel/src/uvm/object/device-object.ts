/** Memory of devices as memory objects. `struct uvm_device`, sys/uvm/uvm_device.h. It has no pages: its frames are no RAM. */
import type { Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import { WaitChannel } from '../../kern/sleepq.js';
import type { StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import type { ByteOffset } from '../../machine/address.js';
import type { MappableDevice } from '../../vm/system.js';
import type { FaultContext } from '../fault/fault-context.js';
import type { Uvm } from '../uvm.js';
import { type GetRequest, UvmObject } from './object.js';

/** Somebody is taking a reference, or about to: it must not go. With `udvLock`. */
export const UVM_DEVICE_HOLD = 1;
/** Somebody sleeps until it is not held any more. With `udvLock`. */
export const UVM_DEVICE_WANTED = 2;

/** A device that is mapped. */
export class UvmDevice extends UvmObject {
  readonly pagerName = 'device';
  readonly counter = null;
  readonly needsWriteFault = false;
  readonly device: MappableDevice;
  /** `UVM_DEVICE_*`. `u_flags`. */
  flags = 0;
  /** Who waits for it not to be held. */
  readonly channel: WaitChannel;

  constructor(id: number, lock: Mutex, device: MappableDevice) {
    super(id, lock);
    this.device = device;
    this.channel = new WaitChannel(`device ${device.name}`);
  }

  get label(): string {
    return this.device.name;
  }

  override writeState(writer: StateWriter): void {
    super.writeState(writer);
    writer.reference('device', this.device);
    writer.field('flags', this.flags);
    writer.thing('channel', this.channel);
  }

  reference(uvm: Uvm): Step<void> {
    return uvm.udvReference(this);
  }

  detach(uvm: Uvm): Step<void> {
    return uvm.udvDetach(this);
  }

  override fault(uvm: Uvm, fault: FaultContext): Step<Errno> {
    return uvm.udvFault(fault, this);
  }

  /** Its faults are its own business, so nobody asks for pages. */
  *get(uvm: Uvm, _request: GetRequest): Step<Errno> {
    yield* this.lock.exit();
    return uvm.kern.panic('pgo_get of a device');
  }

  /** There is nothing to write back, and nothing to free. */
  *put(_uvm: Uvm, _start: ByteOffset, _end: ByteOffset, _flags: number): Step<Errno> {
    yield* this.lock.exit();
    return 0;
  }

  /** It is always there. */
  readAhead(): void {}
}
