/**
 * A process's address space as an embedder has it in hand: what the kernel itself, a debugger or a device does there, as opposed to the
 * loads and stores of its program (`User`).
 */
import { EFAULT, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asPa, asVa, PAGE_MASK, PAGE_SIZE, type Pfn, paToPfn, truncPage, type Va } from '../machine/address.js';
import { PROT_READ, PROT_WRITE, type Protection } from '../machine/protection.js';
import { ATTR_MODIFIED } from '../machine/reverse-map.js';
import { O_RDONLY, O_RDWR } from '../sys/file.js';
import { asThread, ProcessEnded } from '../sys/outside.js';
import type { Sys } from '../sys/sys.js';
import type { User } from '../sys/user.js';
import type { AddressDescription } from '../vm/address-description.js';
import { MAP_FIXED, MAP_SHARED } from '../vm/mman.js';
import type { MappingDescription, VmSpace, Wiring } from '../vm/system.js';

/** How a page is pinned. */
export interface PinOptions {
  /** Whether it will be written to. Default false: then it may be shared with others, who must not see it change. */
  readonly write?: boolean;
}

/** How a device is mapped. */
export interface MapDeviceOptions {
  /** Where to, a page boundary; anywhere when absent. */
  readonly address?: number;
  /** `PROT_*`. Default: loads and stores. */
  readonly protection?: Protection;
  /** How much of it, in bytes. */
  readonly length: number;
  /** Where in it that begins, in bytes; whole pages. Default 0. */
  readonly offset?: number;
}

/** The address space of a process, by way of one of its threads. */
export class Space {
  readonly user: User;
  private readonly sys: Sys;

  constructor(sys: Sys, user: User) {
    this.sys = sys;
    this.user = user;
  }

  /** All mappings, by address. Looks only. */
  mappings(): MappingDescription[] {
    return this.sys.vm.describeSpace(this.vmSpace);
  }

  /** What an address means and where its bytes are, for debuggers. Looks only: no fault, no bit in a page table, no lock. */
  translate(address: number): AddressDescription {
    return this.sys.vm.describeAddress(this.vmSpace, asVa(address));
  }

  /**
   * Reads what is in memory, for debuggers. Looks only, as `translate`.
   *
   * @returns how many bytes could be read: less than all when what follows is not in memory, or is no memory
   */
  peek(address: number, into: Uint8Array): number {
    for (let done = 0; done < into.length; ) {
      const within = (address + done) & PAGE_MASK;
      const length = Math.min(PAGE_SIZE - within, into.length - done);
      const { content } = this.translate(address + done);
      if (content.kind === 'zeros') into.fill(0, done, done + length);
      else if (content.kind !== 'memory') return done;
      else into.set(this.sys.machine.ram.page(content.frame).subarray(within, within + length), done);
      done += length;
    }
    return into.length;
  }

  /**
   * Reads as the kernel does on behalf of the program: what is missing is brought in, and no signal comes of what cannot be. `copyin()`
   *
   * @returns 0 or EFAULT
   */
  *read(address: number, into: Uint8Array): Step<Errno> {
    if (this.outside) return yield* asThread(this.sys, this.user.lwp, () => this.read(address, into));
    return yield* this.inKernel(() => this.sys.copyin(address, into));
  }

  /** Writes as the kernel does on behalf of the program. `copyout()` @returns 0 or EFAULT */
  *write(address: number, from: Uint8Array): Step<Errno> {
    if (this.outside) return yield* asThread(this.sys, this.user.lwp, () => this.write(address, from));
    return yield* this.inKernel(() => this.sys.copyout(address, from));
  }

  /**
   * Gives the bytes of a page without copying them. They are brought in if need be, and stay where they are until `release`.
   *
   * => they are the program's page for as long as the program leaves it mapped there: after munmap, mremap, exec or exit the bytes are
   *    nobody's, and after a fork the first of the two to store gets another page. `isCurrent` says whether that has happened.
   *
   * @param address any in the page
   * @returns the page; or minus the errno of the fault that could not be resolved, EFAULT for a device's page, which has no bytes
   */
  *pin(address: number, options: PinOptions = {}): Step<PinnedPage | number> {
    if (this.outside) return yield* asThread(this.sys, this.user.lwp, () => this.pin(address, options));
    const page = truncPage(asVa(address));
    const access = options.write === true ? PROT_WRITE : PROT_READ;
    const wiring = yield* this.inKernel(() => this.sys.vm.vslock(this.vmSpace, page, PAGE_SIZE, access));
    if (typeof wiring === 'number') return -wiring;
    const frame = this.frameAt(page);
    if (frame === -1 || !this.sys.machine.isManaged(frame)) {
      yield* this.inKernel(() => this.sys.vm.vsunlock(this.vmSpace, page, PAGE_SIZE, wiring));
      return -EFAULT;
    }
    const bytes = this.sys.machine.ram.page(frame);
    return new PinnedPage(this, { page, frame, bytes, write: access === PROT_WRITE, wiring });
  }

