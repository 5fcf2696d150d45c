/** The I/O of swap. `uvm_swap_io()`, sys/uvm/uvm_swap.c. */
import { EIO, type Errno } from '../../kern/errno.js';
import type { StepObject } from '../../kern/lwp.js';
import type { Step } from '../../kern/switch.js';
import type { Pfn } from '../../machine/address.js';
import { type IoOperation, type IoRequest, startIo, waitForIo } from '../../machine/io.js';
import type { Uvm } from '../uvm.js';
import { SWSLOT_BAD } from './swap.js';
import type { SwapDevice } from './swap-device.js';

/** Moves pages to or from slots that lie one behind the other. */
abstract class SwapRun implements IoOperation {
  abstract readonly site: IoOperation['site'];
  protected readonly uvm: Uvm;
  protected readonly device: SwapDevice;
  protected readonly slot: number;
  protected readonly run: readonly Pfn[];
  /** Pages that have been moved. */
  protected moved = 0;

  constructor(uvm: Uvm, device: SwapDevice, slot: number, run: readonly Pfn[]) {
    this.uvm = uvm;
    this.device = device;
    this.slot = slot;
    this.run = run;
  }

  get medium(): StepObject {
    return this.device;
  }

  abstract get label(): string;

  delay(): number {
    return this.device.medium.delay(this.site === 'io.read' ? 'read' : 'write');
  }

  transfer(): Errno {
    for (const [i, page] of this.run.entries()) {
      const errno = this.move(this.slot + i, this.uvm.machine.ram.page(page));
      if (errno !== 0) return errno;
      this.moved++;
    }
    return 0;
  }

  abstract done(errno: Errno): Step<void>;
  protected abstract move(slot: number, bytes: Uint8Array): Errno;
}

/** Reads pages. They are busy. */
class SwapRead extends SwapRun {
  readonly site = 'io.read';

  get label(): string {
    return `read ${this.device.label} @ ${this.slot}`;
  }

  *done(_errno: Errno): Step<void> {}

  protected move(slot: number, bytes: Uint8Array): Errno {
    return this.device.read(slot, bytes);
  }
}

/** Writes pages, which are busy, and gives them up. */
class SwapWrite extends SwapRun {
  readonly site = 'io.write';

  get label(): string {
    return `write ${this.device.label} @ ${this.slot}`;
  }

  done(errno: Errno): Step<void> {
    return this.uvm.uvmAioAiodonePages(this.slot, this.run, { errno, moved: this.moved });
  }

  protected move(slot: number, bytes: Uint8Array): Errno {
    return this.device.write(slot, bytes);
  }
}

/**
 * Reads a slot into a page. `uvm_swap_get()`. => page busy, nothing locked; sleeps until the bytes are there
 *
 * @returns 0, and the page is no longer only on swap; EIO, too, for a slot that was lost
 */
export function* uvmSwapGet(this: Uvm, page: Pfn, slot: number): Step<Errno> {
  this.uvmexp.nswget++;
  if (slot === SWSLOT_BAD) return EIO;
  const device = this.swap.deviceOf(slot) ?? this.kern.panic(`uvm_swap_get: no device has slot ${slot}`);
  const errno = yield* waitForIo(this.kern, yield* startIo(this.kern, new SwapRead(this, device, slot, [page])));
  if (this.kern.log.on) this.log({ kind: 'swap-in', page, slot, errno });
  if (errno !== 0) return EIO;
  this.uvmSwapNotOnly();
  this.uvmexp.pgswapin++;
  return 0;
}

/**
 * Starts to write pages to slots that lie one behind the other. `uvm_swap_put()`.
 *
 * => pages busy and clean, each with its slot; those that are to be freed with `PG_PAGEOUT`. Nothing locked. Does not wait: when it is
 *    done, `uvmAioAiodonePages` gives the pages up, or the request can be waited for.
 */
export function* uvmSwapPut(this: Uvm, slot: number, run: readonly Pfn[]): Step<IoRequest> {
  const device = this.swap.deviceOf(slot) ?? this.kern.panic(`uvm_swap_put: no device has slot ${slot}`);
  return yield* startIo(this.kern, new SwapWrite(this, device, slot, run));
}
