/** Shared memory against its neighbours, in every order in which they can meet. */
import { type Exploration, explore } from '@faultline/explorer';
import {
  asOffset,
  definePatch,
  IPC_CREAT,
  IPC_RMID,
  MADV_DONTNEED,
  MAP_FIXED,
  MAP_SHARED,
  type NetbsdPatch,
  O_CREAT,
  O_RDWR,
  PG_BUSY,
  PG_CLEAN,
  PG_PAGEOUT,
  PGO_FREE,
  PROT_NONE,
  SIGBUS,
  SIGSEGV,
  type Step,
  SWAP_OFF,
  type User,
  type Uvm,
  type UvmAobj,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type Program, programModel } from '../../src/index.js';
import { rootProgram } from './pageout.js';

const X = 0x100000;
const PAGE = 4096;
const RW = 3;
const KEY = 1;
const MAKE = IPC_CREAT | 0o600;

/** A step at which others can come in between, as where the kernel takes a lock that is not here. */
function* aStep(uvm: Uvm): Step<void> {
  yield* uvm.freeLock.enter();
  yield* uvm.freeLock.exit();
}

// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
function* passOver(): Step<'skip'> {
  return 'skip';
}

function claim(holds: boolean, message: string): void {
  if (!holds) throw new CheckFailed(message);
}

/** A segment of one page at X, with a 7 in it. */
function* segmentAtX(user: User): Step<void> {
  const id = yield* user.shmget(KEY, PAGE, MAKE);
  claim((yield* user.shmat(id, X, 0)) === X, 'shmat fails');
  yield* user.store8(X, 7);
}

/** The same, removed already, and on swap. */
function* removedOnSwap(user: User): Step<void> {
  yield* segmentAtX(user);
  yield* user.madvise(X, PAGE, MADV_DONTNEED);
  yield* user.shmctl(yield* user.shmget(KEY, 0, 0), IPC_RMID);
}

/** A memory object of two pages at X, with a 7 in each. */
function* objectAtX(user: User): Step<void> {
  const fd = yield* user.shmOpen('/object', O_RDWR | O_CREAT);
  yield* user.ftruncate(fd, 2 * PAGE);
  claim((yield* user.mmap(X, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd)) === X, 'mmap fails');
  yield* user.store8(X, 7);
  yield* user.store8(X + PAGE, 7);
  user.sigaction(SIGBUS, passOver);
  user.sigaction(SIGSEGV, passOver);
}

/** `madvise(MADV_DONTNEED)` begins to write the first page of a shared object's range to swap, and does not wait for it. */
const dontneedPagesOut = definePatch({
  id: 'test-dontneed-pages-shared-out',
  summary: 'madvise(MADV_DONTNEED) begins to write the first page of its range to swap',
  replace: {
    uvm: {
      uaoPutPage: (original) =>
        function* (aobj, index, what) {
          const { machine, pages } = this;
          const page = aobj.lookup(asOffset(index * PAGE));
          const idle = (pages.flags(page) & PG_BUSY) === 0 && pages.wireCount(page) === 0;
          const slots = (what & PGO_FREE) === 0 && idle ? this.uvmSwapAlloc(1, { lessOk: false }) : null;
          if (slots === null) return yield* original.call(this, aobj, index, what);
          this.uaoDropswap(aobj, index);
          machine.pmapPageProtect(page, PROT_NONE);
          machine.pmapClearModify(page);
          pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
          this.uvmPageOwn(page, 'madvise');
          yield* this.pageqLock.enter();
          this.uvmPagedequeue(page);
          yield* this.pageqLock.exit();
          this.uaoSetSwslot(aobj, index, slots.slot);
          this.uvmPageoutStart(1);
          yield* aobj.lock.exit();
          yield* this.uvmSwapPut(slots.slot, [page]);
          yield* aobj.lock.enter();
          return index + 1;
        },
    },
  },
});

