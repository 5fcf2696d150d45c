/**
 * Files against their neighbours, in every order in which they can meet: read and write through windows, faults on the same pages,
 * truncation, windows that are turned to another place, and ends of files.
 */
import { type Exploration, explore } from '@faultline/explorer';
import {
  asOffset,
  definePatch,
  EFAULT,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_INVALIDATE,
  MS_SYNC,
  type NetbsdPatch,
  O_RDWR,
  SIGBUS,
  type Step,
  type User,
  type UserProgram,
  type UvmFile,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { CheckFailed, defineProgram, type Program, programModel } from '../../src/index.js';

/** Where the file is mapped. */
const X = 0x100000;
/** A page of the program's own, for what is read and written. */
const OWN = 0x200000;
/** Another page of its own. */
const FRESH = 0x300000;
const PAGE = 4096;
const RW = 3;
/** The descriptors that are open: of a, and of b. */
const [A, B] = [0, 1];

// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
function* passOver(): Step<'skip'> {
  return 'skip';
}

function claim(holds: boolean, message: string): void {
  if (!holds) throw new CheckFailed(message);
}

/** Two files of a page each, full of 1 and of 2; both are open. There is one window, so each use of another place turns it. */
function twoFiles(
  name: string,
  parts: { setUp?: (user: User) => Step<void>; first: UserProgram; second: UserProgram; check?: Program['check'] },
): Program {
  const { setUp, first, second, check } = parts;
  return defineProgram({
    name,
    machine: { ramPages: 48, blockSize: PAGE, ubcWindows: 1 },
    files: { a: new Uint8Array(PAGE).fill(1), b: new Uint8Array(PAGE).fill(2) },
    *setUp(user) {
      for (const path of ['a', 'b']) yield* user.open(path, O_RDWR);
      yield* user.mmap(OWN, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.store32(OWN, 0x09090909);
      user.sigaction(SIGBUS, passOver);
      if (setUp !== undefined) yield* setUp(user);
    },
    *main(user) {
      yield* user.lwpCreate(second);
      yield* first(user);
    },
    ...(check && { check }),
  });
}

/** The file is mapped at X, shared, and in memory. */
function* mapped(user: User): Step<void> {
  claim((yield* user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, A)) === X, 'mmap fails');
  yield* user.load8(X);
}

/** The window shows b. */
function* showB(user: User): Step<void> {
  claim((yield* user.pread(B, OWN, 4, 0)) === 4, 'pread fails');
}

function* cut(user: User, fd: number): Step<void> {
  claim((yield* user.ftruncate(fd, 0)) === 0, 'ftruncate fails');
}

const PROGRAMS: Program[] = [
  twoFiles('read against truncation', {
    *first(user) {
      const got = yield* user.pread(A, OWN, 4, 0);
      claim(got === 0 || (got === 4 && (yield* user.load32(OWN)) === 0x01010101), `it reads ${got} bytes, or others`);
    },
    second: (user) => cut(user, A),
  }),
  twoFiles('a store by a fault against a write to the same page', {
    setUp: (user) => discard(user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, A)),
    *first(user) {
      claim((yield* user.pwrite(A, OWN, 4, 0)) === 4, 'pwrite fails');
    },
    second: (user) => user.store8(X + 4, 8),
    check: ({ system }) => {
      const page = (system.sys.vfs.lookup('a') as UvmFile).lookup(asOffset(0));
      const bytes = [...system.machine.ram.page(page).subarray(0, 6)].join(' ');
      return bytes === '9 9 9 9 8 1' ? [] : [`the file begins with ${bytes}`];
    },
  }),
  twoFiles('a page that is written from a mapping of itself, and thrown out of memory', {
    setUp: mapped,
    *first(user) {
      claim((yield* user.pwrite(A, X, 4, 0)) === 4, 'pwrite fails');
      claim((yield* user.load32(X)) === 0x01010101, 'other bytes were written');
    },
    second: (user) => discard(user.msync(X, PAGE, MS_SYNC | MS_INVALIDATE)),
  }),
  twoFiles('a window that is turned away from a file that is being cut', {
    setUp: showB,
    *first(user) {
      claim((yield* user.pread(A, OWN, 4, 0)) === 4, 'pread fails');
      claim((yield* user.load32(OWN)) === 0x01010101, 'other bytes were read');
    },
    second: (user) => cut(user, B),
  }),
  twoFiles('a window that is turned away from a file that comes to an end', {
    setUp: showB,
    *first(user) {
      claim((yield* user.pread(A, OWN, 4, 0)) === 4, 'pread fails');
      claim((yield* user.load32(OWN)) === 0x01010101, 'other bytes were read');
    },
    *second(user) {
      yield* user.unlink('b');
      yield* user.close(B);
    },
    check: ({ system }) =>
      system.uvm.ubc.windows.some(({ object }) => object !== system.sys.vfs.lookup('a')) ? ['b is still shown'] : [],
  }),
  twoFiles('two who want the only window', {
    *first(user) {
      claim((yield* user.pread(A, OWN, 4, 0)) === 4, 'pread fails');
      claim((yield* user.load32(OWN)) === 0x01010101, 'other bytes were read');
    },
    *second(user) {
      claim((yield* user.pwrite(B, OWN + 64, 4, 8)) === 4, 'pwrite fails');
    },
  }),
  twoFiles('a page that is overwritten whole, and mapped for the first time', {
    *first(user) {
      claim((yield* user.pwrite(A, OWN, PAGE, 0)) === PAGE, 'pwrite fails');
    },
    *second(user) {
      claim((yield* user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, A)) === X, 'mmap fails');
      const value = yield* user.load32(X);
      claim(value === 0x01010101 || value === 0x09090909, 'it loads neither the old bytes nor the new ones');
    },
  }),
  twoFiles('a page that is overwritten whole, from where the file is just being mapped', {
    *first(user) {
      const put = yield* user.pwrite(A, X, PAGE, 0);
      claim(put === PAGE || put === -EFAULT, `pwrite answers ${put}`);
    },
    second: (user) => discard(user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, A)),
  }),
  twoFiles('a file that is made durable while it is written', {
    setUp: (user) => discard(user.pread(A, OWN, 4, 0)),
    *first(user) {
      claim((yield* user.pwrite(A, OWN, 4, 0)) === 4, 'pwrite fails');
    },
    *second(user) {
      claim((yield* user.fsync(A)) === 0, 'fsync fails');
    },
  }),
];

