/** Random sequences of operations of one process, against a plain model of memory. */
import { describe, it } from 'vitest';
import { ALONE } from './profiles.js';
import { expectModel, sequenceCount, timeFor } from './property.js';

const SEQUENCES = sequenceCount(6000);
/** Sequences that are looked at after each operation, for what is wrong only in between. */
const CLOSELY = 200;
const LENGTH = 40;

describe('one process', () => {
  it(
    `does in ${SEQUENCES} random sequences what a plain model of memory does: bytes, errnos, signals, and nothing leaks`,
    () => {
      expectModel(ALONE, { count: SEQUENCES, length: LENGTH, processes: 1 });
    },
    timeFor(SEQUENCES),
  );

  it(
    `is sound after each operation of ${CLOSELY} random sequences, and takes its locks in one order`,
    () => {
      expectModel(ALONE, { count: CLOSELY, length: LENGTH, processes: 1, closely: true });
    },
    timeFor(CLOSELY),
  );
});
