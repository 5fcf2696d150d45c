/** Random sequences of operations of up to four processes that fork from one another, against a plain model of memory. */
import { describe, it } from 'vitest';
import { TOGETHER } from './profiles.js';
import { expectModel, sequenceCount, timeFor } from './property.js';

const SEQUENCES = sequenceCount(4000);
/** Sequences that are looked at after each operation, for what is wrong only in between. */
const CLOSELY = 100;
const LENGTH = 50;
const PROCESSES = 4;

describe('several processes', () => {
  it(
    `do in ${SEQUENCES} random sequences what a plain model of memory does: bytes, errnos, signals, and nothing leaks`,
    () => {
      expectModel(TOGETHER, { count: SEQUENCES, length: LENGTH, processes: PROCESSES });
    },
    timeFor(SEQUENCES),
  );

  it(
    `are sound after each operation of ${CLOSELY} random sequences, and take their locks in one order`,
    () => {
      expectModel(TOGETHER, { count: CLOSELY, length: LENGTH, processes: PROCESSES, closely: true });
    },
    timeFor(CLOSELY),
  );
});
