import { describe, expect, it } from 'vitest';
import { Limits, RLIM_INFINITY, RLIM_NLIMITS, RLIMIT_AS, RLIMIT_MEMLOCK } from './limits.js';

describe('resource limits', () => {
  it('are all infinite at first', () => {
    const limits = new Limits();
    for (let which = 0; which < RLIM_NLIMITS; which++) {
      expect(limits.get(which)).toEqual({ current: RLIM_INFINITY, maximum: RLIM_INFINITY });
    }
  });

  it('change one at a time, in a copy, so that a parent and a child may share a set', () => {
    const limits = new Limits();
    const changed = limits.with(RLIMIT_MEMLOCK, { current: 10, maximum: 20 });
    expect(changed.get(RLIMIT_MEMLOCK)).toEqual({ current: 10, maximum: 20 });
    expect(changed.soft(RLIMIT_MEMLOCK)).toBe(10);
    expect(changed.soft(RLIMIT_AS)).toBe(RLIM_INFINITY);
    expect(limits.soft(RLIMIT_MEMLOCK)).toBe(RLIM_INFINITY);
  });

  it.each([-1, RLIM_NLIMITS, 1.5])('have none of number %s: nothing to get, and nothing in the way', (which) => {
    const limits = new Limits();
    expect(limits.get(which)).toBeUndefined();
    expect(limits.soft(which)).toBe(RLIM_INFINITY);
  });
});
