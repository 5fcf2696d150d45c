/**
 * Raw I/O against its neighbours, in every interleaving. NetBSD wires buffers by address to this day: where another thread of the
 * program, or another process that has the same file, takes the page away, something must be found in the kernel as it is.
 */
import { type Exploration, explore } from '@faultline/explorer';
import {
  definePatch,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdPatch,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type UserProgram,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import {
  defineProgram,
  explainFound,
  exploreReport,
  type Program,
  type ProgramDefinition,
  programModel,
} from '../../src/index.js';

const X = 0x100000;
const READ_WRITE = PROT_READ | PROT_WRITE;
const ANON = MAP_ANON | MAP_PRIVATE | MAP_FIXED;
const UNWIRED_TWICE = 'panic: kernel diagnostic assertion "pg->wire_count != #" failed in uvm_pageunwire';
const RECORD = new Uint8Array(PAGE_SIZE).fill(7);

/** Reads from the tape to X, or writes to it from there. */
const reads: UserProgram = function* (user) {
  yield* user.read(yield* user.open('/dev/rst0', O_RDONLY), X, PAGE_SIZE);
};
const writes: UserProgram = function* (user) {
  yield* user.write(yield* user.open('/dev/rst0', O_WRONLY), X, PAGE_SIZE);
};

/** A program with a tape, and a page of memory at X that it has touched. */
function withTape(name: string, parts: Omit<ProgramDefinition, 'name'>): Program {
  return defineProgram({
    name,
    machine: { ramPages: 32 },
    devices: { '/dev/rst0': { kind: 'tape', records: [RECORD] }, '/dev/rwd0': { kind: 'disk', blocks: 8 } },
    *setUp(user) {
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, ANON);
      yield* user.store8(X, 1);
    },
    ...parts,
  });
}

/** Two threads of one process. */
function twoThreads(name: string, first: UserProgram, second: UserProgram): Program {
  return withTape(name, {
    *main(user) {
      yield* user.lwpCreate(second);
      yield* first(user);
    },
  });
}

async function exploring(program: Program, maxPreemptions?: number, patches: readonly NetbsdPatch[] = []): Promise<Exploration> {
  let now = 0;
  return await explore(programModel(program, { patches }), {
    now: () => now++,
    patience: Number.POSITIVE_INFINITY,
    samples: 50,
    raceSamples: 2,
    ...(maxPreemptions !== undefined && { maxPreemptions }),
  });
}

/** A page counts as on loan while it is wired for a device. */
const lends = definePatch({
  id: 'test-lends',
  summary: 'a page is on loan while it is wired by address',
  replace: {
    uvm: {
      uvmVslock: (original) =>
        function* (space, address, length, access) {
          const errno = yield* original.call(this, space, address, length, access);
          for (const { pages } of this.vslocks) for (const page of pages) this.pages.setLoanCount(page, 1);
          return errno;
        },
      uvmVsunlock: (original) =>
        function* (space, address, length) {
          for (const { pages } of this.vslocks) for (const page of pages) if (page >= 0) this.pages.setLoanCount(page, 0);
          yield* original.call(this, space, address, length);
        },
    },
  },
});

const unmaps: UserProgram = function* (user) {
  yield* user.munmap(X, PAGE_SIZE);
};
const remaps: UserProgram = function* (user) {
  yield* user.mmap(X, PAGE_SIZE, READ_WRITE, ANON);
  yield* user.store8(X, 2);
};
const locks: UserProgram = function* (user) {
  yield* user.mlock(X, PAGE_SIZE);
  yield* user.munlock(X, PAGE_SIZE);
};
const forks: UserProgram = function* (user) {
  yield* user.fork(function* () {});
  yield* user.store8(X, 2);
};
const readsDisk: UserProgram = function* (user) {
  yield* user.read(yield* user.open('/dev/rwd0', O_RDONLY), X, PAGE_SIZE);
};

const truncates: UserProgram = function* (user) {
  yield* user.ftruncate(yield* user.open('/file', O_RDWR), 0);
};

