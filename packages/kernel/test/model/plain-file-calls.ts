/** Files as the plain model has them: system calls that move bytes between files and memory. */
import { EBADF, EFAULT, EINVAL, EIO, ESPIPE } from '../../src/index.js';
import { PAGE, type PlainFile, type PlainOpenFile, type PlainProcess, READ, WRITE } from './plain-memory.js';
import type { Seen } from './seen.js';

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

/** Bytes of a file that the kernel has before its eyes at once: of a transfer that fails, what came before counts. */
const WINDOW = 8192;
/** Bytes that are written at once, as far as the size of the file is concerned: a block of the file system. */
const BLOCK = 16_384;

/** How much of a transfer is moved at once: what lies in one page on either side, and in one window. */
function pieceAt(offset: number, address: number, left: number): number {
  return Math.min(left, PAGE - (offset % PAGE), PAGE - (((address % PAGE) + PAGE) % PAGE));
}

/** Piece by piece: the memory may be a mapping of the very file. */
export function read(process: PlainProcess, fd: number, address: number, length: number, at: number | null): number {
  const open = process.files[fd];
  if (open?.readable !== true) return -EBADF;
  const { file } = open;
  if (file === 'pipe') return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  const start = at ?? open.offset;
  const count = Math.max(0, Math.min(length, file.size - start));
  let done = 0;
  let counts = 0;
  let errno = EFAULT;
  while (done < count) {
    if ((start + done) % WINDOW === 0) counts = done;
    if (file.lost.has(Math.floor((start + done) / PAGE))) {
      errno = EIO;
      break;
    }
    const found = process.access(address + done, WRITE);
    if (typeof found === 'string') break;
    const piece = pieceAt(start + done, address + done, count - done);
    found.set(file.piece(start + done, piece), (address + done) % PAGE);
    done += piece;
  }
  if (at === null) open.offset = start + (done < count ? counts : count);
  return done < count ? -errno : count;
}

/** All or nothing, as far as the answer and the size go; what lies before the end may be overwritten in part. */
export function write(process: PlainProcess, fd: number, address: number, length: number, at: number | null): number {
  const open = process.files[fd];
  if (open?.writable !== true) return -EBADF;
  const { file } = open;
  if (file === 'pipe') return -ESPIPE;
  if (length < 0 || (at !== null && at < 0)) return -EINVAL;
  const start = open.append ? file.size : (at ?? open.offset);
  if (file.inMemory) return writeMemory(process, open, { start, address, length, keepsOffset: at !== null });
  const oldSize = file.size;
  if (start > oldSize && length > 0) file.clearBehindEnd(start);
  let done = 0;
  while (done < length) {
    const block = Math.min(BLOCK - ((start + done) % BLOCK), length - done);
    if (!writeBlock(process, file, start + done, address + done, block)) {
      file.cut(oldSize, Math.max(oldSize, start + done + block));
      return -EFAULT;
    }
    done += block;
  }
  if (at === null) open.offset = start + length;
  return length;
}

/** Writes to a file that is memory itself: it is longer from the beginning, also for who has mapped what is added. */
function writeMemory(
  process: PlainProcess,
  open: PlainOpenFile,
  { start, address, length, keepsOffset }: { start: number; address: number; length: number; keepsOffset: boolean },
): number {
  const file = open.file as PlainFile;
  const oldSize = file.size;
  if (length > 0 && start + length > oldSize) file.truncate(start + length);
  for (let done = 0; done < length; ) {
    const found = process.access(address + done, READ);
    if (typeof found === 'string') {
      file.truncate(oldSize);
      return -EFAULT;
    }
    const piece = pieceAt(start + done, address + done, length - done);
    const from = (address + done) % PAGE;
    file.piece(start + done, piece).set(found.subarray(from, from + piece));
    done += piece;
  }
  if (!keepsOffset) open.offset = start + length;
  return length;
}

/** Writes what lies in one block; the file is longer once all of it is there. Answers whether the memory could be read. */
function writeBlock(process: PlainProcess, file: PlainFile, offset: number, address: number, length: number): boolean {
  const behind = new Map<number, Uint8Array>();
  for (let done = 0; done < length; ) {
    const index = Math.floor((offset + done) / PAGE);
    const page = file.pages[index] ?? behind.get(index) ?? new Uint8Array(PAGE);
    if (file.pages[index] === undefined) behind.set(index, page);
    const found = process.access(address + done, READ);
    if (typeof found === 'string') return false;
    const piece = pieceAt(offset + done, address + done, length - done);
    const from = (address + done) % PAGE;
    page.set(found.subarray(from, from + piece), (offset + done) % PAGE);
    done += piece;
  }
  file.extend(Math.max(file.size, offset + length), behind);
  for (let at = offset; at < offset + length; at += PAGE - (at % PAGE)) file.resident.add(Math.floor(at / PAGE));
  return true;
}

export function ftruncate(process: PlainProcess, fd: number, size: number): number {
  if (size < 0) return -EINVAL;
  const open = process.files[fd];
  if (open === undefined) return -EBADF;
  if (!open.writable || open.file === 'pipe') return -EINVAL;
  open.file.truncate(size);
  return 0;
}

export function fsync(process: PlainProcess, fd: number, seen: Seen): number {
  const open = process.files[fd];
  if (open === undefined) return -EBADF;
  if (open.file === 'pipe') return -EINVAL;
  return seen.ioFailed && seen.answer === -EIO ? -EIO : 0;
}

export function fadvise(process: PlainProcess, fd: number, length: number, advice: number): number {
  if (length < 0) return -EINVAL;
  const open = process.files[fd];
  if (open === undefined) return -EBADF;
  if (open.file === 'pipe') return -ESPIPE;
  return advice >= 0 && advice <= 5 ? 0 : -EINVAL;
}