const PROGRAMS: Program[] = [
  rootProgram('two processes fault on a page of a segment', {
    *setUp(user) {
      const id = yield* user.shmget(KEY, PAGE, MAKE);
      yield* user.shmat(id, X, 0);
    },
    *main(user) {
      yield* user.fork((child) => child.store8(X, 8));
      yield* user.store8(X + 1, 9);
      yield* user.wait();
      claim((yield* user.load16(X)) === 0x908, 'a store is lost');
    },
  }),
  rootProgram('two processes fault on a page of a segment on swap', {
    *setUp(user) {
      yield* segmentAtX(user);
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
    },
    *main(user) {
      yield* user.fork(function* (child) {
        claim((yield* child.load8(X)) === 7, 'the child reads something else');
      });
      yield* user.store8(X + 1, 9);
      claim((yield* user.load16(X)) === 0x907, 'the parent reads something else');
    },
  }),
  rootProgram('fault against removing and detaching', {
    *setUp(user) {
      const id = yield* user.shmget(KEY, PAGE, MAKE);
      yield* user.shmat(id, X, 0);
      user.sigaction(SIGSEGV, passOver);
    },
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.store8(X, 8);
      });
      yield* user.shmctl(yield* user.shmget(KEY, 0, 0), IPC_RMID);
      yield* user.shmdt(X);
    },
    check: ({ system }) => (system.uvm.aobjs.size === 0 ? [] : ['the segment is still there']),
  }),
  rootProgram('exit against removing and detaching', {
    setUp: segmentAtX,
    *main(user) {
      yield* user.fork(function* (child) {
        claim((yield* child.load8(X)) === 7, 'the child reads something else');
      });
      yield* user.shmctl(yield* user.shmget(KEY, 0, 0), IPC_RMID);
      yield* user.shmdt(X);
    },
    check: ({ system }) => (system.uvm.aobjs.size === 0 ? [] : ['the segment is still there']),
  }),
  rootProgram('shmget against shmget', {
    *setUp() {},
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        claim((yield* other.shmget(KEY, PAGE, MAKE)) > 0, 'there is no segment');
      });
      claim((yield* user.shmget(KEY, PAGE, MAKE)) > 0, 'there is no segment');
    },
    check: ({ system }) => (system.sys.shm.used === 1 ? [] : [`there are ${system.sys.shm.used} segments`]),
  }),
  rootProgram('detach against pageout', {
    *setUp(user) {
      yield* segmentAtX(user);
      yield* user.shmctl(yield* user.shmget(KEY, 0, 0), IPC_RMID);
    },
    *main(user) {
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
      yield* user.shmdt(X);
    },
    check: ({ system }) => (system.uvm.aobjs.size === 0 ? [] : ['the segment is still there']),
  }),
  rootProgram('fault against pageout of a shared page', {
    setUp: segmentAtX,
    *main(user) {
      yield* user.madvise(X, PAGE, MADV_DONTNEED);
      claim((yield* user.load8(X)) === 7, 'the byte is lost');
    },
  }),
  rootProgram('swapoff against the last detach', {
    setUp: removedOnSwap,
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.shmdt(X);
      });
      claim((yield* user.swapctl(SWAP_OFF, '/dev/wd0')) === 0, 'swapctl fails');
    },
    check: ({ system }) => (system.uvm.aobjs.size === 0 ? [] : ['the segment is still there']),
  }),
  rootProgram('fault against truncation in tmpfs', {
    *setUp(user) {
      yield* objectAtX(user);
      yield* user.madvise(X + PAGE, PAGE, MADV_DONTNEED);
    },
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.store8(X + PAGE, 8);
      });
      yield* user.ftruncate(0, PAGE);
    },
  }),
  rootProgram('unlink and munmap against fault in tmpfs', {
    setUp: objectAtX,
    *main(user) {
      yield* user.close(0);
      yield* user.shmUnlink('/object');
      yield* user.lwpCreate(function* (other) {
        yield* other.load8(X);
      });
      yield* user.munmap(X, 2 * PAGE);
    },
    check: ({ system }) => (system.uvm.aobjs.size === 0 ? [] : ['the memory is still there']),
  }),
  rootProgram('open against open in tmpfs', {
    *setUp() {},
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        claim((yield* other.shmOpen('/object', O_RDWR | O_CREAT)) >= 0, 'it cannot be opened');
      });
      claim((yield* user.shmOpen('/object', O_RDWR | O_CREAT)) >= 0, 'it cannot be opened');
    },
    check: ({ system }) => (system.uvm.aobjs.size === 1 ? [] : [`there are ${system.uvm.aobjs.size} objects`]),
  }),
];

/** Those of which all orders with a failure in each place are soon looked at. */
const FEW_STATES: readonly string[] = [
  'two processes fault on a page of a segment',
  'detach against pageout',
  'fault against pageout of a shared page',
];

