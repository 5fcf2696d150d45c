/** What workers do with their memory: mapping, storing, checking, wiring. */
import { MADV_DONTNEED, MADV_FREE, MAP_ANON, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '@faultline/kernel/direct';
import { Bytes, CHUNK_SIZE, PAGE_SIZE } from './bytes.mjs';
import { Region, succeeded } from './worker.mjs';

/** @typedef {import('./soak.mjs').Soak} Soak */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('./worker.mjs').Worker} Worker */

const READ_WRITE = PROT_READ | PROT_WRITE;
const LARGEST_REGION = 48;
/** Chunks that one store or load goes over at most: two pages, and a bit of the third. */
const LARGEST_ACCESS = 17;

/** Maps private memory, and stores all over it. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* mapPrivate(soak, worker) {
  yield* mapAnonymous(soak, worker, { shared: false });
}

/** Maps memory that children share, and stores all over it. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* mapShared(soak, worker) {
  yield* mapAnonymous(soak, worker, { shared: true });
}

/** @param {Soak} soak @param {Worker} worker @param {{ shared: boolean }} how @returns {Work} */
function* mapAnonymous(soak, worker, { shared }) {
  const pages = 1 + soak.random.below(LARGEST_REGION);
  if (!soak.mayGrow(pages)) return;
  const flags = MAP_ANON | (shared ? MAP_SHARED : MAP_PRIVATE);
  const address = succeeded('mmap', yield (user) => user.mmap(0, pages * PAGE_SIZE, READ_WRITE, flags));
  const bytes = new Bytes(shared ? 'memory shared with children' : 'private memory', pages);
  const region = new Region({ address, pages, bytes, firstPage: 0, shared, kind: 'anonymous' });
  // Some of it stays untouched, and must be zeros.
  const untouched = soak.random.below(4) === 0 ? soak.random.below(region.chunks) : 0;
  yield* store(soak, region, 0, region.chunks - untouched);
  worker.regions.push(region);
}

/** Unmaps a region, or a part of it. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* unmap(soak, worker) {
  const region = soak.take(worker, ({ kind }) => kind !== 'segment');
  if (region === null) return;
  const whole = soak.random.below(2) === 0;
  const skip = whole ? 0 : soak.random.below(region.pages);
  const pages = whole ? region.pages : 1 + soak.random.below(region.pages - skip);
  const at = region.address + skip * PAGE_SIZE;
  worker.unmapped(region, skip, pages);
  succeeded('munmap', yield (user) => user.munmap(at, pages * PAGE_SIZE));
}

/** Stores to some of what is mapped. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* storeSome(soak, worker) {
  const region = soak.take(worker);
  if (region === null) return;
  const skip = soak.random.below(region.chunks);
  const count = Math.min(1 + soak.random.below(LARGEST_ACCESS), region.chunks - skip);
  if (soak.claim(region.bytes, region.firstChunk + skip, count, 'write')) yield* store(soak, region, skip, count);
}

/** Stores to chunks that are claimed. @param {Soak} soak @param {Region} region @param {number} skip @param {number} count @returns {Work} */
function* store(soak, region, skip, count) {
  const bytes = region.bytes.store(region.firstChunk + skip, count, soak.newStamp());
  const errno = yield (user) => user.storeBytes(region.address + skip * CHUNK_SIZE, bytes);
  succeeded('a store', -errno);
}

/** Looks whether some of what is mapped is as it must be. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* checkSome(soak, worker) {
  const region = soak.take(worker);
  if (region === null) return;
  const skip = soak.random.below(region.chunks);
  const count = Math.min(1 + soak.random.below(LARGEST_ACCESS), region.chunks - skip);
  if (soak.claim(region.bytes, region.firstChunk + skip, count, 'read')) yield* worker.check(region, skip, count);
}

/** Looks at a whole region. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* checkRegion(soak, worker) {
  const region = soak.take(worker);
  if (region === null || !soak.claim(region.bytes, region.firstChunk, region.chunks, 'read')) return;
  yield* worker.check(region, 0, region.chunks);
}

/** Wires a region, as far as there is room for wired pages, or unwires it. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* wire(soak, worker) {
  const region = soak.take(worker);
  if (region === null) return;
  if (region.wired) {
    region.wired = false;
    succeeded('munlock', yield (user) => user.munlock(region.address, region.length));
  } else if (soak.mayWire(region.pages) && soak.claim(region.bytes, region.firstChunk, region.chunks, 'read')) {
    region.wired = true;
    succeeded('mlock', yield (user) => user.mlock(region.address, region.length));
  }
}

/** Takes the right to store away from a region, checks it, and gives the right back. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* protect(soak, worker) {
  const region = soak.take(worker);
  if (region === null) return;
  succeeded('mprotect', yield (user) => user.mprotect(region.address, region.length, PROT_READ));
  if (soak.claim(region.bytes, region.firstChunk, region.chunks, 'read')) yield* worker.check(region, 0, region.chunks);
  succeeded('mprotect', yield (user) => user.mprotect(region.address, region.length, READ_WRITE));
}

/** Says that a region will not be needed soon; what is in it stays. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* advise(soak, worker) {
  const region = soak.take(worker);
  if (region === null) return;
  succeeded('madvise', yield (user) => user.madvise(region.address, region.length, MADV_DONTNEED));
}

/** Says that what is in a region is of no use any more, and stores all over it. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* discard(soak, worker) {
  const region = soak.take(worker, ({ kind, shared, wired }) => kind === 'anonymous' && !shared && !wired);
  if (region === null) return;
  succeeded('madvise', yield (user) => user.madvise(region.address, region.length, MADV_FREE));
  yield* store(soak, region, 0, region.chunks);
}

/** Makes a region of private memory longer or shorter, wherever it has to go for that. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* resize(soak, worker) {
  const region = soak.take(worker, ({ kind, shared, wired }) => kind === 'anonymous' && !shared && !wired);
  if (region === null) return;
  const pages = 1 + soak.random.below(LARGEST_REGION);
  if (pages > region.pages && !soak.mayGrow(pages - region.pages)) return;
  const { address, length } = region;
  const bytes = new Bytes('memory that was moved', pages);
  const from = region.firstChunk;
  bytes.stamps.set(region.bytes.stamps.subarray(from, from + Math.min(region.chunks, bytes.stamps.length)));
  worker.unmapped(region, 0, region.pages);
  const moved = succeeded('mremap', yield (user) => user.mremap(address, length, 0, pages * PAGE_SIZE, 0));
  worker.regions.push(new Region({ address: moved, pages, bytes, firstPage: 0, shared: false, kind: 'anonymous' }));
}
