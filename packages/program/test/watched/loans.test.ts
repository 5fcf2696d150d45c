/**
 * Page loans against their neighbours, in every order in which they can meet: a store that breaks a loan, the thread that ends it, forks,
 * truncation, the end of whoever lent the page, and anons that borrow.
 */
import { type Exploration, explore } from '@faultline/explorer';
import {
  AF_LOCAL,
  asVa,
  definePatch,
  EPIPE,
  LoanOutput,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdPatch,
  O_NOSIGPIPE,
  O_RDWR,
  PAGE_SIZE,
  SIGBUS,
  SOCK_STREAM,
  type Step,
  type User,
  type UserProgram,
  type UvmSystem,
  type Vmspace,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { CheckFailed, defineProgram, type Program, programModel } from '../../src/index.js';

/** The page that is lent, and one to receive into. */
const X = 0x100000;
const INTO = 0x200000;
const PAGE = PAGE_SIZE;
const RW = 3;
const ANON = MAP_ANON | MAP_PRIVATE | MAP_FIXED;
/** The descriptors: the ends of the pair, and the file. */
const [A, B, FILE] = [0, 1, 2];

function claim(holds: boolean, message: string): void {
  if (!holds) throw new CheckFailed(message);
}

// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
function* passOver(): Step<'skip'> {
  return 'skip';
}

/** Sends the page at X, which lends it. */
function* sends(user: User): Step<void> {
  claim((yield* user.send(A, X, PAGE)) === PAGE, 'send fails');
}

/** Receives the page, which has the thread that ends the loan begin. */
function* receives(user: User, allowed: readonly number[] = [1]): Step<void> {
  claim((yield* user.recv(B, INTO, PAGE)) === PAGE, 'recv fails');
  for (const at of [INTO, INTO + PAGE - 1])
    claim(allowed.includes(yield* user.load8(at)), 'other bytes were received than were sent');
}

/** Throws the page away unread, which has the thread that ends the loan begin. */
function* closes(user: User): Step<void> {
  yield* user.close(B);
}

interface Parts {
  readonly first: UserProgram;
  readonly second: UserProgram;
  /** The page is sent before the threads begin. */
  readonly sent: boolean;
  /** What else is there before. */
  readonly before?: (user: User) => Step<void>;
}

/** A pair of sockets, and a page of ones at X: of the program's own, or a file's, which is mapped shared. */
function lending(name: string, kind: 'own' | 'file', { first, second, sent, before }: Parts): Program {
  return defineProgram({
    name,
    machine: { ramPages: 32, blockSize: PAGE },
    files: { file: new Uint8Array(PAGE).fill(1) },
    *setUp(user) {
      claim(typeof (yield* user.socketpair(AF_LOCAL, SOCK_STREAM)) === 'object', 'there is no pair');
      claim((yield* user.open('file', O_RDWR)) === FILE, 'open fails');
      user.sigaction(SIGBUS, passOver);
      yield* user.mmap(INTO, PAGE, RW, ANON);
      yield* user.store8(INTO, 0);
      if (kind === 'own') {
        yield* user.mmap(X, PAGE, RW, ANON);
        yield* user.storeBytes(X, new Uint8Array(PAGE).fill(1));
      } else {
        yield* user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, FILE);
        yield* user.load8(X);
      }
      if (before !== undefined) yield* before(user);
      if (sent) yield* sends(user);
    },
    *main(user) {
      yield* user.lwpCreate(second);
      yield* first(user);
    },
  });
}

