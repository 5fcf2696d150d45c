/** Bytes between the kernel and a program. `copy(9)`. */
import { EFAULT, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asVa } from '../machine/address.js';
import type { Sys } from './sys.js';

/** Copies into the running program. `copyout()`. @returns 0 or EFAULT */
export function* copyout(this: Sys, address: number, bytes: Uint8Array): Step<Errno> {
  if (bytes.length === 0) return 0;
  const { curlwp } = this;
  const cpu = this.activeCpu(curlwp);
  curlwp.onFault = true;
  const errno = yield* cpu.write(asVa(address), bytes);
  curlwp.onFault = false;
  return errno === 0 ? 0 : EFAULT;
}

/** Copies out of the running program. `copyin()`. @returns 0 or EFAULT */
export function* copyin(this: Sys, address: number, into: Uint8Array): Step<Errno> {
  if (into.length === 0) return 0;
  const { curlwp } = this;
  const cpu = this.activeCpu(curlwp);
  curlwp.onFault = true;
  const errno = yield* cpu.read(asVa(address), into);
  curlwp.onFault = false;
  return errno === 0 ? 0 : EFAULT;
}
