/** Mistakes of the host, and what the kernel makes of those that come later. */
import {
  EACCES,
  EBADF,
  EBUSY,
  EFBIG,
  EINVAL,
  EIO,
  ENODEV,
  ENOMEM,
  ENOSPC,
  ENXIO,
  EPERM,
  EROFS,
  type Errno,
} from '@faultline/kernel';
import type { HostAccess } from './host-handle.js';

/** A file of the host cannot be used; the message is a sentence that says what is wrong, where, and what to do. */
export class HostFileError extends Error {
  override readonly name = 'HostFileError';
  /** The file, as it was named. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(`${path}: ${problem}`, options);
    this.path = path;
  }
}

/** What the host says of an operation that it refuses: `ENOSPC` and the like. */
interface SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
}

function isSystemError(error: unknown): error is SystemError {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** By name, because the numbers differ from host to host. */
const ERRNOS: Readonly<Record<string, Errno>> = {
  EACCES,
  EBADF,
  EBUSY,
  EDQUOT: ENOSPC,
  EFBIG,
  EINVAL,
  EIO,
  ENODEV,
  ENOMEM,
  ENOSPC,
  ENXIO,
  EPERM,
  EROFS,
};

/**
 * Does something with the host's files; answers 0, or the errno that stands for the host's error.
 *
 * => an error that has no counterpart is EIO: the bytes did not get where they should, and that is all that can be said.
 * => what is no answer of the host is a mistake of ours, and is thrown on.
 */
export function errnoOf(operation: () => void): Errno {
  try {
    operation();
    return 0;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return ERRNOS[error.code] ?? EIO;
  }
}

const SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; check the path, or ask for it to be made.',
  ENOTDIR: 'a part of this path is a file, not a directory; check the path.',
  EISDIR: 'this is a directory; name a file.',
  EACCES: 'the host does not permit this; change the permissions of the file, or of its directory.',
  EPERM: 'the host does not permit this; the file may be marked as immutable.',
  EROFS: 'it is on a file system that cannot be written; copy it to one that can.',
  EEXIST: 'there is a file of this name already.',
  ELOOP: 'its symbolic links lead in a circle; name the file itself.',
  ENAMETOOLONG: 'the name is too long for the host.',
  EMFILE: 'this process has too many files open; close some.',
  ENFILE: 'the host has too many files open; close some.',
  ENOSPC: 'there is no room left on its file system; make some.',
  ETXTBSY: 'it is a program that is being run; stop it first.',
};

/** What else can be done about a file that must not be written. */
const READ_ONLY_WOULD_DO: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ETXTBSY']);

/**
 * Opens, measures or reads a file.
 *
 * @param access what it is opened for, when it is
 * @throws {HostFileError} when the host refuses
 */
export function errorsOf<T>(path: string, operation: () => T, access: HostAccess = 'read-only'): T {
  try {
    return operation();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const { code, syscall } = error;
    const problem = SENTENCES[code] ?? `the host answers ${code} to ${syscall}.`;
    const advice = access !== 'read-only' && READ_ONLY_WOULD_DO.has(code) ? ' To only look at it, open it read-only.' : '';
    throw new HostFileError(path, problem + advice, { cause: error });
  }
}
