import { findDataRaces } from '@faultline/explorer';
import { definePatch, RandomPreemption } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import faultTruncateMsync from '../../../examples/explore/fault-truncate-msync.js';
import forkFaultRemap from '../../../examples/explore/fork-fault-remap.js';
import mlockMprotectMunmap from '../../../examples/explore/mlock-mprotect-munmap.js';
import { programModel } from '../src/index.js';

const schedules = (count: number) => Array.from({ length: count }, (_, seed) => () => new RandomPreemption(seed));

/** Faults look at the map without its lock. */
const unlockedFaults = definePatch({
  id: 'test-unlocked-faults',
  summary: 'the map is not locked for reading',
  replace: { uvm: { vmMapLockRead: () => function* () {}, vmMapUnlockRead: () => function* () {} } },
});

describe('data races of the kernel', () => {
  it.each([forkFaultRemap, faultTruncateMsync, mlockMprotectMunmap])('there are none in $name', (program) => {
    expect(findDataRaces(programModel(program), schedules(30))).toEqual([]);
  });

  it('are found where a lock is left out, with the field, and the functions of both accesses', () => {
    const races = findDataRaces(programModel(forkFaultRemap, { patches: [unlockedFaults] }), schedules(10));
    const race = races.find(({ field }) => field === 'VmMap.timestamp');
    expect(race).toMatchObject({
      first: { writes: true, call: 'munmap', frames: expect.arrayContaining(['uvm_unmap']) },
      second: { writes: false, call: '', frames: expect.arrayContaining(['uvm_fault']) },
    });
  });
});