const PROGRAMS: Program[] = [
  lending('a store that breaks a loan, while the loan ends', 'own', {
    sent: true,
    first: (user) => receives(user),
    second: (user) => user.store8(X, 2),
  }),
  lending('a store to a file’s page on loan, while the loan ends', 'file', {
    sent: true,
    first: closes,
    second: (user) => user.store8(X, 2),
  }),
  lending('a write to a file’s page on loan, while the loan ends', 'file', {
    sent: true,
    first: closes,
    *second(user) {
      claim((yield* user.pwrite(FILE, INTO + 64, 4, 0)) === 4, 'pwrite fails');
    },
  }),
  lending('a file that is cut while a page of it is on loan, and the loan ends', 'file', {
    sent: true,
    first: closes,
    *second(user) {
      claim((yield* user.ftruncate(FILE, 0)) === 0, 'ftruncate fails');
    },
  }),
  lending('memory that is unmapped while it is on loan, and the loan ends', 'own', {
    sent: true,
    first: closes,
    *second(user) {
      yield* user.munmap(X, PAGE);
    },
  }),
  lending('lending, while another thread stores', 'own', {
    sent: false,
    first: sends,
    *second(user) {
      yield* user.store8(X, 2);
      yield* user.store8(X + PAGE - 1, 3);
    },
  }),
  lending('lending, while another thread unmaps', 'own', {
    sent: false,
    *first(user) {
      const sent = yield* user.send(A, X, PAGE);
      claim(sent === PAGE || sent === -14, `send answers ${sent}`);
    },
    *second(user) {
      yield* user.munmap(X, PAGE);
    },
  }),
  lending('lending, while the file is cut', 'file', {
    sent: false,
    *first(user) {
      const sent = yield* user.send(A, X, PAGE);
      claim(sent === PAGE || sent === -14, `send answers ${sent}`);
    },
    *second(user) {
      yield* user.ftruncate(FILE, 0);
    },
  }),
  lending('lending, while another thread wires', 'own', {
    sent: false,
    first: sends,
    *second(user) {
      claim((yield* user.mlock(X, PAGE)) === 0, 'mlock fails');
    },
  }),
  lending('a fork while a loan ends', 'own', {
    sent: true,
    *first(user) {
      claim((yield* user.fork(function* () {})) > 0, 'fork fails');
    },
    second: closes,
  }),
  lending('a fork while a page is being lent', 'own', {
    sent: false,
    *first(user) {
      claim((yield* user.fork(function* () {})) > 0, 'fork fails');
    },
    second: sends,
  }),
  lending('who lends it ends, while the loan ends', 'own', {
    sent: true,
    *first(user) {
      yield* user.exit(0);
    },
    second: closes,
  }),
  lending('a socket that is closed with a page on loan in it', 'own', {
    sent: true,
    first: closes,
    second: (user) => user.store8(X, 2),
  }),
];

/**
 * mincore() has an anon borrow the page at an address, and maps that anon elsewhere: a transfer of pages, for which loans to anons were
 * made. No call of NetBSD does it.
 */
const transfer = definePatch({
  id: 'test-transfer',
  summary: 'mincore(from, length, to) has an anon borrow the page at the first address, and maps the anon at the last',
  replace: {
    sys: {
      sysMincore: () =>
        function* (from, length, to) {
          const { uvm } = this.vm as UvmSystem;
          const { map } = this.processOf(this.curlwp).space as Vmspace;
          const output = new LoanOutput('anon');
          const errno = yield* uvm.uvmLoan(map, asVa(from), length, output);
          const [anon] = output.anons;
          const lock = anon?.lock ?? null;
          const amap = uvm.amapAlloc({ bytes: PAGE, padding: 0, nowait: false });
          if (anon === undefined || lock === null || amap === null) return -errno;
          amap.lock = lock;
          yield* uvm.vmMapLock(map);
          yield* lock.enter();
          const entry = uvm.uvmMapLookupEntry(map, asVa(to));
          entry.amap = amap;
          entry.amapOffset = 0;
          entry.needsCopy = false;
          amap.put(0, anon);
          uvm.anonLoans.splice(uvm.anonLoans.indexOf(anon), 1);
          yield* lock.exit();
          yield* uvm.vmMapUnlock(map);
          return 0;
        },
    },
  },
});

/** Where the borrowed page is mapped. */
const Y = 0x300000;

/** The page of the file at X is on loan to an anon, which is mapped at Y. */
function* borrows(user: User): Step<void> {
  yield* user.mmap(Y, PAGE, RW, ANON);
  claim((yield* user.mincore(X, PAGE, Y)) === 0, 'the page cannot be borrowed');
}

const BORROWING: Program[] = [
  lending('a borrower and its lender store at once', 'file', {
    sent: false,
    before: borrows,
    *first(user) {
      yield* user.store8(Y, 2);
      claim((yield* user.load8(Y)) === 2, 'the borrower’s store is lost');
    },
    *second(user) {
      yield* user.store8(X, 3);
      claim((yield* user.load8(X)) === 3, 'the lender’s store is lost');
    },
  }),
  lending('a borrower reads while its lender’s file is cut', 'file', {
    sent: false,
    before: borrows,
    *first(user) {
      claim((yield* user.load8(Y)) === 1, 'the borrower has lost its page');
    },
    *second(user) {
      claim((yield* user.ftruncate(FILE, 0)) === 0, 'ftruncate fails');
    },
  }),
  lending('a borrower goes while its lender stores', 'file', {
    sent: false,
    before: borrows,
    *first(user) {
      yield* user.munmap(Y, PAGE);
    },
    second: (user) => user.store8(X, 3),
  }),
  lending('a page is borrowed while its owner stores to it', 'file', {
    sent: false,
    before: (user) => discard(user.mmap(Y, PAGE, RW, ANON)),
    *first(user) {
      claim((yield* user.mincore(X, PAGE, Y)) === 0, 'the page cannot be borrowed');
      claim([1, 3].includes(yield* user.load8(Y)), 'the borrower has other bytes');
    },
    second: (user) => user.store8(X, 3),
  }),
];

