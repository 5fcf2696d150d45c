/**
 * Files in two processes, each with shared and private mappings and with descriptors of its own, against a plain model of bytes: under
 * truncation and extension, msync, fsync and advice, with holes, and with memory that is moved to and from being the file itself.
 */
import { describe, expect, it } from 'vitest';
import { COHERENCE } from './profiles.js';
import { expectModel, sequenceCount, timeFor } from './property.js';

const SEQUENCES = sequenceCount(300);
/** Sequences after each operation of which the kernel is audited. */
const CLOSELY = 40;
const LENGTH = 60;
const PROCESSES = 2;

describe('what is read through a descriptor and what is loaded from a mapping', () => {
  it(
    `are the same bytes in ${SEQUENCES} random sequences`,
    () => {
      expectModel(COHERENCE, { count: SEQUENCES, length: LENGTH, processes: PROCESSES });
      expectModel(COHERENCE, { count: CLOSELY, length: LENGTH, processes: PROCESSES, closely: true });
    },
    timeFor(SEQUENCES + CLOSELY),
  );

  it(
    `are the same bytes in ${SEQUENCES} random sequences in which I/O fails now and then`,
    () => {
      const { failures } = expectModel(COHERENCE, { count: SEQUENCES, length: LENGTH, processes: PROCESSES, adverse: true });
      expect(failures, 'requests for I/O that failed').toBeGreaterThan(0);
    },
    timeFor(SEQUENCES),
  );
});
