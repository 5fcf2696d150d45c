/** `swapctl(2)`: checks in the order in which NetBSD makes them. sys/uvm/uvm_swap.c. */
import { isSuperuser } from '../../kern/credentials.js';
import { EINVAL, ENODEV, ENOENT, ENOTBLK, EPERM, type Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import {
  SWAP_CTL,
  SWAP_DUMPDEV,
  SWAP_DUMPOFF,
  SWAP_GETDUMPDEV,
  SWAP_NSWAP,
  SWAP_OFF,
  SWAP_ON,
  SWAP_STATS,
} from '../../vm/swapctl.js';
import type { SwapDescription, SwapTarget } from '../../vm/system.js';
import type { Sys } from '../sys.js';
import { Vfs } from '../vfs.js';

/**
 * Controls what is swapped to. `sys_swapctl()`.
 *
 * => the superuser only, but for `SWAP_NSWAP`, `SWAP_STATS` and `SWAP_GETDUMPDEV`.
 * => there is no dump device, and none can be named: nothing here could write a dump.
 *
 * @param path what is meant, for those commands that mean something; null is the root device, which there is none of
 * @param misc a priority, or for `SWAP_STATS` how many to tell of at most
 * @returns a number, or for `SWAP_STATS` and `SWAP_GETDUMPDEV` what was asked for
 */
export function* sysSwapctl(this: Sys, command: number, path: string | null, misc: number): Step<number | SwapDescription[]> {
  if (command === SWAP_NSWAP) return this.vm.describeSwap().length;
  if (command === SWAP_STATS) return misc < 0 ? -EINVAL : (yield* this.vm.swapStatistics()).slice(0, misc);
  if (command === SWAP_GETDUMPDEV) return [];
  if (!isSuperuser(this.processOf(this.curlwp).credentials)) return -EPERM;
  if (command === SWAP_DUMPOFF) return 0;
  const target = path === null ? null : this.swapTarget(path);
  if (target === null) return -ENOENT;
  return -(yield* this.swapctlTarget(command, target, misc));
}

/** The commands of `sys_swapctl()` that mean a file or a disk. */
export function* swapctlTarget(this: Sys, command: number, target: SwapTarget, misc: number): Step<Errno> {
  switch (command) {
    case SWAP_ON:
      return yield* this.vm.swapOn(target, misc);
    case SWAP_OFF:
      return yield* this.vm.swapOff(target);
    case SWAP_CTL:
      return yield* this.vm.swapPriority(target, misc);
    case SWAP_DUMPDEV:
      return target.disk === null ? ENOTBLK : ENODEV;
    default:
      return EINVAL;
  }
}

/** The file or the disk of that name, null for none. `namei()` */
export function swapTarget(this: Sys, path: string): SwapTarget | null {
  const name = Vfs.normalize(path);
  const disk = this.disks.get(name);
  if (disk !== undefined) return { path: name, vnode: null, disk };
  const vnode = this.vfs.lookup(name);
  return vnode === null ? null : { path: name, vnode, disk: null };
}
