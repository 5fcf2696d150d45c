/**
 * A tape: records one behind the other, of any size, which are read and written whole. st(4), sys/dev/scsipi/st.c.
 *
 * A tape has one head, so requests are done one after the other, in the order in which they came. Each takes its time: the bytes move
 * when it is done.
 */
import { Digest } from '../kern/digest.js';
import { EBUSY, EINVAL, EIO, ENOSPC, ENOTTY, EROFS, type Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import { startIo } from '../machine/io.js';
import type { CharacterDevice, DeviceRequest, RawDevice, RawRequest } from './device.js';
import { O_ACCMODE, O_RDONLY } from './file.js';
import { RawIo } from './raw-io.js';
import type { Sys } from './sys.js';

/** `ioctl(2)`: does something with the tape, which a `struct mtop` says. sys/sys/mtio.h */
export const MTIOCTOP = 0x80086d01;
/** Operations of it: write file marks, over file marks and back, over records and back, to the start. */
export const MTWEOF = 0;
export const MTFSF = 1;
export const MTBSF = 2;
export const MTFSR = 3;
export const MTBSR = 4;
export const MTREW = 5;

/** The digests of records that were told of. */
const digests = new WeakMap<Uint8Array, Digest>();

function digestOf(record: Uint8Array): Digest {
  let digest = digests.get(record);
  if (digest === undefined) {
    digest = new Digest();
    digest.bytes(record);
    digests.set(record, digest);
  }
  return digest;
}

/** How a tape is. */
export interface TapeOptions {
  /** What is on it: records, and null for a file mark. Empty when absent. */
  readonly records?: readonly (Uint8Array | null)[];
  /** Bytes it holds. Default: as many as anybody writes. */
  readonly capacity?: number;
  /** Whether it must not be written to. Default false. */
  readonly writeProtected?: boolean;
  /** Whether it is at its start again when nobody has it open any more, as `/dev/rst0`, and not `/dev/nrst0`. Default true. */
  readonly rewinds?: boolean;
}

/** A tape in its drive. */
export class RawTape implements CharacterDevice, RawDevice {
  readonly name: string;
  readonly seekable = false;
  /** The records, null for a file mark. A record is written once, and only replaced. */
  readonly records: (Uint8Array | null)[];
  /** Where the head stands: the number of the record behind it. */
  position = 0;
  readonly #capacity: number;
  readonly #writeProtected: boolean;
  readonly #rewinds: boolean;
  #isOpen = false;
  /** Requests that wait for the head, and the one it is at. */
  readonly #queue: RawRequest[] = [];

  constructor(name: string, options: TapeOptions = {}) {
    this.name = name;
    this.records = (options.records ?? []).map((record) => record?.slice() ?? null);
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY;
    this.#writeProtected = options.writeProtected === true;
    this.#rewinds = options.rewinds !== false;
  }

  open(flags: number): Errno {
    if (this.#isOpen) return EBUSY;
    if (this.#writeProtected && (flags & O_ACCMODE) !== O_RDONLY) return EROFS;
    this.#isOpen = true;
    return 0;
  }

  close(): void {
    this.#isOpen = false;
    if (this.#rewinds) this.position = 0;
  }

  transfer(sys: Sys, request: DeviceRequest): Step<number> {
    return sys.physio(this, { ...request, offset: 0 });
  }

  bound(length: number): number {
    return length;
  }

  *strategy(sys: Sys, request: RawRequest): Step<void> {
    this.#queue.push(request);
    if (this.#queue.length === 1) yield* this.#start(sys, request);
  }

  *control(sys: Sys, request: number, argument: number): Step<number> {
    if (request !== MTIOCTOP) return -ENOTTY;
    const operation = new Uint8Array(8);
    const errno = yield* sys.copyin(argument, operation);
    if (errno !== 0) return -errno;
    const view = new DataView(operation.buffer);
    return -this.operate(view.getInt16(0, true), view.getInt32(4, true));
  }

  /** Does an operation so many times. @returns 0, EINVAL, EIO at the end or the start, EROFS */
  operate(operation: number, times: number): Errno {
    if (operation === MTREW) {
      this.position = 0;
      return 0;
    }
    if (operation < MTWEOF || operation > MTREW || times < 0) return EINVAL;
    for (let i = 0; i < times; i++) {
      const errno = this.#operateOnce(operation);
      if (errno !== 0) return errno;
    }
    return 0;
  }

  writeState(writer: StateWriter): void {
    for (const record of this.records) {
      if (record === null) writer.field('record', null);
      else writer.part('record', (part) => digestOf(record).writeState(part));
    }
    writer.field('position', this.position);
    writer.field('isOpen', this.#isOpen);
    for (const request of this.#queue) writer.reference('request', request);
  }

  #operateOnce(operation: number): Errno {
    if (operation === MTWEOF) {
      if (this.#writeProtected) return EROFS;
      this.#put(null);
      return 0;
    }
    const forward = operation === MTFSF || operation === MTFSR;
    const overMarks = operation === MTFSF || operation === MTBSF;
    for (;;) {
      const at = forward ? this.position : this.position - 1;
      const record = this.records[at];
      if (record === undefined) return EIO;
      this.position = forward ? at + 1 : at;
      if (!overMarks || record === null) return 0;
    }
  }

  *#start(sys: Sys, request: RawRequest): Step<void> {
    const move = (most: number): Errno => (request.write ? this.#write(request, most) : this.#read(request, most));
    const next = (): Step<void> => this.#next(sys);
    yield* startIo(sys.kern, new RawIo(sys, `${this.name} ${request.write ? 'write' : 'read'}`, request, { move, next }));
  }

  /** The head is free. */
  *#next(sys: Sys): Step<void> {
    this.#queue.shift();
    const [waiting] = this.#queue;
    if (waiting !== undefined) yield* this.#start(sys, waiting);
  }

  /** The next record, or as much of it as was asked for: then it is an error, and the rest is passed over. */
  #read(request: RawRequest, most: number): Errno {
    const record = this.records[this.position];
    // At the end there is nothing more to read, however often; a file mark is passed.
    if (record === undefined) return 0;
    this.position++;
    if (record === null) return 0;
    const length = Math.min(record.length, most);
    request.copyOut(record.subarray(0, length));
    request.resid = request.length - length;
    return record.length > length ? EIO : 0;
  }

  #write(request: RawRequest, most: number): Errno {
    const before = this.records.slice(0, this.position).reduce((sum, record) => sum + (record?.length ?? 0), 0);
    if (before + most > this.#capacity) return ENOSPC;
    const record = new Uint8Array(most);
    request.copyIn(record);
    request.resid = request.length - most;
    this.#put(record);
    return 0;
  }

  /** Writes behind the head; what was there is lost. */
  #put(record: Uint8Array | null): void {
    this.records.splice(this.position, this.records.length, record);
    this.position++;
  }
}
