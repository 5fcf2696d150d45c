import { findDataRaces } from '@faultline/explorer';
import { definePatch, MAP_PRIVATE, O_RDWR, PAGE_SIZE, PROT_READ, RandomPreemption } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { defineProgram, type Program, programModel } from '../src/index.js';

/** A program of the examples. They name the packages as a user does, which makes their types those of the build. */
async function example(name: string): Promise<Program> {
  const module: { readonly default: Program } = await import(`../../../examples/explore/${name}.ts`);
  return module.default;
}

const schedules = (count: number) => Array.from({ length: count }, (_, seed) => () => new RandomPreemption(seed));

/** Faults look at the map without its lock. */
const unlockedFaults = definePatch({
  id: 'test-unlocked-faults',
  summary: 'the map is not locked for reading',
  replace: { uvm: { vmMapLockRead: () => function* () {}, vmMapUnlockRead: () => function* () {} } },
});

describe('data races of the kernel', () => {
  it.each(['fork-fault-remap', 'fault-truncate-msync', 'mlock-mprotect-munmap'])('there are none in %s', async (name) => {
    expect(findDataRaces(programModel(await example(name)), schedules(30))).toEqual([]);
  });

  it('are not between what was set up and what came after: only a count that NetBSD reads unlocked, and again with the lock', async () => {
    const races = findDataRaces(programModel(await example('evict-shared-page')), schedules(30));
    expect(races.map(({ field }) => field)).toEqual(['Amap.references']);
  });

  it('are not in what is written down of a process as it ends, while others let go of what it has mapped', async () => {
    const program = defineProgram({
      name: 'two-ends',
      machine: { ramPages: 32, blockSize: PAGE_SIZE },
      files: { file: { size: PAGE_SIZE } },
      *setUp(user) {
        const fd = yield* user.open('file', O_RDWR);
        yield* user.mmap(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE, fd);
        yield* user.close(fd);
      },
      *main(user) {
        yield* user.fork(function* () {});
      },
    });
    expect(findDataRaces(programModel(program), schedules(30))).toEqual([]);
  });

  it('are found where a lock is left out, with the field, and the functions of both accesses', async () => {
    const races = findDataRaces(programModel(await example('fork-fault-remap'), { patches: [unlockedFaults] }), schedules(10));
    const race = races.find(({ field }) => field === 'VmMap.timestamp');
    expect(race).toMatchObject({
      first: { writes: true, call: 'munmap', frames: expect.arrayContaining(['uvm_unmap']) },
      second: { writes: false, call: '', frames: expect.arrayContaining(['uvm_fault']) },
    });
  });
});
