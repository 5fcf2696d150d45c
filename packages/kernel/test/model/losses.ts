/** Pages whose bytes went to swap and cannot come back. */
import type { NetbsdSystem } from '../../src/index.js';
import type { Extras } from './extras.js';
import { lostAt } from './kernel-view.js';
import { isLost } from './plain-memory.js';
import type { Pair } from './world.js';

/**
 * Takes note, in the model, of the pages that are lost by now. Only what could not be read or written may be; and of what could not be
 * read, somebody must be told.
 *
 * @param told whether an answer or a signal has said that something went wrong
 * @returns what is wrong with that, null for nothing
 */
export function noteLost(system: NetbsdSystem, extras: Extras, pairs: readonly Pair[], told: boolean): string | null {
  const { read, written } = extras.takeFailures();
  const lost = new Set<unknown>();
  for (const { kernel, model } of pairs) {
    for (const [at, page] of model.pages) {
      const { place, file, index } = page;
      if (isLost(page) || (place.bytes === null && file?.inMemory !== true)) continue;
      const gone = lostAt(system, kernel, at);
      if (gone === null) continue;
      if (place.bytes !== null) place.lost = true;
      else file?.lost.add(index);
      lost.add(gone);
    }
  }
  const count = lost.size + extras.noteLost();
  extras.tally.lost += count;
  if (count > read + written) return `${count} pages were lost, but only ${read} could not be read, and ${written} not written`;
  if (count > written && !told) return `${count} pages were lost, ${written} of them to writes, and nobody was told`;
  return null;
}
