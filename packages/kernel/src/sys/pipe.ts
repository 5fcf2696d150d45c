/** Pipes. sys/kern/sys_pipe.c. */
import { EAGAIN, EINTR, EPIPE } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import { Mutex } from '../kern/mutex.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';

/** Bytes that a pipe holds. `PIPE_SIZE` */
export const PIPE_SIZE = 16_384;
/** A write of so many bytes is never mixed with another. */
export const PIPE_BUF = 512;

/** A pipe: bytes in the order in which they were written. */
export class Pipe implements Stateful {
  readonly id: number;
  readonly #lock: Mutex;
  readonly #readable: CondVar;
  readonly #writable: CondVar;
  readonly #buffer = new Uint8Array(PIPE_SIZE);
  #start = 0;
  #length = 0;
  /** Whether each end is open. */
  readonly #open = { read: true, write: true };

  constructor(kern: Kern, id: number) {
    this.id = id;
    this.#lock = new Mutex(kern, kern.lockClass('pipe'), String(id));
    this.#readable = new CondVar(kern.scheduler, 'piperd', `pipe ${id}`);
    this.#writable = new CondVar(kern.scheduler, 'pipewr', `pipe ${id}`);
  }

  /**
   * Reads what is there, waiting for something to be there.
   *
   * @returns the number of bytes, 0 when the other end is closed; or minus EAGAIN (`nonblocking`) or EINTR
   */
  *read(into: Uint8Array, options: { nonblocking: boolean }): Step<number> {
    if (into.length === 0) return 0;
    yield* this.#lock.enter();
    let interrupted = false;
    while (this.#length === 0 && this.#open.write && !options.nonblocking && !interrupted) {
      interrupted = (yield* this.#readable.waitInterruptibly(this.#lock)) === EINTR;
    }
    const length = Math.min(into.length, this.#length);
    const empty = this.#open.write ? (interrupted ? -EINTR : -EAGAIN) : 0;
    if (length > 0) {
      this.#take(into.subarray(0, length));
      yield* this.#writable.broadcast();
    }
    yield* this.#lock.exit();
    return length > 0 ? length : empty;
  }

  /**
   * Writes all of it, waiting for room.
   *
   * @returns the number of bytes; or minus EPIPE when nobody can read all of them, and when none was written EAGAIN (`nonblocking`), EINTR
   */
  *write(from: Uint8Array, options: { nonblocking: boolean }): Step<number> {
    yield* this.#lock.enter();
    let done = 0;
    let errno = 0;
    while (errno === 0 && done < from.length) {
      if (!this.#open.read) {
        errno = EPIPE;
        break;
      }
      // A small write waits until it fits as a whole.
      const needed = from.length <= PIPE_BUF ? from.length : 1;
      const room = PIPE_SIZE - this.#length;
      if (room >= needed) {
        const length = Math.min(room, from.length - done);
        this.#put(from.subarray(done, done + length));
        done += length;
        yield* this.#readable.broadcast();
      } else if (options.nonblocking) {
        errno = EAGAIN;
      } else {
        errno = yield* this.#writable.waitInterruptibly(this.#lock);
      }
    }
    yield* this.#lock.exit();
    return errno === EPIPE || (done === 0 && errno !== 0) ? -errno : done;
  }

  /** Closes an end; whoever waits at the other learns of it. */
  *close(end: 'read' | 'write'): Step<void> {
    yield* this.#lock.enter();
    this.#open[end] = false;
    yield* this.#readable.broadcast();
    yield* this.#writable.broadcast();
    yield* this.#lock.exit();
  }

  /** Tells its state; where in the buffer the bytes lie makes no difference. */
  writeState(writer: StateWriter): void {
    const bytes = new Uint8Array(this.#length);
    this.#peek(bytes);
    writer.bytes('bytes', bytes);
    writer.field('readEnd', this.#open.read);
    writer.field('writeEnd', this.#open.write);
    writer.thing('lock', this.#lock);
    writer.thing('readable', this.#readable);
    writer.thing('writable', this.#writable);
  }

  /** The first bytes, which stay. */
  #peek(into: Uint8Array): void {
    const first = Math.min(into.length, PIPE_SIZE - this.#start);
    into.set(this.#buffer.subarray(this.#start, this.#start + first));
    into.set(this.#buffer.subarray(0, into.length - first), first);
  }

  #take(into: Uint8Array): void {
    this.#peek(into);
    this.#start = (this.#start + into.length) % PIPE_SIZE;
    this.#length -= into.length;
  }

  #put(from: Uint8Array): void {
    const end = (this.#start + this.#length) % PIPE_SIZE;
    const first = Math.min(from.length, PIPE_SIZE - end);
    this.#buffer.set(from.subarray(0, first), end);
    this.#buffer.set(from.subarray(first));
    this.#length += from.length;
  }
}