function* discard(step: Step<unknown>): Step<void> {
  yield* step;
}

/** The mappings of a window stay when it is turned to another place. */
const staysMapped = definePatch({
  id: 'test-window-stays-mapped',
  summary: 'a window that is turned to another place goes on mapping what it showed',
  replace: {
    uvm: {
      ubcUnmap: () =>
        function* (window) {
          yield* this.freeLock.enter();
          window.mappingCached = false;
          yield* this.freeLock.exit();
        },
    },
  },
});

/** Pages are held busy while they are overwritten, whether or not somebody may fault on them. */
const busyAlthoughMapped = definePatch({
  id: 'test-busy-although-mapped',
  summary: 'write(2) holds pages of a mapped file busy while it copies from memory',
  replace: {
    uvm: {
      ubcUiomove: (original) =>
        function* (object, offset, uio, length, use) {
          return yield* original.call(this, object, offset, uio, length, { ...use, busy: use.write });
        },
    },
  },
});

/** Pages behind the end of a file are held busy while they are filled, also of a file that is mapped: nobody can load from them. */
const busyBehindTheEnd = definePatch({
  id: 'test-busy-behind-the-end',
  summary: 'write(2) holds pages behind the end of a mapped file busy while it copies from memory',
  replace: {
    uvm: {
      ubcUiomove: (original) =>
        function* (object, offset, uio, length, use) {
          const busy = use.write && offset >= (object as UvmFile).size;
          return yield* original.call(this, object, offset, uio, length, { ...use, busy });
        },
    },
  },
});

