/**
 * The page daemon against threads that use what it evicts, in every order in which they can meet.
 *
 * Two processes that fault on a page shared copy-on-write while it is evicted are explored in every order by
 * `examples/explore/evict-shared-page.ts`. Here they are with one preemption, which takes seconds.
 */
import { type Exploration, explore } from '@faultline/explorer';
import {
  definePatch,
  MADV_DONTNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdPatch,
  type NetbsdSystem,
  O_RDWR,
  POLICY_NAMES,
  type Process,
  RamFile,
  type Step,
  type User,
  type UserProgram,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type Program, programModel } from '../../src/index.js';

const X = 0x100000;
const PAGE = 4096;
const RW = 3;

/** The example names the packages as a user does, which makes its types those of the build. */
const EXAMPLE = 'evict-shared-page';
/** The page daemon looks once, and takes all that has been idle; there is memory enough for everybody else. */
const { oneScan }: { readonly oneScan: NetbsdPatch } = await import(`../../../../examples/explore/${EXAMPLE}.ts`);

function claim(holds: boolean, message: string): void {
  if (!holds) throw new CheckFailed(message);
}

function* expectByte(user: User, byte: number): Step<void> {
  const found = yield* user.load8(X);
  claim(found === byte, `there is ${found}, not ${byte}`);
}

function* storeAndLoad(user: User, byte: number): Step<void> {
  yield* user.store8(X, byte);
  yield* expectByte(user, byte);
}

