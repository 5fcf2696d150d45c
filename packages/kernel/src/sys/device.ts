/** Character devices: what has a name in /dev and is no file. `struct cdevsw`, sys/sys/conf.h. */
import type { Errno } from '../kern/errno.js';
import type { Stateful } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { Pfn } from '../machine/address.js';
import type { Protection } from '../machine/protection.js';
import type { Sys } from './sys.js';

/** A read or a write of a program's. */
export interface DeviceRequest {
  readonly write: boolean;
  /** Where in the program's memory, and how many bytes. */
  readonly address: number;
  readonly length: number;
  /** Where on the device, in bytes. A device that cannot be positioned goes on where it stands. */
  readonly offset: number;
}

/** A character device. */
export interface CharacterDevice extends Stateful {
  /** What it is called: `st0`. */
  readonly name: string;
  /** Whether reads and writes have a place: a tape goes on where it stands. */
  readonly seekable: boolean;
  /** Somebody opens it. `d_open`. @returns 0; ENXIO, EBUSY, EROFS … */
  open?(flags: number): Errno;
  /** Nobody has it open any more. `d_close`. */
  close?(): void;
  /** Moves bytes between the device and a program. `d_read`, `d_write`. @returns the number of bytes, 0 at the end; or minus an errno */
  transfer(sys: Sys, request: DeviceRequest): Step<number>;
  /** Does something else. `d_ioctl`. @returns 0 or minus an errno, ENOTTY for what it does not know */
  control?(sys: Sys, request: number, argument: number): Step<number>;
  /**
   * The frame that is mapped at an offset, -1 when none may be mapped for that access. `d_mmap`, one that is absent is a device which
   * cannot be mapped.
   */
  mmap?(offset: number, access: Protection): Pfn | -1;
}

/** A device that takes requests for bytes by physical address, and does them in its own time. `d_strategy`. */
export interface RawDevice {
  readonly name: string;
  /** How much of a request it takes at once. `minphys()` */
  bound(length: number): number;
  /** Starts a request; it ends with `biodone`. Does not wait. */
  strategy(sys: Sys, request: RawRequest): Step<void>;
}

/** A request to a device. `struct buf`, sys/sys/buf.h. */
export interface RawRequest {
  readonly write: boolean;
  /** Where on the device, in bytes. */
  readonly offset: number;
  readonly length: number;
  /** Bytes that were not moved. `b_resid`. */
  resid: number;
  /** `b_error` */
  errno: Errno;
  /** Reads the program's memory, or writes it: at the moment of the transfer. The transfer is over then. */
  copyIn(into: Uint8Array): void;
  copyOut(from: Uint8Array): void;
  /** The request is done with; who waits for it learns. `biodone()`. */
  done(): Step<void>;
}
