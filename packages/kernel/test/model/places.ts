/** Addresses and sizes in operations, as the model makes them out when it comes to them. */
import { OBJECT_FD } from './extras.js';
import type { Place } from './operations.js';
import { PAGE, type PlainOpenFile, type PlainProcess } from './plain-memory.js';
import { MAX, MIN, type World } from './world.js';

/** The descriptor of the second file. */
const SECOND_FD = 3;

/** The address that is meant. */
export function resolve(place: Place, model: PlainProcess): number {
  if (typeof place === 'number') return place;
  const runs = model.runs();
  const run = runs[place.run % Math.max(1, runs.length)] ?? { start: MIN, end: MAX };
  return run.start + ((place.page * PAGE) % (run.end - run.start)) + place.plus;
}

/** The range that an operation means; with `fit` it ends where what is mapped at its start ends, at the latest. */
export function resolveRange(
  range: { at: Place; length: number; fit: boolean },
  model: PlainProcess,
): [address: number, length: number] {
  const address = resolve(range.at, model);
  const run = model.runs().find(({ start, end }) => address >= start && address < end);
  const fits = !range.fit || run === undefined || range.length <= 0;
  return [address, fits ? range.length : Math.min(range.length, run.end - address)];
}

/** A number in hexadecimal. */
export function hex(value: number): string {
  return value < 0 ? String(value) : `0x${value.toString(16)}`;
}

/** The descriptor that is meant: where there is shared memory, an object of it takes the place of the second file. */
export function descriptorFor({ swaps }: World, fd: number): number {
  return swaps && fd === SECOND_FD ? OBJECT_FD : fd;
}

/**
 * The size that a file gets. Where there is swap, files have whole pages: what mappings store behind the end of one is lost whenever its
 * last page goes, and that may be at any time.
 */
export function sizeFor({ swaps }: World, wanted: number): number {
  return swaps && wanted > 0 ? Math.ceil(wanted / PAGE) * PAGE : wanted;
}

/** How many bytes are written, for the same reason. */
export function lengthFor(world: World, open: PlainOpenFile | undefined, wanted: number, offset: number | null): number {
  if (open === undefined || open.file === 'pipe' || wanted <= 0) return wanted;
  const start = open.append ? open.file.size : (offset ?? open.offset);
  return start < 0 || start + wanted <= open.file.size ? wanted : sizeFor(world, start + wanted) - start;
}
