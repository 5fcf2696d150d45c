/** What a system swaps to from boot on. */

import { errnoName } from '../kern/errno.js';
import { PAGE_SIZE } from '../machine/address.js';
import { type BlockDevice, DEV_BSIZE, MemoryDisk } from '../machine/disk.js';
import type { FileStore } from '../machine/file-store.js';
import type { SwapTarget } from '../vm/system.js';
import type { Sys } from './sys.js';
import { Vfs } from './vfs.js';

export interface SwapCommon {
  /** What it is called: the path of a file, or `wd0` of a disk, whose path is `/dev/wd0`. */
  readonly name: string;
  /** The lower, the sooner it is used; those of one priority are used in turn. Default 0. */
  readonly priority?: number;
  /** Whether it is swapped to at once; if not, `swapctl` can begin to. Default true. */
  readonly on?: boolean;
}

/** Something to swap to: a disk in memory with room for so many pages, another disk, or a file. */
export type SwapOption = SwapCommon &
  (
    | { readonly pages: number; readonly disk?: never; readonly store?: never }
    | { readonly disk: BlockDevice; readonly pages?: never; readonly store?: never }
    | { readonly store: FileStore; readonly pages?: never; readonly disk?: never }
  );

/** Gives the things that are there to be swapped to their names, and begins to swap to them. At boot. @throws {RangeError} when that cannot be */
export function addSwap(sys: Sys, options: readonly SwapOption[]): void {
  for (const option of options) {
    const target = nameTarget(sys, option);
    if (option.on === false) continue;
    const errno = sys.vm.swapOnAtBoot(target, option.priority ?? 0);
    if (errno !== 0) throw new RangeError(`${target.path} cannot be swapped to: ${errnoName(errno)}`);
  }
}

function nameTarget(sys: Sys, option: SwapOption): SwapTarget {
  if (option.store !== undefined) {
    return { path: Vfs.normalize(option.name), vnode: sys.vfs.add(option.name, option.store), disk: null };
  }
  const path = `/dev/${option.name}`;
  if (sys.disks.has(path)) throw new RangeError(`there is a disk named ${path} already`);
  const disk = sys.ioFaults.disk(path, option.disk ?? newDisk(option.name, option.pages));
  sys.disks.set(path, disk);
  return { path, vnode: null, disk };
}

/** A disk for so many pages, and one for the label. */
function newDisk(name: string, pages: number): MemoryDisk {
  if (!Number.isInteger(pages) || pages < 1)
    throw new RangeError(`a disk to swap to has a whole number of pages from 1 up, not ${pages}`);
  return new MemoryDisk(name, { blockCount: (pages + 1) * (PAGE_SIZE / DEV_BSIZE) });
}
