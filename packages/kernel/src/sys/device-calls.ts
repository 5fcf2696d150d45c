/** System calls on devices. sys/miscfs/specfs/spec_vnops.c. */
import { EBADF, EINVAL, ENOTTY, ESPIPE } from '../kern/errno.js';
import { RLIMIT_NOFILE } from '../kern/limits.js';
import type { Step } from '../kern/switch.js';
import type { CharacterDevice } from './device.js';
import { O_CLOEXEC, OpenFile } from './file.js';
import type { Process } from './process.js';
import type { Sys } from './sys.js';
import { Vfs } from './vfs.js';

/** The device of that name, null for none. */
export function lookupDevice(this: Sys, path: string): CharacterDevice | null {
  return this.devices.get(Vfs.normalize(path)) ?? null;
}

/** Gives a device a name, which must be free. */
export function addDevice(this: Sys, path: string, device: CharacterDevice): void {
  const name = Vfs.normalize(path);
  if (this.devices.has(name) || this.vfs.lookup(name) !== null) throw new Error(`there is a file named ${name} already`);
  this.devices.set(name, device);
}

/** Opens a device. `spec_open()`. => does not sleep. @returns the descriptor, or minus EMFILE, or what the device answers */
export function specOpen(this: Sys, process: Process, device: CharacterDevice, flags: number): number {
  const limit = process.limits.soft(RLIMIT_NOFILE);
  const free = process.files.lowestFree(limit);
  if (free < 0) return free;
  const errno = device.open?.(flags) ?? 0;
  if (errno !== 0) return -errno;
  const file = new OpenFile({ kind: 'device', device }, flags);
  this.openFiles.add(file);
  return process.files.allocate(file, limit, { closeOnExec: (flags & O_CLOEXEC) !== 0 });
}

/** Closes an open file that is a device; the device learns when it was the last one. `spec_close()`. => does not sleep */
export function specClose(this: Sys, device: CharacterDevice): void {
  for (const { target } of this.openFiles) if (target.kind === 'device' && target.device === device) return;
  device.close?.();
}

/**
 * Moves bytes between a device and the program. `spec_read()`, `spec_write()`.
 *
 * @param request.at where on the device, null for where the descriptor stands, which then moves
 * @returns the number of bytes; or minus ESPIPE when there is no such thing as a place on it, or what the device answers
 */
export function* specTransfer(
  this: Sys,
  file: OpenFile,
  device: CharacterDevice,
  request: { write: boolean; address: number; length: number; at: number | null },
): Step<number> {
  const { write, address, length, at } = request;
  if (at !== null && !device.seekable) return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  if (length === 0) return 0;
  const moved = yield* device.transfer(this, { write, address, length, offset: at ?? file.offset });
  if (moved > 0 && at === null && device.seekable) file.offset += moved;
  return moved;
}

/** Has a device do something. `sys_ioctl()`. @returns 0; or minus EBADF, ENOTTY (no device, or not for it), or what the device answers */
export function* sysIoctl(this: Sys, fd: number, request: number, argument: number): Step<number> {
  const file = this.processOf(this.curlwp).files.get(fd);
  if (file === EBADF) return -EBADF;
  if (file.target.kind !== 'device' || file.target.device.control === undefined) return -ENOTTY;
  return yield* file.target.device.control(this, request, argument);
}