/** A file that is mapped at X, and another process that cuts it. */
function truncating(name: string, first: UserProgram, then: UserProgram): Program {
  return defineProgram({
    name,
    machine: { ramPages: 32 },
    devices: { '/dev/rst0': { kind: 'tape', records: [RECORD] } },
    files: { '/file': { size: PAGE_SIZE } },
    *setUp(user) {
      const fd = yield* user.open('/file', O_RDWR);
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, fd);
      yield* user.store8(X, 1);
    },
    main: first,
    others: { other: then },
  });
}

/** What is found in each, in every interleaving; and how many preemptions there may be, when it is not all of them. */
const CASES: readonly (readonly [program: Program, found: readonly string[], maxPreemptions?: number])[] = [
  [withTape('a tape read', { main: reads }), []],
  [withTape('a tape write', { main: writes }), []],
  [twoThreads('tape read and mlock', reads, locks), []],
  [twoThreads('tape read and disk read of one page', reads, readsDisk), [], 1],
  [
    twoThreads('tape read and munmap', reads, unmaps),
    ['invariant: device-page', 'panic: uvm_fault_unwire_locked: address not in map in uvm_fault_unwire_locked'],
  ],
  [twoThreads('tape read and mmap over it', reads, remaps), ['invariant: device-page', UNWIRED_TWICE], 1],
  [twoThreads('tape read and fork', reads, forks), ['invariant: device-page', UNWIRED_TWICE], 0],
  [truncating('tape read and truncation', reads, truncates), ['invariant: device-page'], 0],
];

/** Maps the memory of a device, uses it, and unmaps it. */
const mapsDevice: UserProgram = function* (user) {
  const at = yield* user.mmap(0, PAGE_SIZE, READ_WRITE, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
  yield* user.store8(at, 1);
  yield* user.munmap(at, PAGE_SIZE);
};

it('memory of a device, mapped and unmapped by two threads: nothing is found', async () => {
  const devices = { '/dev/fb0': { kind: 'memory', pages: 1 } } as const;
  const program = withTape('two mappings of a device', {
    devices,
    *main(user) {
      yield* user.lwpCreate(mapsDevice);
      yield* mapsDevice(user);
    },
  });
  const exploration = await exploring(program, 1);
  expect(exploration.found).toEqual([]);
  expect(exploration.races).toEqual([]);
});

describe('raw I/O against its neighbours', () => {
  it.each(CASES.map(([program, found, most]) => ({ name: program.name, program, found, most })))(
    '$name: $found',
    async ({ program, found, most }) => {
      const exploration = await exploring(program, most);
      expect(exploration.found.map(({ failure }) => failure.signature).sort()).toEqual(found);
      expect(exploration.coverage).toBe(most === undefined ? 'exhausted' : 'bounded');
    },
  );

  it('is explained: the step that takes the page away, the moment at which that shows, and what comes of it', async () => {
    const report = exploreReport(await exploring(twoThreads('tape read and munmap', reads, unmaps))).join('\n');
    expect(report).toMatch(/What went wrong first: step \d+, B's munmap takes uvm_pageqlock, in munmap\(0x100000, 4096\)/);
    expect(report).toMatch(/broken: rst0 read of 4096 bytes: page \d+ is free/);
    expect(report).toMatch(/uvm_pagefree .*uvm_unmap {2}sys_munmap/s);
    expect(report).toContain('What comes of it if nobody looks');
    // The reader would have been woken, had the run not ended.
    expect(report).not.toContain('nobody ever wakes it');
  });

  it('is explained by an advisory rule where one was broken', async () => {
    const exploration = await exploring(twoThreads('tape read and munmap', reads, unmaps), undefined, [lends]);
    const [first] = exploration.found.map((found) => explainFound(exploration.model, found)).map(({ first: broken }) => broken);
    expect(first).toMatchObject({ known: 'advice', violations: [{ invariant: 'wired-loan' }] });
    expect(first?.step.call).toBe('read');
    expect(exploreReport(exploration).join('\n')).toContain('A kernel may do so and come to no harm. This one came to it.');
  });
});