/** Changes that must be found out, and in which program: what NetBSD does. */
const DEFECTS: { program: string; patch: NetbsdPatch; finds: RegExp }[] = [
  {
    program: 'swapoff against the last detach',
    patch: definePatch({
      id: 'test-counts-before-the-list',
      summary: 'the last reference to an object goes before the list of objects is locked',
      replace: {
        uvm: {
          uaoDetach: () =>
            function* (aobj: UvmAobj) {
              yield* aobj.lock.enter();
              this.kern.kassert(aobj.references > 0, 'uobj->uo_refs > 0');
              aobj.references--;
              yield* aobj.lock.exit();
              if (aobj.references > 0) return;
              yield* this.aobjListLock.enter();
              this.aobjs.delete(aobj);
              yield* this.aobjListLock.exit();
              yield* aobj.lock.enter();
              yield* this.uaoFree(aobj);
            },
          uaoReference: () =>
            function* (aobj: UvmAobj) {
              yield* aobj.lock.enter();
              aobj.references++;
              yield* aobj.lock.exit();
            },
        },
      },
    }),
    finds: /uvmexp|uo_refs|blist_free|aobj-list|swap/,
  },
  {
    program: 'fault against truncation in tmpfs',
    patch: definePatch({
      id: 'test-tmpfs-without-node-lock',
      summary: 'a page of a file of tmpfs is brought in although the file may shrink meanwhile',
      replace: {
        uvm: {
          tmpfsGetpages: () =>
            function* (vnode, request) {
              if (this.tmpfsIsWithin(vnode, request)) return yield* this.tmpfsGetSome(vnode, request);
              if ((request.flags & 0x40) === 0) yield* vnode.lock.exit();
              return 22;
            },
        },
      },
    }),
    finds: /behind the end of object/,
  },
  {
    program: 'shmget against shmget',
    patch: definePatch({
      id: 'test-shmget-sets-the-key-late',
      summary: 'a segment has its key when it has been made',
      replace: {
        sys: {
          shmgetLocked: (original) =>
            function* (key, size, flags) {
              const known = key === 0 ? null : yield* this.shmgetExisting(key, size, flags);
              if (known !== null) return known;
              const id = yield* original.call(this, 0, size, flags);
              const made = this.shm.find(id);
              if (made !== null) made.key = key;
              return id;
            },
        },
      },
    }),
    finds: /several segments have key|there are 2 segments/,
  },
  {
    program: 'detach against pageout',
    patch: definePatch({
      id: 'test-detach-frees-busy-pages',
      summary: 'the pages of an object that goes are freed although they are busy',
      replace: {
        uvm: {
          uaoFree: (original) =>
            function* (aobj) {
              for (let index = aobj.pages.next(0, 16); index >= 0; index = aobj.pages.next(index, 16)) {
                const page = aobj.lookup(asOffset(index * PAGE));
                this.pages.clearFlags(page, PG_PAGEOUT);
                this.uaoDropswap(aobj, index);
                yield* this.uvmPageDiscard(page);
              }
              yield* original.call(this, aobj);
            },
        },
      },
    }),
    finds: /pg->uanon == NULL|PG_BUSY/,
  },
  {
    program: 'fault against removing and detaching',
    patch: definePatch({
      id: 'test-attach-without-reference',
      summary: 'who maps a segment takes no reference to its memory',
      replace: {
        uvm: {
          uaoAttach: (original) =>
            function* (map, aobj, options) {
              const start = yield* original.call(this, map, aobj, options);
              aobj.references--;
              yield* aStep(this);
              return start;
            },
        },
      },
    }),
    finds: /counts 1 references; 1 entries map it and 1 others hold it/,
  },
];

async function explored(program: Program, options: { maxFaults?: number; patch?: NetbsdPatch } = {}): Promise<Exploration> {
  let now = 0;
  const { patch, ...rest } = options;
  // Each load and store is a step: who shares memory can come in between.
  const patches = [dontneedPagesOut, ...(patch === undefined ? [] : [patch])];
  const model = programModel(program, { machine: { userSteps: true }, patches });
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
    const { found } = await explored(program, { patch: defect.patch });
    expect(found.map(({ failure }) => failure.message).join('\n')).toMatch(defect.finds);
  });
});
