/** Source-DPOR: at least one execution for each class, and few more, with sets of threads to be explored from each state. */
import type { Model } from '../model.js';
import { DporSearch, lowest } from './dpor-search.js';
import type { Frame } from './frame.js';
import { BLOCKED, type SearchOptions, type SearchResult } from './search.js';
import { initials } from './wakeup-tree.js';

/** Explores at least one execution of each class; some are begun in vain, and blocked by sleep sets. */
export function exploreSourceDpor(model: Model, options: SearchOptions = {}): SearchResult {
  return new SourceSearch(model, options).run();
}

class SourceSearch extends DporSearch {
  readonly name = 'source-DPOR';

  protected begin(frame: Frame, last: number): number {
    const lwp = this.anyAwake(frame, last);
    frame.done = 0;
    frame.backtrack = lwp === BLOCKED ? 0 : 1 << lwp;
    return lwp;
  }

  protected again(frame: Frame): number {
    return lowest(frame.backtrack & ~frame.done);
  }

  protected beginChoice(frame: Frame): number {
    frame.done = 0;
    return 0;
  }

  protected againChoice(frame: Frame): number {
    return frame.way + 1;
  }

  protected next(frame: Frame): boolean {
    if (frame.kind === 'choice') return frame.way + 1 < frame.ways;
    this.fallAsleep(frame);
    for (const { lwp } of frame.sleep) frame.done |= 1 << lwp;
    return (frame.backtrack & ~frame.done) !== 0;
  }

  protected raced(frame: Frame, sequence: readonly Frame[]): void {
    const first = initials(sequence);
    if ((first & (frame.backtrack | frame.done)) !== 0) return;
    let sleeping = 0;
    for (const { lwp } of frame.sleep) sleeping |= 1 << lwp;
    const useful = first & frame.enabled & ~sleeping;
    if (useful !== 0) frame.backtrack |= 1 << lowest(useful);
    else if ((first & frame.enabled) === 0) {
      frame.backtrack |= frame.enabled;
      this.fallbacks++;
    }
  }
}
