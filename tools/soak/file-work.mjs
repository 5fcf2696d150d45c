/** What workers do with files of the host, through descriptors and through memory. */
import { MAP_PRIVATE, MAP_SHARED, MS_SYNC, O_RDWR, PROT_READ, PROT_WRITE } from '@faultline/kernel/direct';
import { CHUNK_SIZE, CHUNKS_IN_PAGE, PAGE_SIZE } from './bytes.mjs';
import { Region, SoakFailure, succeeded } from './worker.mjs';

/** @typedef {import('./bytes.mjs').Bytes} Bytes */
/** @typedef {import('./soak.mjs').Soak} Soak */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('./worker.mjs').Worker} Worker */

/**
 * A file of the host that all workers use.
 *
 * @typedef {object} SharedFile
 * @property {string} name in the system
 * @property {import('@faultline/host-node').HostFile} store
 * @property {Bytes} bytes what must be in it
 */

const READ_WRITE = PROT_READ | PROT_WRITE;
const MOST_PAGES = 32;

/** Opens a file for one thing. @param {SharedFile} file @param {(fd: number) => Work} use @returns {Work} */
function* withFile(file, use) {
  const fd = succeeded('open', yield (user) => user.open(file.name, O_RDWR));
  yield* use(fd);
  succeeded('close', yield (user) => user.close(fd));
}

/** @param {Soak} soak @param {SharedFile} file @param {number} most */
function somePages(soak, file, most) {
  const firstPage = soak.random.below(file.bytes.pages);
  return { firstPage, pages: Math.min(1 + soak.random.below(most), file.bytes.pages - firstPage) };
}

/** Maps a part of a file, shared. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* mapFile(soak, worker) {
  const file = soak.anyFile();
  const { firstPage, pages } = somePages(soak, file, MOST_PAGES);
  yield* withFile(file, function* (fd) {
    const address = succeeded(
      'mmap of a file',
      yield (user) => user.mmap(0, pages * PAGE_SIZE, READ_WRITE, MAP_SHARED, fd, firstPage * PAGE_SIZE),
    );
    worker.regions.push(new Region({ address, pages, bytes: file.bytes, firstPage, shared: true, kind: 'file' }));
  });
}

/** Maps a part of the file that nobody changes, as its own. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* mapProgram(soak, worker) {
  const file = soak.program;
  const { firstPage, pages } = somePages(soak, file, MOST_PAGES);
  if (!soak.mayGrow(pages)) return;
  yield* withFile(file, function* (fd) {
    const address = succeeded(
      'mmap of a file',
      yield (user) => user.mmap(0, pages * PAGE_SIZE, READ_WRITE, MAP_PRIVATE, fd, firstPage * PAGE_SIZE),
    );
    const bytes = file.bytes.copy();
    bytes.what = `a private mapping of ${file.name}`;
    worker.regions.push(new Region({ address, pages, bytes, firstPage, shared: false, kind: 'file' }));
  });
}

/** Writes what is in memory to a file, through a descriptor. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* writeFile(soak, worker) {
  const file = soak.anyFile();
  const source = soak.take(worker, ({ bytes }) => bytes !== file.bytes);
  if (source === null) return;
  const to = soak.random.below(file.bytes.stamps.length);
  const count = Math.min(source.chunks, file.bytes.stamps.length - to, 1 + soak.random.below(40));
  const from = source.firstChunk;
  if (!soak.claim(source.bytes, from, count, 'read') || !soak.claim(file.bytes, to, count, 'write')) return;
  yield* withFile(file, function* (fd) {
    const length = count * CHUNK_SIZE;
    expectLength('pwrite', length, yield (user) => user.pwrite(fd, source.address, length, to * CHUNK_SIZE));
    file.bytes.stamps.set(source.bytes.stamps.subarray(from, from + count), to);
  });
}

/** Reads a file into memory, through a descriptor. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* readFile(soak, worker) {
  const file = soak.anyFile();
  const target = soak.take(worker, ({ bytes }) => bytes !== file.bytes);
  if (target === null) return;
  const from = soak.random.below(file.bytes.stamps.length);
  const count = Math.min(target.chunks, file.bytes.stamps.length - from, 1 + soak.random.below(40));
  const to = target.firstChunk;
  if (!soak.claim(target.bytes, to, count, 'write') || !soak.claim(file.bytes, from, count, 'read')) return;
  yield* withFile(file, function* (fd) {
    const length = count * CHUNK_SIZE;
    expectLength('pread', length, yield (user) => user.pread(fd, target.address, length, from * CHUNK_SIZE));
    target.bytes.stamps.set(file.bytes.stamps.subarray(from, from + count), to);
  });
}

/** Has a mapping written to the host, and looks there. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* sync(soak, worker) {
  const region = soak.take(worker, ({ bytes }) => soak.fileOf(bytes) !== null);
  if (region === null || !soak.claim(region.bytes, region.firstChunk, region.chunks, 'read')) return;
  succeeded('msync', yield (user) => user.msync(region.address, region.length, MS_SYNC));
  soak.checkAtRest(region.bytes, region.firstPage, region.pages);
}

/** Cuts a file, and extends it again: what was behind the cut is zeros. @param {Soak} soak @param {Worker} _worker @returns {Work} */
export function* truncate(soak, _worker) {
  const file = soak.anyFile();
  const { bytes } = file;
  if (!soak.claim(bytes, 0, bytes.stamps.length, 'write')) return;
  const left = bytes.pages - 1 - soak.random.below(8);
  yield* withFile(file, function* (fd) {
    succeeded('ftruncate', yield (user) => user.ftruncate(fd, left * PAGE_SIZE));
    bytes.stamps.fill(0, left * CHUNKS_IN_PAGE);
    succeeded('ftruncate', yield (user) => user.ftruncate(fd, bytes.pages * PAGE_SIZE));
  });
}

/** @param {string} what @param {number} wanted @param {number} answer */
function expectLength(what, wanted, answer) {
  if (answer !== wanted) throw new SoakFailure(`${what} of ${wanted} bytes answered ${answer}`);
}
