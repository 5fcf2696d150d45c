/** The entries that one process shows are found by random programs as well, of which little is left when they are made small. */
import { formatSyz } from '@faultline/formats';
import { fuzzSyz, isClean, type RunResult } from '@faultline/program';
import { describe, expect, it } from 'vitest';
import { type CatalogueEntry, defectsOf, isFinding, shownBy } from '../src/index.js';
import { amapBimerge } from '../src/netbsd-2002-amap-bimerge.js';
import { mlockClip } from '../src/netbsd-2012-mlock-clip.js';
import { mlockWrap } from '../src/netbsd-2019-mlock-wrap.js';
import { mlockZero } from '../src/netbsd-2019-mlock-zero.js';

const MACHINE = { ramPages: 64, counterWidth: 16 } as const;

/** How many programs are enough, and what must be left: the calls of what was found, by name. */
const EXPECTED: readonly [entry: CatalogueEntry, programs: number, calls: readonly string[]][] = [
  [amapBimerge, 2000, ['mmap', 'mprotect', 'write', 'fork', 'wait4', 'mmap']],
  [mlockClip, 500, ['mlock']],
  [mlockZero, 1000, ['write', 'mlock']],
  [mlockWrap, 2000, ['write', 'mlock']],
];

describe.each(EXPECTED.map(([entry, programs, calls]) => ({ id: entry.id, entry, programs, calls })))(
  '$id',
  ({ entry, programs, calls }) => {
    const { kind, text } = entry.finds;
    const fails = (result: RunResult): boolean => isFinding({ kind, text }, shownBy(result));
    const run = { machine: MACHINE, patches: defectsOf(entry) };

    it('is found by random programs, and shrinks to a few calls that show the same', () => {
      const { found } = fuzzSyz({ programs, fails, run });
      const left = found?.shrunk.program;
      expect(left?.calls.map(({ name }) => name)).toEqual(calls);
    });
  },
);

it('nothing is found by random programs without a defect', () => {
  const { found } = fuzzSyz({ programs: 3000, fails: (result) => !isClean(result), run: { machine: MACHINE } });
  expect(found === null ? '' : formatSyz(found.shrunk.program)).toBe('');
});
