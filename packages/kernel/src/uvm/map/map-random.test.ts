/** Maps against a plain model of them: whatever is asked of a map, an array with a record a page says what must be there then. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LARGE, type Operation, type Scale, SMALL, sequences, Twins } from '../../../test/map-operations.js';

/** Performs a sequence on new maps, and compares with the model all the way; with `closely` the audit does so, too. */
function check(scale: Scale, sequence: readonly { on: number; what: Operation }[], options: { closely: boolean }): void {
  const twins = new Twins(scale);
  const { bench } = twins;
  for (const { on, what } of sequence) {
    bench.run(() => twins.perform(on, what));
    if (options.closely) bench.expectSound();
  }
  bench.run(() => twins.compareBytes());
  bench.expectSound();
  bench.run(() => twins.exit());
  bench.expectSound();
  const { uvm } = bench;
  expect([uvm.maps.size, uvm.amaps.size, uvm.anonCount, uvm.uvmexp.wired]).toEqual([0, 0, 0, 0]);
}

describe('random sequences of map, unmap, protect, inherit, advise, wire, extract, fork and store', () => {
  it('leave what the plain model says, and no invariant broken at any point', () => {
    const property = fc.property(sequences(SMALL), (sequence) => check(SMALL, sequence, { closely: true }));
    fc.assert(property, { numRuns: 300 });
  });

  it('do so as well in maps whose memory is made in chunks', () => {
    const property = fc.property(sequences(LARGE), (sequence) => check(LARGE, sequence, { closely: false }));
    fc.assert(property, { numRuns: 40 });
  });
});
