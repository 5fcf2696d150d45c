import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import * as mapArguments from './map-arguments.js';
import { DEFAULT_ARGUMENTS } from './map-arguments.js';

describe('the arguments of a mapping', () => {
  it('have a bit of their own for each flag', () => {
    const flags = Object.entries(mapArguments).flatMap(([name, value]) =>
      name.startsWith('UVM_FLAG_') ? [value as number] : [],
    );
    expect(flags).toHaveLength(9);
    let seen = 0;
    for (const flag of flags) {
      expect([Math.log2(flag) % 1, seen & flag]).toEqual([0, 0]);
      seen |= flag;
    }
  });

  it('mean, when nothing is said, memory with all rights that a child copies, where there is room', () => {
    const bench = new Bench();
    bench.run(function* () {
      const start = yield* bench.uvm.uvmMap(bench.map, { ...DEFAULT_ARGUMENTS, hint: bench.at(0), size: 4096 });
      expect(start).toBe(bench.at(0));
    });
    expect(bench.entryAt(0)).toMatchObject({
      protection: 7,
      maxProtection: 7,
      inheritance: 1,
      advice: 0,
      copyOnWrite: false,
      needsCopy: false,
      object: null,
      amap: null,
      flags: 0,
    });
  });
});
