/** Files as the plain model has them: system calls that move bytes between files and memory. */
import { EBADF, EFAULT, EINVAL, ESPIPE } from '../../src/index.js';
import { PAGE, type PlainProcess, READ, WRITE } from './plain-memory.js';

/** Copies into a process's memory, page by page; answers whether all of it could be. */
export function copyOut(process: PlainProcess, address: number, bytes: Uint8Array): boolean {
  for (let done = 0; done < bytes.length; ) {
    const at = address + done;
    const found = process.access(at, WRITE);
    if (typeof found === 'string') return false;
    const length = Math.min(PAGE - (at % PAGE), bytes.length - done);
    found.set(bytes.subarray(done, done + length), at % PAGE);
    done += length;
  }
  return true;
}

/** Copies out of a process's memory; null when part of it cannot be read. */
function copyIn(process: PlainProcess, address: number, length: number): Uint8Array | null {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = address + done;
    const found = process.access(at, READ);
    if (typeof found === 'string') return null;
    const chunk = Math.min(PAGE - (at % PAGE), length - done);
    bytes.set(found.subarray(at % PAGE, (at % PAGE) + chunk), done);
    done += chunk;
  }
  return bytes;
}

export function read(process: PlainProcess, fd: number, address: number, length: number, at: number | null): number {
  const open = process.files[fd];
  if (open?.readable !== true) return -EBADF;
  if (open.file === 'pipe') return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  const bytes = open.file.read(at ?? open.offset, length);
  if (!copyOut(process, address, bytes)) return -EFAULT;
  if (at === null) open.offset += bytes.length;
  return bytes.length;
}

export function write(process: PlainProcess, fd: number, address: number, length: number, at: number | null): number {
  const open = process.files[fd];
  if (open?.writable !== true) return -EBADF;
  if (open.file === 'pipe') return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  const bytes = copyIn(process, address, length);
  if (bytes === null) return -EFAULT;
  const offset = open.append ? open.file.size : (at ?? open.offset);
  open.file.write(offset, bytes);
  if (at === null && length > 0) open.offset = offset + length;
  return length;
}

export function ftruncate(process: PlainProcess, fd: number, size: number): number {
  if (size < 0) return -EINVAL;
  const open = process.files[fd];
  if (open === undefined) return -EBADF;
  if (!open.writable || open.file === 'pipe') return -EINVAL;
  open.file.truncate(size);
  return 0;
}
