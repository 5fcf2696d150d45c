/**
 * Raw I/O: a device moves bytes to or from a program's memory, without a buffer in between. `physio()`, sys/kern/kern_physio.c, and
 * `vmapbuf()`, sys/arch/x86/x86/vm_machdep.c.
 *
 *     physio, for each chunk      vslock ── vmapbuf: the physical addresses ── strategy ──┐            up to 16 at a time
 *     the device, in its time                     io-done: the bytes move ── biodone ─────┤
 *     physiod                                           vunmapbuf ── vsunlock ── who waits goes on
 *
 * From `vmapbuf` on the device knows frames, and `vsunlock` knows addresses. Nothing keeps the two together.
 */
import type { Step } from '../kern/switch.js';
import { asPa, asVa, PAGE_MASK, PAGE_SIZE, type Pfn, paToPfn, roundPage } from '../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../machine/protection.js';
import { NO_FRAME } from '../vm/system.js';
import type { DeviceRequest, RawDevice } from './device.js';
import { PHYSIO_CONCURRENCY } from './param.js';
import { PhysioBuffer, PhysioStatus } from './physio-buffer.js';
import type { Sys } from './sys.js';

/**
 * Has a device read or write a program's memory, in chunks, and waits for it. `physio()`.
 *
 * => the memory is wired meanwhile, by address.
 *
 * @returns the number of bytes up to the first chunk that ended early; or minus the error with which it did, or that of wiring
 */
export function* physio(this: Sys, device: RawDevice, request: DeviceRequest): Step<number> {
  const { kern, curlwp, maxphys } = this;
  const space = this.spaceOf(this.processOf(curlwp));
  const status = new PhysioStatus(kern, curlwp.name);
  let issued = 0;
  let errno = 0;
  let most = PHYSIO_CONCURRENCY - 1;
  while (issued < request.length && errno === 0) {
    yield* status.lock.enter();
    if (yield* this.physioWait(status, most)) {
      yield* status.lock.exit();
      break;
    }
    status.running++;
    yield* status.lock.exit();

    const length = device.bound(Math.min(maxphys, request.length - issued));
    const buffer = new PhysioBuffer(this, status, space, {
      label: `${device.name} ${request.write ? 'write' : 'read'} of ${length} bytes`,
      write: request.write,
      address: request.address + issued,
      offset: request.offset + issued,
      length,
    });
    const wiring = yield* this.vm.vslock(space, buffer.address, length, request.write ? PROT_READ : PROT_WRITE);
    if (typeof wiring === 'number') {
      errno = wiring;
      status.running--;
      break;
    }
    buffer.wiring = wiring;
    this.vmapbuf(buffer);
    this.physios.add(buffer);
    yield* device.strategy(this, buffer);
    issued += length;
    // The next chunk begins in the page in which this one ends: one after the other.
    if (((request.address + issued) & PAGE_MASK) !== 0) most = 0;
  }
  yield* status.lock.enter();
  const failed = yield* this.physioWait(status, 0);
  yield* status.lock.exit();
  if (failed && status.errno !== 0) return -status.errno;
  if (errno !== 0) return -errno;
  return failed ? status.endOffset - request.offset : issued;
}

/** Waits until a device has at most so many chunks. `physio_wait()`. => `lock` held. @returns whether a chunk has failed */
export function* physioWait(this: Sys, status: PhysioStatus, most: number): Step<boolean> {
  while (status.running > most) yield* status.done.wait(status.lock);
  return status.failed;
}

/**
 * Maps the pages behind a buffer into the kernel, for the device. `vmapbuf()`.
 *
 * => does not sleep. Asks the page table for each address and goes by what it says: NetBSD ignores that it may say nothing, and uses what
 *    is in its variable from the address before. Where there is none before, that is a frame that is none.
 */
export function vmapbuf(this: Sys, buffer: PhysioBuffer): void {
  const { machine, vm } = this;
  const { address, length, space } = buffer;
  let frame: Pfn = NO_FRAME;
  for (let va = buffer.start; va < roundPage(address + length); va = asVa(va + PAGE_SIZE)) {
    const pa = machine.pmapExtract(space.pmap, va);
    if (pa >= 0) frame = paToPfn(asPa(pa));
    buffer.frames.push(frame);
  }
  buffer.mappedAt = vm.mapFrames(buffer.frames, buffer.write ? PROT_READ : PROT_READ | PROT_WRITE);
  vm.beginTransfer(buffer);
}

/** Unmaps them. `vunmapbuf()`. => does not sleep */
export function vunmapbuf(this: Sys, buffer: PhysioBuffer): void {
  const at = buffer.mappedAt ?? this.kern.panic('vunmapbuf: not mapped');
  this.vm.unmapFrames(at, buffer.frames.length);
  buffer.mappedAt = null;
}

/** The device is done with a chunk: the rest is left to physiod, which may sleep. `physio_biodone()`. */
export function* physioBiodone(this: Sys, buffer: PhysioBuffer): Step<void> {
  // One that failed has moved nothing.
  this.vm.endTransfer(buffer, { moves: false });
  this.physiodQueue.push(buffer);
  if (this.physiodQueue.length > 1 || this.physiodAtWork) return;
  this.physiodAtWork = true;
  this.kern.scheduler.spawn(() => this.physiod());
}

/** The thread that clears up behind raw I/O, as long as there is something to clear up. `physio_done()` in a workqueue, "physiod". */
export function* physiod(this: Sys): Step<void> {
  for (let buffer = this.physiodQueue.shift(); buffer !== undefined; buffer = this.physiodQueue.shift()) {
    yield* this.physioDone(buffer);
  }
  this.physiodAtWork = false;
}

/** Unmaps and unwires the memory of a chunk, and tells who waits for it. `physio_done()`. */
export function* physioDone(this: Sys, buffer: PhysioBuffer): Step<void> {
  const { status, space, address, length, offset, resid } = buffer;
  const wiring = buffer.wiring ?? this.kern.panic('physio_done: not wired');
  this.vunmapbuf(buffer);
  yield* this.vm.vsunlock(space, address, length, wiring);
  this.physios.delete(buffer);
  yield* status.lock.enter();
  const end = offset + length - resid;
  // Of several that end early, the first on the device counts.
  if (resid > 0 && (!status.failed || end < status.endOffset)) {
    status.failed = true;
    status.endOffset = end;
    status.errno = buffer.errno;
  }
  this.kern.kassert(status.running > 0, 'ps->ps_running > 0');
  status.running--;
  yield* status.done.signal();
  yield* status.lock.exit();
}
