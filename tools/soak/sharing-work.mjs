/** What workers do with memory that others have too: System V segments, and what children are to share. */
import { ENOMEM, IPC_PRIVATE, IPC_RMID, MAP_INHERIT_SHARE } from '@faultline/kernel/direct';
import { Bytes, PAGE_SIZE } from './bytes.mjs';
import { Region, succeeded } from './worker.mjs';

/** @typedef {import('./soak.mjs').Soak} Soak */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('./worker.mjs').Worker} Worker */

/**
 * A System V segment.
 *
 * @typedef {object} Segment
 * @property {number} id
 * @property {Bytes} bytes
 */

const MOST_SEGMENTS = 6;
const LARGEST_SEGMENT = 40;
/** Everybody may read and write. */
const MODE = 0o666;

/** Attaches a segment: one that is there, or a new one. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* attach(soak, worker) {
  let segment = soak.anyOf(soak.segments);
  if (segment === null || (soak.segments.length < MOST_SEGMENTS && soak.random.below(2) === 0)) {
    const pages = 1 + soak.random.below(LARGEST_SEGMENT);
    const id = yield (user) => user.shmget(IPC_PRIVATE, pages * PAGE_SIZE, MODE);
    // All segments together may have a quarter of RAM, and those that were removed are there as long as somebody has them.
    if (id === -ENOMEM) return;
    succeeded('shmget', id);
    segment = { id, bytes: new Bytes(`segment ${id}`, pages) };
    soak.segments.push(segment);
  }
  const { id, bytes } = segment;
  const address = yield (user) => user.shmat(id, 0, 0);
  // Somebody may have removed it a moment ago.
  if (address < 0 && !soak.segments.includes(segment)) return;
  succeeded('shmat', address);
  worker.regions.push(new Region({ address, pages: bytes.pages, bytes, firstPage: 0, shared: true, kind: 'segment' }));
}

/** Detaches a segment. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* detach(soak, worker) {
  const region = soak.take(worker, (candidate) => candidate.kind === 'segment');
  if (region === null) return;
  worker.unmapped(region, 0, region.pages);
  succeeded('shmdt', yield (user) => user.shmdt(region.address));
}

/** Removes a segment; who has it attached has it still. @param {Soak} soak @param {Worker} _worker @returns {Work} */
export function* remove(soak, _worker) {
  const segment = soak.anyOf(soak.segments);
  if (segment === null) return;
  soak.segments.splice(soak.segments.indexOf(segment), 1);
  succeeded('shmctl', yield (user) => user.shmctl(segment.id, IPC_RMID));
}

/** Has children share a region that they would have had a copy of. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* inherit(soak, worker) {
  const region = soak.take(worker, ({ kind, shared }) => kind === 'anonymous' && !shared);
  if (region === null) return;
  // What is left of a region that was cut has bytes in common with the other parts, which are not shared.
  const bytes = new Bytes('memory that children were made to share', region.pages);
  bytes.stamps.set(region.bytes.stamps.subarray(region.firstChunk, region.firstChunk + region.chunks));
  worker.regions.splice(
    worker.regions.indexOf(region),
    1,
    new Region({ ...region, pages: region.pages, bytes, firstPage: 0, shared: true }),
  );
  succeeded('minherit', yield (user) => user.minherit(region.address, region.length, MAP_INHERIT_SHARE));
}
