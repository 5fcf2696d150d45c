/**
 * POSIX shared memory, which is no matter of the kernel's: the C library opens files of tmpfs by names of its own. lib/librt/shm.c.
 */
import { EINVAL, ENAMETOOLONG } from '../kern/errno.js';

/** Where the files are. There is tmpfs. */
export const SHMFS_DIR_PATH = '/var/shm';
/** How their names begin. */
const SHMFS_OBJ_PREFIX = '.shmobj_';
/** Bytes in a path, and one that ends it. */
const PATH_MAX = 1024;

/** The path of the file that stands for an object; or minus EINVAL for a name without a slash at its beginning, or with another, ENAMETOOLONG. */
export function shmPath(name: string): string | number {
  if (!name.startsWith('/') || name.includes('/', 1)) return -EINVAL;
  const path = `${SHMFS_DIR_PATH}/${SHMFS_OBJ_PREFIX}${name.slice(1)}`;
  return path.length >= PATH_MAX ? -ENAMETOOLONG : path;
}
