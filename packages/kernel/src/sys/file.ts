/** Open files and descriptor tables. `struct file` and `struct filedesc`, sys/sys/file.h and sys/sys/filedesc.h. */
import { EBADF, EMFILE } from '../kern/errno.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Vnode } from '../vm/system.js';
import type { CharacterDevice } from './device.js';
import type { Pipe } from './pipe.js';
import type { Socket } from './socket.js';

export const O_RDONLY = 0x0;
export const O_WRONLY = 0x1;
export const O_RDWR = 0x2;
export const O_ACCMODE = 0x3;
export const O_NONBLOCK = 0x4;
export const O_APPEND = 0x8;
export const O_CREAT = 0x200;
export const O_TRUNC = 0x400;
export const O_EXCL = 0x800;
/** Reads and writes pass the pages of the file by, where they can. */
export const O_DIRECT = 0x80000;
export const O_CLOEXEC = 0x400000;
/** No SIGPIPE for who writes to it when nobody can read. */
export const O_NOSIGPIPE = 0x1000000;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;

/** The file is read in no particular way. `posix_fadvise(2)` */
export const POSIX_FADV_NORMAL = 0;
/** … here and there. */
export const POSIX_FADV_RANDOM = 1;
/** … from the beginning to the end. */
export const POSIX_FADV_SEQUENTIAL = 2;
/** A range will be used soon. */
export const POSIX_FADV_WILLNEED = 3;
/** A range will not be used soon. */
export const POSIX_FADV_DONTNEED = 4;
/** A range will be used once. */
export const POSIX_FADV_NOREUSE = 5;

/** What a descriptor leads to. */
export type FileTarget =
  | { readonly kind: 'vnode'; readonly vnode: Vnode }
  | { readonly kind: 'device'; readonly device: CharacterDevice }
  | { readonly kind: 'pipe'; readonly pipe: Pipe; readonly end: 'read' | 'write' }
  | { readonly kind: 'socket'; readonly socket: Socket };

/** An open file; descriptors in several processes may lead to the same one. */
export class OpenFile implements Stateful {
  readonly target: FileTarget;
  /** `O_*` */
  readonly flags: number;
  /** Where the next read or write begins, in bytes. */
  offset = 0;
  /** Descriptors that lead here. */
  references = 0;
  /** How it is read: `POSIX_FADV_*`. `f_advice` */
  advice = 0;

  constructor(target: FileTarget, flags: number) {
    this.target = target;
    this.flags = flags;
  }

  /** Whether what is written goes to the end. */
  get append(): boolean {
    return (this.flags & O_APPEND) !== 0;
  }

  get readable(): boolean {
    return (this.flags & O_ACCMODE) !== O_WRONLY;
  }

  get writable(): boolean {
    return (this.flags & O_ACCMODE) !== O_RDONLY;
  }

  writeState(writer: StateWriter): void {
    const { target } = this;
    writer.field('kind', target.kind);
    if (target.kind === 'vnode') {
      writer.reference('vnode', target.vnode);
    } else if (target.kind === 'device') {
      writer.reference('device', target.device);
    } else if (target.kind === 'socket') {
      writer.reference('socket', target.socket);
    } else {
      writer.reference('pipe', target.pipe);
      writer.field('end', target.end);
    }
    writer.field('flags', this.flags);
    writer.field('offset', this.offset);
    writer.field('references', this.references);
    writer.field('advice', this.advice);
  }
}

interface Descriptor {
  readonly file: OpenFile;
  readonly closeOnExec: boolean;
}

/** The descriptors of a process. */
export class FileTable implements Stateful {
  readonly #descriptors: (Descriptor | undefined)[] = [];

  /** The open file behind a descriptor, or EBADF. */
  get(fd: number): OpenFile | typeof EBADF {
    return this.#descriptors[fd]?.file ?? EBADF;
  }

  /** The lowest free descriptor, or minus EMFILE when that is beyond `limit`. */
  lowestFree(limit: number): number {
    let fd = 0;
    while (this.#descriptors[fd] !== undefined) fd++;
    return fd < limit ? fd : -EMFILE;
  }

  /** Gives an open file the lowest free descriptor; answers it, or minus EMFILE beyond `limit`. */
  allocate(file: OpenFile, limit: number, options: { closeOnExec?: boolean } = {}): number {
    const fd = this.lowestFree(limit);
    if (fd < 0) return fd;
    this.#descriptors[fd] = { file, closeOnExec: options.closeOnExec === true };
    file.references++;
    return fd;
  }

  /** Takes a descriptor away; answers the file when that was the last descriptor of it, null when not, EBADF when there is none. */
  remove(fd: number): OpenFile | null | typeof EBADF {
    const descriptor = this.#descriptors[fd];
    if (descriptor === undefined) return EBADF;
    this.#descriptors[fd] = undefined;
    descriptor.file.references--;
    return descriptor.file.references === 0 ? descriptor.file : null;
  }

  /** The descriptors in use; with `closeOnExec` those that an exec closes. */
  open(options: { closeOnExec?: boolean } = {}): number[] {
    return this.#descriptors.flatMap((descriptor, fd) => {
      if (descriptor === undefined) return [];
      return options.closeOnExec && !descriptor.closeOnExec ? [] : [fd];
    });
  }

  writeState(writer: StateWriter): void {
    for (const [fd, descriptor] of this.#descriptors.entries()) {
      if (descriptor === undefined) continue;
      writer.field('fd', fd);
      writer.reference('file', descriptor.file);
      writer.field('closeOnExec', descriptor.closeOnExec);
    }
  }

  /** A table with the same descriptors, which share the open files. */
  copy(): FileTable {
    const copy = new FileTable();
    for (const [fd, descriptor] of this.#descriptors.entries()) {
      if (descriptor === undefined) continue;
      copy.#descriptors[fd] = descriptor;
      descriptor.file.references++;
    }
    return copy;
  }

  /** Puts an open file at a given free descriptor. */
  place(fd: number, file: OpenFile): void {
    this.#descriptors[fd] = { file, closeOnExec: false };
    file.references++;
  }
}
