/**
 * Writing to pipes. sys/kern/sys_pipe.c.
 *
 * A large write is not copied: the pages are lent, the writer waits until a reader has taken the bytes out of them, and gives them back
 * itself (`PIPE_DIRECTW`). So NetBSD did it until 2018.
 */
import { EFAULT, EPIPE } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asVa, PAGE_MASK, roundPage, truncPage } from '../machine/address.js';
import { O_NONBLOCK, O_NOSIGPIPE, type OpenFile } from './file.js';
import { Mbuf } from './mbuf.js';
import type { Pipe } from './pipe.js';
import { SIGPIPE } from './signal.js';
import type { Sys } from './sys.js';

/** A write of so many bytes lends its pages. */
export const PIPE_MINDIRECT = 8192;
/** Bytes that are lent at once. */
const PIPE_DIRECT_CHUNK = 1024 * 1024;
/** Bytes that are copied at once. */
const CHUNK = 65_536;

/** Writes to a pipe from the program's memory. `pipe_write()`. @returns the number of bytes, or minus EFAULT, EPIPE (with SIGPIPE), EAGAIN, EINTR */
export function* writePipe(this: Sys, file: OpenFile, pipe: Pipe, address: number, length: number): Step<number> {
  const nonblocking = (file.flags & O_NONBLOCK) !== 0;
  let done = 0;
  while (done < length) {
    const left = length - done;
    const lent = this.pipeDirect && left >= PIPE_MINDIRECT && !nonblocking;
    let wanted = Math.min(left, lent ? PIPE_DIRECT_CHUNK - ((address + done) & PAGE_MASK) : CHUNK);
    let put = lent ? yield* this.pipeDirectWrite(pipe, address + done, wanted) : null;
    if (put === null) {
      wanted = Math.min(left, CHUNK);
      put = yield* this.writePipeBuffer(pipe, address + done, wanted, { nonblocking });
    }
    if (put === -EFAULT) return put;
    if (put === -EPIPE) {
      if ((file.flags & O_NOSIGPIPE) === 0) yield* this.psignal(this.processOf(this.curlwp), SIGPIPE);
      return put;
    }
    if (put < 0) return done > 0 ? done : put;
    done += put;
    if (put < wanted) break;
  }
  return done;
}

/** Copies bytes of the program into a pipe. Part of `pipe_write()`. @returns the number of bytes, or minus an errno */
export function* writePipeBuffer(
  this: Sys,
  pipe: Pipe,
  address: number,
  length: number,
  options: { nonblocking: boolean },
): Step<number> {
  const buffer = new Uint8Array(length);
  if ((yield* this.copyin(address, buffer)) !== 0) return -EFAULT;
  return yield* pipe.write(buffer, options);
}

/**
 * Lends bytes of the program to whoever reads the pipe, and waits until they are taken. `pipe_direct_write()`.
 *
 * @returns the number of bytes; minus EPIPE, or, when none was taken, EINTR; null when they cannot be lent, and have to be copied
 */
export function* pipeDirectWrite(this: Sys, pipe: Pipe, address: number, length: number): Step<number | null> {
  const space = this.spaceOf(this.processOf(this.curlwp));
  const loan = yield* this.vm.borrow(space, truncPage(asVa(address)), roundPage(asVa(address + length)));
  if (typeof loan === 'number') return null;
  const mbuf = new Mbuf({ loan, offset: address & PAGE_MASK, length });
  const errno = yield* pipe.offer(this.vm, mbuf);
  yield* this.vm.returnLoan(loan);
  const taken = length - mbuf.length;
  return errno === EPIPE || (errno !== 0 && taken === 0) ? -errno : taken;
}
