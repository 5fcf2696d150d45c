/** The memory of a program, as the kernel copies from it and to it in a call. */
import { EFAULT, ENAMETOOLONG, type Errno, type NetbsdSystem, PAGE_SIZE, type Step } from '@faultline/kernel';
import type { Caller } from './call-type.js';

/** `MAXPATHLEN`, sys/sys/syslimits.h */
const MAX_PATH = 1024;

/** Copies a path out of the program. `copyinstr(9)`. @returns the path; or minus EFAULT, ENAMETOOLONG */
export function* copyPath({ system }: Caller, address: number): Step<string | number> {
  let path = '';
  for (let at = address; path.length < MAX_PATH; ) {
    const piece = new Uint8Array(Math.min(MAX_PATH - path.length, PAGE_SIZE - modulo(at)));
    if ((yield* copyin(system, at, piece)) !== 0) return -EFAULT;
    const end = piece.indexOf(0);
    // A name is bytes: each is a character of its own here.
    path += String.fromCharCode(...(end < 0 ? piece : piece.subarray(0, end)));
    if (end >= 0) return path;
    at += piece.length;
  }
  return -ENAMETOOLONG;
}

/** Copies bytes in; the thread is in the kernel meanwhile, so that nobody takes the moment for a quiet one. */
function* copyin({ sys, kern }: NetbsdSystem, address: number, into: Uint8Array): Step<Errno> {
  kern.enter();
  const errno = yield* sys.copyin(address, into);
  kern.leave();
  return errno;
}

function modulo(address: number): number {
  return ((address % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE;
}

/** Copies words of 64 bits out of the program. @returns the words, as decision 8 has them; or minus EFAULT */
export function* copyWords({ system }: Caller, address: number, count: number): Step<readonly number[] | number> {
  const bytes = new Uint8Array(8 * count);
  if ((yield* copyin(system, address, bytes)) !== 0) return -EFAULT;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, index) => Number(view.getBigInt64(8 * index, true)));
}

/** Copies words of 32 bits out of the program, as signed numbers. @returns them; or minus EFAULT */
export function* copyInts({ system }: Caller, address: number, count: number): Step<readonly number[] | number> {
  const bytes = new Uint8Array(4 * count);
  if ((yield* copyin(system, address, bytes)) !== 0) return -EFAULT;
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, index) => view.getInt32(4 * index, true));
}

/** Copies numbers into the program, each of so many bytes. @returns 0 or EFAULT */
export function* storeNumbers({ system }: Caller, address: number, values: readonly bigint[], size: 4 | 8): Step<Errno> {
  const view = new DataView(new ArrayBuffer(size * values.length));
  for (const [index, value] of values.entries()) {
    if (size === 8) view.setBigInt64(8 * index, value, true);
    else view.setInt32(4 * index, Number(BigInt.asIntN(32, value)), true);
  }
  system.kern.enter();
  const errno = yield* system.sys.copyout(address, new Uint8Array(view.buffer));
  system.kern.leave();
  return errno;
}
