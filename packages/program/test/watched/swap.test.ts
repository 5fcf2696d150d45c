/** Swap against its neighbours, in every order in which they can meet. */
import { type Exploration, explore } from '@faultline/explorer';
import {
  asOffset,
  definePatch,
  EBUSY,
  MADV_DONTNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  type NetbsdPatch,
  NO_PAGE,
  PROT_NONE,
  type Step,
  SWAP_OFF,
  type User,
  type Uvm,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type Program, programModel } from '../../src/index.js';
import { dontneedPagesOut, rootProgram } from './pageout.js';

const X = 0x100000;
const PAGE = 4096;
const RW = 3;

function* nothing(): Step<void> {}

/** A step at which others can come in between, as where the kernel takes a lock that is not here. */
function* aStep(uvm: Uvm): Step<void> {
  yield* uvm.freeLock.enter();
  yield* uvm.freeLock.exit();
}

function* pageAtX(user: User): Step<void> {
  yield* user.mmap(X, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
  yield* user.store8(X, 7);
}

function* swappedAtX(user: User): Step<void> {
  yield* pageAtX(user);
  yield* user.madvise(X, PAGE, MADV_DONTNEED);
}

function* expectByte(user: User, ...allowed: readonly number[]): Step<void> {
  const byte = yield* user.load8(X);
  if (!allowed.includes(byte)) throw new CheckFailed(`${byte} is not what was stored there`);
}

function* expectSwapoff(user: User): Step<void> {
  const answer = yield* user.swapctl(SWAP_OFF, '/dev/wd0');
  if (answer !== 0) throw new CheckFailed(`swapctl answers ${answer}`);
}

const PROGRAMS: Program[] = [
  //   exits while the page is on its way out
  rootProgram('exit against pageout', {
    setUp: pageAtX,
    *main(user) {
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
    },
  }),
  //   parent reads the page in, child exits: the last reference goes, or is not the last
  rootProgram('exit against pagein', {
    setUp: swappedAtX,
    *main(user) {
      yield* user.fork((child) => expectByte(child, 7));
    },
  }),
  rootProgram('fault against pageout', {
    setUp: pageAtX,
    *main(user) {
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
      yield* expectByte(user, 7);
    },
  }),
  rootProgram('munmap against pagein', {
    setUp: swappedAtX,
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.munmap(X, PAGE);
      });
      yield* user.mlock(X, PAGE);
    },
  }),
  rootProgram('two faults on a page on swap', {
    setUp: swappedAtX,
    *main(user) {
      yield* user.fork(function* (child) {
        yield* child.store8(X, 8);
        yield* expectByte(child, 8);
      });
      yield* expectByte(user, 7);
    },
  }),
  rootProgram('swapoff against fault', {
    setUp: swappedAtX,
    *main(user) {
      yield* user.lwpCreate((other) => expectByte(other, 7));
      yield* expectSwapoff(user);
    },
  }),
  rootProgram('swapoff against munmap', {
    setUp: swappedAtX,
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.munmap(X, PAGE);
      });
      yield* expectSwapoff(user);
    },
  }),
  //   the amap stays, since it has another page; only the anon goes
  rootProgram('swapoff and munmap against pageout', {
    *setUp(user) {
      yield* user.mmap(X, 2 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.store8(X, 7);
    },
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.munmap(X, PAGE);
      });
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
      const answer = yield* user.swapctl(SWAP_OFF, '/dev/wd0');
      // The slot is in use until the write is over, although nobody has the page any more.
      if (answer !== 0 && answer !== -EBUSY) throw new CheckFailed(`swapctl answers ${answer}`);
    },
  }),
];

/** Those of which all orders with a failure in each place are soon looked at. */
const FEW_STATES: readonly string[] = [
  'exit against pageout',
  'fault against pageout',
  'munmap against pagein',
  'swapoff against munmap',
];