/** Nobody waits with a first mapping for who overwrites pages whole. */
const mapsAtOnce = definePatch({
  id: 'test-maps-at-once',
  summary: 'mmap(2) does not wait for who writes to the file with its pages held busy',
  replace: {
    uvm: {
      vnMarkmapped: () =>
        function* (vnode) {
          yield* this.freeLock.enter();
          vnode.mapped = true;
          yield* this.freeLock.exit();
        },
    },
  },
});

function exploring(program: Program, patches: readonly NetbsdPatch[] = [], options = {}): Promise<Exploration> {
  let now = 0;
  return explore(programModel(program, { patches }), { now: () => now++, patience: Number.POSITIVE_INFINITY, ...options });
}

describe('files in every order', () => {
  for (const program of PROGRAMS) {
    it(`nothing is found: ${program.name}`, async () => {
      const { coverage, found, races, interleavings, graph } = await exploring(program);
      expect(interleavings).toBeGreaterThan(100n);
      expect(graph.states).toBeGreaterThan(100);
      expect(found.map(({ failure }) => failure.message)).toEqual([]);
      expect(races.map((race) => JSON.stringify(race))).toEqual([]);
      expect(coverage).toBe('exhausted');
    });
  }
});

describe('files in every order, when anything may fail', () => {
  const program = twoFiles('a write and a truncation', {
    setUp: mapped,
    first: (user) => discard(user.pwrite(A, OWN, 4, PAGE - 2)),
    second: (user) => discard(user.ftruncate(A, 100)),
  });

  it('nothing is found: a write that grows the file against truncation, with one fault from outside', async () => {
    const { found, coverage, graph } = await exploring(program, [], { maxFaults: 1 });
    expect(found.map(({ failure }) => failure.message)).toEqual([]);
    expect(coverage).toBe('exhausted');
    expect(graph.states).toBeGreaterThan(500);
  });
});

describe('what would be found', () => {
  const named = (name: string): Program => PROGRAMS.find((program) => program.name === name) as Program;

  it('a window that goes on mapping what it showed', async () => {
    const { found } = await exploring(named('a window that is turned away from a file that is being cut'), [staysMapped]);
    expect(found.map(({ failure }) => failure.signature).join('\n')).toMatch(/ubc-mapping|other bytes/);
  });

  it('a page that is held busy while the program faults on it', async () => {
    const program = named('a page that is written from a mapping of itself, and thrown out of memory');
    const { found } = await exploring(program, [busyAlthoughMapped]);
    expect(found.map(({ failure }) => failure.kind)).toContain('sleeps-for-ever');
  });

  it('pages behind the end of a mapped file that are held busy, as NetBSD holds them', async () => {
    const program = twoFiles('a file grows from memory that nobody has touched, while all of it is synced', {
      *setUp(user) {
        claim((yield* user.mmap(X, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, A)) === X, 'mmap fails');
        yield* user.mmap(FRESH, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      },
      *first(user) {
        claim((yield* user.pwrite(A, FRESH, PAGE, PAGE)) === PAGE, 'pwrite fails');
      },
      second: (user) => discard(user.msync(X, 2 * PAGE, MS_SYNC)),
    });
    const { found } = await exploring(program, [busyBehindTheEnd]);
    expect(found.map(({ failure }) => failure.kind)).toContain('sleeps-for-ever');
    expect((await exploring(program)).found).toEqual([]);
  });

  it('a first mapping that does not wait for who holds pages busy', async () => {
    const program = named('a page that is overwritten whole, from where the file is just being mapped');
    const { found } = await exploring(program, [mapsAtOnce]);
    expect(found.map(({ failure }) => failure.kind)).toContain('sleeps-for-ever');
  });
});