/** The descriptors of a pipe, and two pages to write to it. */
const [READ, WRITE] = [0, 1];

function piping(name: string, { first, second }: Pick<Parts, 'first' | 'second'>): Program {
  return defineProgram({
    name,
    machine: { ramPages: 32 },
    *setUp(user) {
      claim(typeof (yield* user.pipe(O_NOSIGPIPE)) === 'object', 'there is no pipe');
      for (const [at, byte] of [
        [X, 1],
        [INTO, 0],
      ] as const) {
        yield* user.mmap(at, 2 * PAGE, RW, ANON);
        yield* user.storeBytes(at, new Uint8Array(2 * PAGE).fill(byte));
      }
    },
    *main(user) {
      yield* user.lwpCreate(second);
      yield* first(user);
    },
  });
}

const PIPES: Program[] = [
  piping('a pipe whose reader takes what is offered', {
    *first(user) {
      claim((yield* user.write(WRITE, X, 2 * PAGE)) === 2 * PAGE, 'write fails');
      yield* user.store8(X, 2);
    },
    *second(user) {
      claim((yield* user.read(READ, INTO, 2 * PAGE)) === 2 * PAGE, 'read fails');
      for (const at of [INTO, INTO + 2 * PAGE - 1])
        claim((yield* user.load8(at)) === 1, 'other bytes were read than were written');
    },
  }),
  piping('a pipe whose reader goes', {
    *first(user) {
      claim((yield* user.write(WRITE, X, 2 * PAGE)) === -EPIPE, 'write does not fail');
    },
    *second(user) {
      yield* user.close(READ);
    },
  }),
];

function* discard(call: Step<unknown>): Step<void> {
  yield* call;
}

describe('page loans, in every order in which they can meet their neighbours', () => {
  it.each(PROGRAMS.map((program) => [program.name, program] as const))('%s', async (_, program) => {
    const exploration = await exploring(program);
    expect(exploration.found.map(({ failure }) => failure.message)).toEqual([]);
    expect(exploration.coverage).toBe('exhausted');
  });
});

describe('pages on loan in pipes, in every order', () => {
  it.each(PIPES.map((program) => [program.name, program] as const))('%s', async (_, program) => {
    const exploration = await exploring(program);
    expect(exploration.found.map(({ failure }) => failure.message)).toEqual([]);
    expect(exploration.coverage).toBe('exhausted');
  });
});

describe('pages on loan to anons, in every order', () => {
  it.each(BORROWING.map((program) => [program.name, program] as const))('%s', async (_, program) => {
    const exploration = await exploring(program, [transfer]);
    expect(exploration.found.map(({ failure }) => failure.message)).toEqual([]);
    expect(exploration.coverage).toBe('exhausted');
  });
});

/** A store to a page on loan goes to that page. */
const storesAnyway = definePatch({
  id: 'test-no-loanbreak',
  summary: 'a fault that is to store to an anon’s page on loan maps it, and breaks no loan',
  replace: {
    uvm: {
      uvmFaultUpperLoan: () =>
        // biome-ignore lint/correctness/useYield: what is replaced may sleep
        function* () {
          return 0;
        },
    },
  },
});

/** Whoever ends a loan does not ask whose page it is. */
const locksNobody = definePatch({
  id: 'test-unlocked-unloan',
  summary: 'uvm_unloanpage() locks nothing but the page queues',
  replace: {
    uvm: {
      uvmUnloanLockOwner: () =>
        // biome-ignore lint/correctness/useYield: what is replaced may sleep
        function* () {
          return null;
        },
    },
  },
});

describe('what would be found', () => {
  const named = (name: string): Program => PROGRAMS.find((program) => program.name === name) as Program;

  it('a store to a page on loan that breaks no loan', async () => {
    const { found } = await exploring(named('a store that breaks a loan, while the loan ends'), [storesAnyway]);
    expect(found.map(({ failure }) => failure.signature).join('\n')).toMatch(/loan-protected|other bytes/);
  });

  it('the end of a loan without the owner’s lock', async () => {
    const { found } = await exploring(named('a socket that is closed with a page on loan in it'), [locksNobody]);
    expect(found.map(({ failure }) => failure.message).join('\n')).toMatch(/in use but belongs to nobody/);
  });
});

function exploring(program: Program, patches: readonly NetbsdPatch[] = []): Promise<Exploration> {
  let now = 0;
  return explore(programModel(program, { patches }), { now: () => now++, patience: Number.POSITIVE_INFINITY });
}
