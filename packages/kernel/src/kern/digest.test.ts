import { describe, expect, it } from 'vitest';
import { Digest } from './digest.js';

/** The lanes after some numbers were mixed in. */
function lanesOf(...values: readonly number[]): readonly [high: number, low: number] {
  const digest = new Digest();
  for (const value of values) digest.mix(value);
  return [digest.high, digest.low];
}

describe('a digest', () => {
  it('tells how many zeros were mixed in: a thread that has loaded a zero has gone on', () => {
    const digests = [lanesOf(), lanesOf(0), lanesOf(0, 0), lanesOf(0, 0, 0)].map(String);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('tells the order of what was mixed in', () => {
    expect(lanesOf(0, 1)).not.toEqual(lanesOf(1, 0));
  });

  it('is as at the beginning when it has forgotten everything', () => {
    const digest = new Digest();
    digest.mix(7);
    digest.clear();
    expect([digest.high, digest.low]).toEqual(lanesOf());
  });
});
