/** Pipes. sys/kern/sys_pipe.c. */
import { EAGAIN, EINTR, EPIPE, type Errno } from '../kern/errno.js';
import type { Kern } from '../kern/kern.js';
import { Mutex } from '../kern/mutex.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { VmSystem } from '../vm/system.js';
import type { Mbuf } from './mbuf.js';

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
  /** Whether a reader is taking bytes to where it wants them; the others wait. `PIPE_LOCKFL` */
  #reading = false;
  /** What a writer offers in its own pages, which it has lent; it waits until all of it is taken. `PIPE_DIRECTW`, `pipe_map` */
  #offer: { readonly vm: VmSystem; readonly mbuf: Mbuf } | null = null;
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
   * => other readers wait while `deliver` has the bytes, and unless it answers 0 they stay in the pipe.
   *
   * @param deliver takes the bytes to where they are wanted, which may take time; answers 0 or an errno
   * @returns the number of bytes, 0 when the other end is closed; or minus EAGAIN (`nonblocking`), EINTR, or what `deliver` answered
   */
  *read(into: Uint8Array, options: { nonblocking: boolean }, deliver: (bytes: Uint8Array) => Step<Errno>): Step<number> {
    if (into.length === 0) return 0;
    yield* this.#lock.enter();
    let interrupted = false;
    while (!interrupted && (this.#reading || (this.#available === 0 && this.#open.write && !options.nonblocking))) {
      interrupted = (yield* this.#readable.waitInterruptibly(this.#lock)) === EINTR;
    }
    let answer = Math.min(into.length, this.#available);
    if (interrupted && (answer === 0 || this.#reading)) answer = -EINTR;
    else if (answer === 0 && this.#open.write) answer = -EAGAIN;
    if (answer > 0) {
      const bytes = into.subarray(0, answer);
      this.#peek(bytes);
      this.#reading = true;
      yield* this.#lock.exit();
      const errno = yield* deliver(bytes);
      yield* this.#lock.enter();
      this.#reading = false;
      if (errno === 0) this.#drop(answer);
      else answer = -errno;
      yield* this.#readable.broadcast();
      yield* this.#writable.broadcast();
    }
    yield* this.#lock.exit();
    return answer;
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
      const room = this.#offer === null ? PIPE_SIZE - this.#length : 0;
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

  /**
   * Offers bytes in pages on loan, and waits until they are taken; those that are not taken are left in the mbuf. Part of
   * `pipe_direct_write()`.
   *
   * => what was written before is read before. Other writers wait meanwhile; nobody looks at the pages any more on return.
   *
   * @returns 0, EPIPE when nobody can read them, or EINTR
   */
  *offer(vm: VmSystem, mbuf: Mbuf): Step<Errno> {
    yield* this.#lock.enter();
    let errno: Errno = this.#open.read ? 0 : EPIPE;
    while (errno === 0 && this.#offer !== null) errno = yield* this.#roomChanged();
    if (errno === 0) {
      this.#offer = { vm, mbuf };
      yield* this.#readable.broadcast();
      while (errno === 0 && mbuf.length > 0) errno = yield* this.#roomChanged();
      // Whoever is taking bytes finishes first.
      while (this.#reading) yield* this.#writable.wait(this.#lock);
      // All of it was taken: that the reader has gone since is no matter.
      if (mbuf.length === 0) errno = 0;
      this.#offer = null;
      yield* this.#writable.broadcast();
    }
    yield* this.#lock.exit();
    return errno;
  }

  /** Waits until something is taken, or an end is closed. => locked. @returns 0, EPIPE or EINTR */
  *#roomChanged(): Step<Errno> {
    const errno = yield* this.#writable.waitInterruptibly(this.#lock);
    return errno === 0 && !this.#open.read ? EPIPE : errno;
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
    this.#peekBuffer(bytes);
    writer.bytes('bytes', bytes);
    if (this.#offer !== null) writer.thing('offer', this.#offer.mbuf);
    writer.field('reading', this.#reading);
    writer.field('readEnd', this.#open.read);
    writer.field('writeEnd', this.#open.write);
    writer.thing('lock', this.#lock);
    writer.thing('readable', this.#readable);
    writer.thing('writable', this.#writable);
  }

  /** Bytes that can be read now: those in the buffer, or, when it is empty, those that are offered. */
  get #available(): number {
    return this.#length > 0 ? this.#length : (this.#offer?.mbuf.length ?? 0);
  }

  /** The first bytes, which stay. */
  #peek(into: Uint8Array): void {
    if (this.#length > 0) this.#peekBuffer(into);
    else this.#offer?.mbuf.copy(this.#offer.vm, into, 0);
  }

  /** The first bytes in the buffer, which stay. */
  #peekBuffer(into: Uint8Array): void {
    const first = Math.min(into.length, PIPE_SIZE - this.#start);
    into.set(this.#buffer.subarray(this.#start, this.#start + first));
    into.set(this.#buffer.subarray(0, into.length - first), first);
  }

  /** Takes the first bytes out. */
  #drop(length: number): void {
    if (this.#length === 0) {
      this.#offer?.mbuf.trim(length);
      return;
    }
    this.#start = (this.#start + length) % PIPE_SIZE;
    this.#length -= length;
  }

  #put(from: Uint8Array): void {
    const end = (this.#start + this.#length) % PIPE_SIZE;
    const first = Math.min(from.length, PIPE_SIZE - end);
    this.#buffer.set(from.subarray(0, first), end);
    this.#buffer.set(from.subarray(first));
    this.#length += from.length;
  }
}
