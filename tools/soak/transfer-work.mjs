/** Bytes that workers have moved by others: through pipes, sockets (which may borrow the pages), and by a disk that gets at them itself. */
import { AF_LOCAL, O_RDWR, SO_RCVBUF, SO_SNDBUF, SOCK_STREAM, SOL_SOCKET } from '@faultline/kernel/direct';
import { CHUNK_SIZE } from './bytes.mjs';
import { SoakFailure, succeeded } from './worker.mjs';

/** @typedef {import('./soak.mjs').Soak} Soak */
/** @typedef {import('./worker.mjs').Region} Region */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('./worker.mjs').Worker} Worker */

/** Chunks that are sent through a pipe at once: of more than that the writer lends the pages, and waits for a reader. */
const PIPE_CHUNKS = 15;
/** Chunks that are sent through a socket at once, which is given room for so many. */
const SOCKET_CHUNKS = 128;
/** Chunks that a disk moves at once: more than the controller takes in one go. */
const DISK_CHUNKS = 160;

/**
 * Two regions with different bytes that nobody else uses now, as far as they are as long as each other.
 *
 * @param {Soak} soak @param {Worker} worker @param {number} most chunks
 */
function twoRegions(soak, worker, most) {
  const source = soak.take(worker);
  const target = soak.take(worker, ({ bytes }) => bytes !== source?.bytes);
  if (source === null || target === null) return null;
  const count = Math.min(most, source.chunks, target.chunks);
  const free =
    soak.claim(source.bytes, source.firstChunk, count, 'write') && soak.claim(target.bytes, target.firstChunk, count, 'write');
  return free ? { source, target, count } : null;
}

/** The target has now what the source had. @param {Region} source @param {Region} target @param {number} count */
function copyModel(source, target, count) {
  const from = source.firstChunk;
  target.bytes.stamps.set(source.bytes.stamps.subarray(from, from + count), target.firstChunk);
}

/** Moves bytes from one place in memory to another, by way of a pipe. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* throughPipe(soak, worker) {
  const places = twoRegions(soak, worker, PIPE_CHUNKS);
  if (places === null) return;
  const { source, target, count } = places;
  const length = count * CHUNK_SIZE;
  const ends = yield (user) => user.pipe();
  if (typeof ends === 'number') throw new SoakFailure(`pipe failed with errno ${-ends}`);
  const sent = succeeded('a write to a pipe', yield (user) => user.write(ends.write, source.address, length));
  const received = succeeded('a read from a pipe', yield (user) => user.read(ends.read, target.address, length));
  if (sent !== length || received !== length)
    throw new SoakFailure(`of ${length} bytes a pipe took ${sent}, and gave ${received}`);
  copyModel(source, target, count);
  yield* closeBoth([ends.read, ends.write]);
}

/**
 * Moves bytes by way of a socket, and stores to the source before they are received: what was sent must not change.
 *
 * @param {Soak} soak @param {Worker} worker @returns {Work}
 */
export function* throughSocket(soak, worker) {
  const places = twoRegions(soak, worker, SOCKET_CHUNKS);
  if (places === null) return;
  const { source, target, count } = places;
  const length = count * CHUNK_SIZE;
  /** @type {[number, number] | number} */
  const ends = yield (user) => user.socketpair(AF_LOCAL, SOCK_STREAM);
  if (typeof ends === 'number') throw new SoakFailure(`socketpair failed with errno ${-ends}`);
  const [from, to] = ends;
  const room = SOCKET_CHUNKS * CHUNK_SIZE;
  succeeded('setsockopt', yield (user) => user.setsockopt(from, SOL_SOCKET, SO_SNDBUF, room));
  succeeded('setsockopt', yield (user) => user.setsockopt(to, SOL_SOCKET, SO_RCVBUF, room));
  const sent = succeeded('send', yield (user) => user.send(from, source.address, length));
  if (sent !== length) throw new SoakFailure(`of ${length} bytes a socket took ${sent}`);
  copyModel(source, target, count);
  const bytes = source.bytes.store(source.firstChunk, count, soak.newStamp());
  succeeded('a store', -(yield (user) => user.storeBytes(source.address, bytes)));
  for (let done = 0; done < length; ) {
    const [address, left] = [target.address + done, length - done];
    const received = succeeded('recv', yield (user) => user.recv(to, address, left));
    if (received === 0) throw new SoakFailure(`of ${length} bytes a socket gave ${done}`);
    done += received;
  }
  yield* closeBoth(ends);
}

/** @param {readonly number[]} ends @returns {Work} */
function* closeBoth(ends) {
  for (const end of ends) succeeded('close', yield (user) => user.close(end));
}

/**
 * Has a disk take bytes out of memory, or put some there, by itself. The memory is the worker's own: what is shared may be lent, and
 * NetBSD does not keep what is lent and what devices use apart.
 *
 * @param {Soak} soak @param {Worker} worker @returns {Work}
 */
export function* byDisk(soak, worker) {
  const region = soak.take(worker, ({ kind, shared }) => kind === 'anonymous' && !shared);
  if (region === null) return;
  const { name, bytes } = soak.disk;
  const at = soak.random.below(bytes.stamps.length);
  const count = Math.min(region.chunks, bytes.stamps.length - at, 1 + soak.random.below(DISK_CHUNKS));
  if (!soak.claim(bytes, at, count, 'write')) return;
  const length = count * CHUNK_SIZE;
  const write = soak.random.below(2) === 0;
  const first = region.firstChunk;
  const fd = succeeded('open', yield (user) => user.open(name, O_RDWR));
  const moved = yield (user) =>
    write ? user.pwrite(fd, region.address, length, at * CHUNK_SIZE) : user.pread(fd, region.address, length, at * CHUNK_SIZE);
  if (moved !== length) throw new SoakFailure(`of ${length} bytes the disk moved ${moved}`);
  if (write) bytes.stamps.set(region.bytes.stamps.subarray(first, first + count), at);
  else region.bytes.stamps.set(bytes.stamps.subarray(at, at + count), first);
  succeeded('close', yield (user) => user.close(fd));
}
