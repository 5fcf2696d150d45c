/** An environment in which things go wrong. */
import { RandomPreemption, type SchedulingPoint } from '../../src/index.js';

/** One choice of the environment in so many goes wrong. */
const FAULTS_IN = 6;

/**
 * Allocations find nothing although there is memory, so that they have to be tried again; I/O fails while it may. The threads of the
 * kernel run in any order.
 */
export class Adversity extends RandomPreemption {
  /** Whether I/O may fail now. */
  failsIo = false;
  /** Whether writes may fail although nobody waits for them. */
  writesFail: boolean;
  /** How many requests have failed so far. */
  failures = 0;

  /** @param writesFail whether writes may fail although nobody waits for them: those of the page daemon */
  constructor(seed: number, writesFail: boolean) {
    super(seed, { faultsIn: FAULTS_IN });
    this.writesFail = writesFail;
  }

  override choose(site: string, alternatives: number, point: SchedulingPoint): number {
    if (!site.startsWith('io.')) return super.choose(site, alternatives, point);
    const choice = this.failsIo || (this.writesFail && site === 'io.write') ? super.choose(site, alternatives, point) : 0;
    if (choice !== 0) this.failures++;
    return choice;
  }
}
