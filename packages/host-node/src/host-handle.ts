/** A file of the host that is open: bytes at offsets, whole or not at all. What `HostFile` and `HostDisk` stand on. */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  type Stats,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { EROFS, type Errno } from '@faultline/kernel';
import { errnoOf, errorsOf, HostFileError } from './host-error.js';

/** What may be done with a file of the host: `create` makes it when it is not there. */
export type HostAccess = 'read-only' | 'read-write' | 'create';

const OPEN_FLAGS: Readonly<Record<HostAccess, number>> = {
  'read-only': constants.O_RDONLY,
  'read-write': constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT,
};

/** Has a pipe be opened, and then refused, instead of waited for. Windows has no such flag. */
const NO_WAITING = constants.O_NONBLOCK ?? 0;

/** An open file of the host. */
export class HostHandle {
  readonly path: string;
  readonly writable: boolean;
  /** Null once it is closed. */
  #fd: number | null;
  /** What the first sync that failed answered. */
  #lost: Errno = 0;

  /** @throws {HostFileError} when the host refuses, or `fits` says that it is no file of the kind that is wanted */
  constructor(path: string, access: HostAccess, fits: (stats: Stats) => boolean) {
    this.path = path;
    this.writable = access !== 'read-only';
    const isNew = access === 'create' && !existsSync(path);
    const fd = errorsOf(path, () => openSync(path, OPEN_FLAGS[access] | NO_WAITING), access);
    this.#fd = fd;
    const stats = errorsOf(path, () => fstatSync(fd));
    if (!fits(stats)) {
      this.close();
      throw new HostFileError(path, 'this is not a regular file; name one that is.');
    }
    if (isNew) syncDirectory(dirname(path));
  }

  /** Bytes in the file, as the host says. */
  measure(): number {
    const fd = this.#open();
    return errorsOf(this.path, () => fstatSync(fd).size);
  }

  /** Reads; what lies beyond the end is given as zeros, and so is everything when an error is answered. */
  read(offset: number, into: Uint8Array): Errno {
    const fd = this.#open();
    let done = 0;
    const errno = errnoOf(() => {
      while (done < into.length) {
        const length = readSync(fd, into, done, into.length - done, offset + done);
        if (length === 0) break;
        done += length;
      }
    });
    into.fill(0, errno === 0 ? done : 0);
    return errno;
  }

  /** Writes; when an error is answered, some of the bytes may have been written. */
  write(offset: number, from: Uint8Array): Errno {
    const fd = this.#open();
    if (!this.writable) return EROFS;
    return errnoOf(() => {
      for (let done = 0; done < from.length; ) done += writeSync(fd, from, done, from.length - done, offset + done);
    });
  }

  truncate(size: number): Errno {
    const fd = this.#open();
    return this.writable ? errnoOf(() => ftruncateSync(fd, size)) : EROFS;
  }

  /**
   * Makes everything durable.
   *
   * => a sync that has failed fails for ever: hosts forget what they could not write, and tell of it only once. What was written
   *    since the last success may be lost, and nobody may be told that it is safe.
   */
  sync(): Errno {
    const fd = this.#open();
    if (this.#lost === 0) this.#lost = errnoOf(() => fsyncSync(fd));
    return this.#lost;
  }

  /** Bytes that the file system has room for; infinite when it does not say. */
  room(): number {
    let room = Number.POSITIVE_INFINITY;
    errnoOf(() => {
      const { bavail, bsize } = statfsSync(this.path);
      room = bavail * bsize;
    });
    return room;
  }

  /** Gives the file back to the host; again does nothing. */
  close(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
  }

  #open(): number {
    if (this.#fd === null)
      throw new HostFileError(this.path, 'it has been closed; close it only when no system uses it any more.');
    return this.#fd;
  }
}

/** Makes the name of a new file durable. Windows has no such thing: there a directory cannot be opened. */
function syncDirectory(path: string): void {
  if (process.platform === 'win32') return;
  const fd = errorsOf(path, () => openSync(path, 'r'));
  try {
    errorsOf(path, () => fsyncSync(fd));
  } finally {
    closeSync(fd);
  }
}