/** Changes that must be found out, and in which program: old mistakes, and what NetBSD does. */
const DEFECTS: { program: string; patch: NetbsdPatch; finds: RegExp }[] = [
  {
    // PR 23171
    program: 'exit against pageout',
    patch: definePatch({
      id: 'test-frees-busy-anon',
      summary: 'an anon to which the last reference goes is freed although its page is busy',
      replace: {
        uvm: {
          uvmAnonDispose: () =>
            function* (anon) {
              const { page } = anon;
              if (page !== NO_PAGE) {
                this.machine.pmapPageProtect(page, PROT_NONE);
                this.pages.setOwner(page, null, null, asOffset(0));
                anon.page = NO_PAGE;
                this.uvmexp.anonpages--;
              }
              this.uvmAnonDropswap(anon);
              yield* nothing();
              return true;
            },
        },
      },
    }),
    finds: /pg->uanon == NULL/,
  },
  {
    // As in NetBSD, where a thread that waits for the page finds an anon without a lock when it is late, and one that is not gone before.
    program: 'swapoff and munmap against pageout',
    patch: definePatch({
      id: 'test-unlocks-before-it-frees',
      summary: 'an anon is freed when its lock has been let go',
      replace: {
        uvm: {
          uvmAnonRelease: (original) =>
            function* (anon) {
              const { uvmAnonFree } = this;
              this.uvmAnonFree = () => {};
              yield* original.call(this, anon);
              this.uvmAnonFree = uvmAnonFree;
              yield* aStep(this);
              this.uvmAnonFree(anon);
            },
        },
      },
    }),
    finds: /no device has slot 0|an_page == NULL/,
  },
  {
    // As in NetBSD, where a page that was brought in at once is no longer on swap only before it is.
    program: 'fault against pageout',
    patch: definePatch({
      id: 'test-counts-late',
      summary: 'pages are counted as being on swap when they have been given up',
      replace: {
        uvm: {
          uvmAioAiodonePages: (original) =>
            function* (slot, run, outcome) {
              const { uvmSwapOnly } = this;
              this.uvmSwapOnly = () => {};
              yield* original.call(this, slot, run, outcome);
              this.uvmSwapOnly = uvmSwapOnly;
              yield* aStep(this);
              this.uvmSwapOnly(run.length);
            },
        },
      },
    }),
    finds: /uvmexp.swpgonly > 0/,
  },
];

async function explored(
  program: Program,
  options: { maxFaults?: number; patience?: number; patch?: NetbsdPatch } = {},
): Promise<Exploration> {
  let now = 0;
  const { patch, ...rest } = options;
  const model = programModel(program, { patches: [dontneedPagesOut, ...(patch === undefined ? [] : [patch])] });
  return await explore(model, { now: () => now++, samples: 50, ...rest });
}

describe.each(PROGRAMS.map((program) => ({ name: program.name, program })))('$name', ({ program }) => {
  it('is sound in every order', async () => {
    const { found, coverage } = await explored(program);
    expect(found.map(({ failure }) => failure)).toEqual([]);
    expect(coverage).toBe('exhausted');
  });
});

describe.each(PROGRAMS.filter(({ name }) => FEW_STATES.includes(name)).map((program) => ({ name: program.name, program })))(
  '$name',
  ({ program }) => {
    it('is sound in every order, whichever allocation or I/O fails', async () => {
      const { found, coverage } = await explored(program, { maxFaults: 1 });
      expect(found.map(({ failure }) => failure)).toEqual([]);
      expect(coverage).toBe('exhausted');
    });
  },
);

describe('a kernel in which', () => {
  it.each(DEFECTS.map((defect) => ({ ...defect, what: defect.patch.summary })))('$what is found out', async (defect) => {
    const program = PROGRAMS.find(({ name }) => name === defect.program) as Program;
    const { found } = await explored(program, { patch: defect.patch, patience: 0 });
    expect(found.map(({ failure }) => failure.message).join('\n')).toMatch(defect.finds);
  });
});
