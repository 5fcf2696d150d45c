/** Random sequences of operations while things go wrong, against a plain model of memory. */
import { describe, expect, it } from 'vitest';
import { ALONE, SCARCITY, TOGETHER } from './profiles.js';
import { expectModel, sequenceCount, timeFor } from './property.js';

const SEQUENCES = sequenceCount(500);
const PROCESSES = 4;
/** So little RAM that a few processes use it up. */
const RAM_PAGES = 20;

describe('adversity', () => {
  const title = (who: string): string =>
    `${who} in ${SEQUENCES} random sequences what a plain model does, although allocations must be tried again and I/O fails`;

  it(
    title('one process does'),
    () => {
      const { failures } = expectModel(ALONE, { count: SEQUENCES, length: 40, processes: 1, adverse: true });
      expect(failures, 'requests for I/O that failed').toBeGreaterThan(0);
    },
    timeFor(SEQUENCES),
  );

  it(
    title('several processes do'),
    () => {
      const { failures } = expectModel(TOGETHER, { count: SEQUENCES, length: 50, processes: PROCESSES, adverse: true });
      expect(failures, 'requests for I/O that failed').toBeGreaterThan(0);
    },
    timeFor(SEQUENCES),
  );

  it(
    `in ${SEQUENCES} random sequences without enough memory, processes are killed, and the others go on as a plain model does`,
    () => {
      const { killed } = expectModel(SCARCITY, { count: SEQUENCES, length: 80, processes: PROCESSES, ramPages: RAM_PAGES });
      expect(killed, 'processes that were killed').toBeGreaterThan(0);
    },
    timeFor(SEQUENCES),
  );
});