/** A private page at X with a 7 in it. */
function* pageAtX(user: User): Step<void> {
  yield* user.mmap(X, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
  yield* user.store8(X, 7);
}

/** A page of a file at X, shared, with a 7 stored to it. */
function* fileAtX(user: User): Step<void> {
  const fd = yield* user.open('/file', O_RDWR);
  claim((yield* user.mmap(X, PAGE, RW, MAP_SHARED | MAP_FIXED, fd)) === X, 'mmap fails');
  yield* user.store8(X, 7);
}

/** What the page daemon meets: each program runs in a thread of its own, in its process. */
interface Meeting {
  readonly name: string;
  readonly setUp: (user: User) => Step<unknown>;
  /** What the first process does, and the child that `setUp` has made, if it is told to. */
  readonly main: UserProgram;
  readonly child?: UserProgram;
}

function startIn(system: NetbsdSystem, process: Process, program: UserProgram): void {
  system.startProgram(system.sys.addLwp(process), program);
}

/** A machine on which the page daemon meets threads of processes that do not end, for that has nothing to do with it. */
function program(meeting: Meeting, pagePolicy: (typeof POLICY_NAMES)[number] = 'clock'): Program {
  return {
    name: meeting.name,
    machine: { ramPages: 24, swap: [{ name: 'wd0', pages: 8 }], blockSize: PAGE, pagePolicy },
    run(session) {
      const { system } = session;
      system.sys.vfs.add('file', new RamFile('file', new Uint8Array(PAGE).fill(1)));
      const process = system.spawn('main');
      session.withoutCounting(() =>
        system.perform(process, function* (user) {
          yield* meeting.setUp(user);
          yield* user.madvise(X, PAGE, MADV_DONTNEED);
        }),
      );
      const child = [...system.sys.processes.values()].find(({ parent }) => parent === process);
      startIn(system, process, meeting.main);
      if (child !== undefined && meeting.child !== undefined) startIn(system, child, meeting.child);
      system.uvm.uvmpdWakeup();
      system.run();
    },
  };
}

const COPY_ON_WRITE: Meeting = {
  name: 'two processes store to a page shared copy-on-write',
  *setUp(user) {
    yield* pageAtX(user);
    yield* user.fork();
  },
  main: (user) => storeAndLoad(user, 8),
  child: (user) => storeAndLoad(user, 9),
};

const MEETINGS: readonly Meeting[] = [
  { name: 'a store', setUp: pageAtX, main: (user) => storeAndLoad(user, 8) },
  {
    name: 'a store to a page shared copy-on-write',
    setUp: COPY_ON_WRITE.setUp,
    main: COPY_ON_WRITE.main,
  },
  {
    name: 'mlock',
    setUp: pageAtX,
    *main(user) {
      claim((yield* user.mlock(X, PAGE)) === 0, 'mlock fails');
      yield* expectByte(user, 7);
    },
  },
  {
    name: 'munmap',
    setUp: pageAtX,
    *main(user) {
      yield* user.munmap(X, PAGE);
    },
  },
  { name: 'a store to a page of a file', setUp: fileAtX, main: (user) => storeAndLoad(user, 8) },
  {
    name: 'truncation of a file',
    setUp: fileAtX,
    *main(user) {
      const fd = yield* user.open('/file', O_RDWR);
      claim((yield* user.ftruncate(fd, 0)) === 0, 'ftruncate fails');
      claim((yield* user.ftruncate(fd, PAGE)) === 0, 'ftruncate fails');
      yield* expectByte(user, 0);
    },
  },
];

async function explored(
  subject: Program,
  options: { maxPreemptions?: number; patches?: readonly NetbsdPatch[] } = {},
): Promise<Exploration> {
  let now = 0;
  const { patches = [], ...rest } = options;
  const model = programModel(subject, { patches: [oneScan, ...patches] });
  return await explore(model, { now: () => now++, samples: 50, ...rest });
}

describe.each(MEETINGS.map((meeting) => ({ name: meeting.name, meeting })))('the page daemon against $name', ({ meeting }) => {
  it('is sound in every order', async () => {
    const { found, coverage } = await explored(program(meeting));
    expect(found.map(({ failure }) => failure)).toEqual([]);
    expect(coverage).toBe('exhausted');
  });
});

/** A thread with two pages, on a machine with one that is not the kernel's: it waits for memory, time and again. */
const onePageForTwo: Program = {
  name: 'one page for two',
  machine: { ramPages: 6, swap: [{ name: 'wd0', pages: 8 }] },
  run(session) {
    const { system } = session;
    const process = system.spawn('main');
    session.withoutCounting(() =>
      system.perform(process, function* (user) {
        yield* user.mmap(X, 2 * PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        for (const page of [0, 1]) yield* user.store8(X + page * PAGE, 7 + page);
      }),
    );
    startIn(system, process, (user) => expectByte(user, 7));
    system.run();
  },
};

describe('a thread that waits for memory', () => {
  it('gets it with any two preemptions', async () => {
    const { found, coverage } = await explore(programModel(onePageForTwo), { now: () => 0, samples: 50, maxPreemptions: 2 });
    expect(found.map(({ failure }) => failure)).toEqual([]);
    expect(coverage).toBe('bounded');
  });

  it('would sleep for ever if nobody woke it when what was written is free', async () => {
    const forgets = definePatch({
      id: 'test-wakes-nobody',
      summary: 'nobody is woken when pages have been written',
      replace: {
        uvm: {
          uvmPageoutDone: () =>
            function* (count) {
              yield* this.freeLock.enter();
              this.uvmexp.paging -= count;
              yield* this.freeLock.exit();
            },
        },
      },
    });
    const { found } = await explore(programModel(onePageForTwo, { patches: [forgets] }), {
      now: () => 0,
      samples: 50,
      maxPreemptions: 0,
    });
    expect(found.map(({ failure }) => failure.kind)).toContain('sleeps-for-ever');
  });

  it('would wait for the page daemon, and that for it, if owners were locked out of order', async () => {
    const waits = definePatch({
      id: 'test-locks-owner',
      summary: "the page daemon waits for the lock of a page's owner",
      replace: {
        uvm: {
          uvmpdTrylockowner: () =>
            function* (page) {
              const lock = this.pages.uobject(page)?.lock ?? this.pages.uanon(page)?.lock ?? null;
              if (lock !== null) yield* lock.enter();
              return lock;
            },
        },
      },
    });
    const { found } = await explored(program(MEETINGS[1] as Meeting), { patches: [waits], maxPreemptions: 1 });
    expect(found.map(({ failure }) => failure.kind)).toContain('deadlock');
  });
});

describe.each(POLICY_NAMES)('the page daemon with the policy %s', (policy) => {
  it('is sound with one preemption while two processes fault on a page shared copy-on-write', async () => {
    const { found, coverage } = await explored(program(COPY_ON_WRITE, policy), { maxPreemptions: 1 });
    expect(found.map(({ failure }) => failure)).toEqual([]);
    expect(coverage).toBe('bounded');
  });
});
