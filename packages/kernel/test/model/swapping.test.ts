/**
 * Random sequences of operations with so little RAM that everything swaps, against a plain model of memory: with shared memory, pages
 * that sockets lend, and a raw disk that moves bytes in and out of memory by itself.
 */
import { describe, expect, it } from 'vitest';
import type { Tally } from './extras.js';
import { SWAPPING, UNSTEADY } from './profiles.js';
import { expectModel, sequenceCount, timeFor } from './property.js';

const SEQUENCES = sequenceCount(10_000);
/** Sequences in which swapping begins and ends, and I/O fails. */
const UNSTEADY_SEQUENCES = sequenceCount(2000);
/** Sequences that are looked at after each operation, for what is wrong only in between. */
const CLOSELY = 60;
/** Less than what a sequence begins with takes, and what the kernel keeps for itself. */
const RAM_PAGES = 18;
const COMMON = { length: 14, processes: 3, ramPages: RAM_PAGES, swaps: true };

/** Expects that things happened at least so often in a sequence, on an average. */
function expectOften(tally: Tally, sequences: number, least: Partial<Tally>): void {
  for (const [what, often] of Object.entries(least)) {
    expect(tally[what as keyof Tally] / sequences, what).toBeGreaterThan(often);
  }
}

describe('with RAM so small that everything swaps', () => {
  it(
    `programs do in ${SEQUENCES} random sequences what a plain model of memory does, with shared memory, loans and raw I/O`,
    () => {
      const { tally } = expectModel(SWAPPING, { ...COMMON, count: SEQUENCES });
      expectOften(tally, SEQUENCES, {
        swappedIn: 6,
        swappedOut: 8,
        attached: 0.2,
        received: 200,
        lent: 0.2,
        broken: 0.05,
        chunks: 0.6,
      });
      expect(tally.lost, 'lost pages').toBe(0);
    },
    timeFor(SEQUENCES),
  );

  it(
    `they do so in ${UNSTEADY_SEQUENCES} while disks are swapped to or not and I/O fails: only that is lost which was said to be`,
    () => {
      const { tally, failures } = expectModel(UNSTEADY, { ...COMMON, count: UNSTEADY_SEQUENCES, adverse: true });
      expectOften(tally, UNSTEADY_SEQUENCES, { swappedIn: 4, swappedOut: 6, swapOn: 0.08, swapOff: 0.1, lost: 0.3 });
      expectOften(tally, UNSTEADY_SEQUENCES, { attached: 0.15, received: 120, lent: 0.15, broken: 0.02, chunks: 0.5 });
      expect(failures / UNSTEADY_SEQUENCES, 'requests for I/O that failed').toBeGreaterThan(0.2);
    },
    timeFor(UNSTEADY_SEQUENCES),
  );

  it(
    `the kernel is sound after each operation of ${CLOSELY} sequences, and takes its locks in one order`,
    () => {
      expectModel(SWAPPING, { ...COMMON, count: CLOSELY, closely: true });
      expectModel(UNSTEADY, { ...COMMON, count: CLOSELY, closely: true, adverse: true });
    },
    timeFor(2 * CLOSELY),
  );
});