  /**
   * Maps a device that the system has under a name, as a program would that opens it, and closes it again.
   *
   * @param path `/dev/fb0`
   * @returns the address, or minus an errno
   */
  *mapDevice(path: string, options: MapDeviceOptions): Step<number> {
    const { user } = this;
    const { address = 0, offset = 0, length, protection = PROT_READ | PROT_WRITE } = options;
    const fd = yield* user.open(path, (protection & PROT_WRITE) === 0 ? O_RDONLY : O_RDWR);
    if (fd < 0) return fd;
    const flags = options.address === undefined ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
    const at = yield* user.mmap(address, length, protection, flags, fd, offset);
    yield* user.close(fd);
    return at;
  }

  /** The physical page that is mapped at an address now, -1 for none. */
  frameAt(address: number): Pfn | -1 {
    const physical = this.sys.machine.pmapExtract(this.vmSpace.pmap, asVa(address));
    return physical < 0 ? -1 : paToPfn(asPa(physical));
  }

  /** Lets a page go that was pinned: what `PinnedPage.release` does. */
  *unpin(pinned: PinnedPage): Step<void> {
    if (this.outside) {
      yield* asThread(this.sys, this.user.lwp, () => this.unpin(pinned));
      return;
    }
    const { page, write } = pinned;
    if (this.user.process.space === null) return;
    // Whoever cleans the page looks at its bit, and a clean file learns of stores by a fault: neither has seen what was written here.
    if (write && pinned.isCurrent) {
      yield* this.inKernel(() => this.sys.vm.fault(this.vmSpace, page, PROT_WRITE));
      const { reverseMap } = this.sys.machine;
      if (pinned.isCurrent) reverseMap.setAttrs(pinned.frame, reverseMap.attrs(pinned.frame) | ATTR_MODIFIED);
    }
    yield* this.inKernel(() => this.sys.vm.vsunlock(this.vmSpace, page, PAGE_SIZE, pinned.wiring));
  }

  private *inKernel<T>(call: () => Step<T>): Step<T> {
    const { kern } = this.sys;
    kern.enter();
    const answer = yield* call();
    kern.leave();
    return answer;
  }

  private get outside(): boolean {
    return this.sys.kern.scheduler.outside;
  }

  private get vmSpace(): VmSpace {
    const { process } = this.user;
    if (process.space === null) throw new ProcessEnded(process);
    return process.space;
  }
}

/** A page whose bytes an embedder has in hand. */
export class PinnedPage {
  /** Where the page begins. */
  readonly page: Va;
  readonly frame: Pfn;
  /** Its bytes: the machine's own, not a copy. */
  readonly bytes: Uint8Array;
  /** Whether it was asked for to be written to; if not, `bytes` is to be read only. */
  readonly write: boolean;
  /** What keeps it where it is. */
  readonly wiring: Wiring;
  private readonly space: Space;
  private held = true;

  constructor(space: Space, parts: { page: Va; frame: Pfn; bytes: Uint8Array; write: boolean; wiring: Wiring }) {
    this.space = space;
    this.page = parts.page;
    this.frame = parts.frame;
    this.bytes = parts.bytes;
    this.write = parts.write;
    this.wiring = parts.wiring;
  }

  /** Whether these are still the bytes that the program has at this address. */
  get isCurrent(): boolean {
    return this.held && this.space.user.process.space !== null && this.space.frameAt(this.page) === this.frame;
  }

  /** Lets the page go: from now on the bytes may be anybody's. What was written counts as the program's own store. Only the first time. */
  *release(): Step<void> {
    if (!this.held) return;
    yield* this.space.unpin(this);
    this.held = false;
  }
}
