import { describe, expect, it } from 'vitest';
import {
  BUILD,
  boot,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  type MemoryFault,
  MemoryFaultError,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  ProcessEnded,
  SIGSEGV,
  type System,
  type User,
} from '../index.js';
import { PAGE_SIZE } from '../machine/address.js';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_ANON | MAP_PRIVATE;
const direct = BUILD === 'direct';

function bootSmall(): System {
  return boot({ design: 'netbsd', ram: 64 * PAGE_SIZE });
}

/** A page of a thread's own. */
function mapPage(system: System, user: User, protection = RW): number {
  const at = system.perform(user, (thread) => thread.mmap(0, PAGE_SIZE, protection, ANON));
  expect(at).toBeGreaterThan(0);
  return at as number;
}

describe('a system', () => {
  it('is of a design that there is', () => {
    expect(() => boot({ ram: PAGE_SIZE, design: 'plan9' as never })).toThrow("there is no design 'plan9'; there is 'netbsd'");
  });

  it('gives each thread as one and the same object, by process and number', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    expect(system.thread(user.process.pid)).toBe(user);
    const lid = system.perform(user, (thread) => thread.lwpCreate());
    expect(system.threads().map(({ lwp }) => lwp.name)).toEqual(['1.1', '1.2']);
    expect(system.thread(1, lid)).toBe(system.threads()[1]);
    expect(() => system.thread(1, 9)).toThrow('process 1 (one) has no thread 9');
    expect(() => system.thread(7)).toThrow('there is no process 7');
  });

  it('takes files as bytes', () => {
    const system = bootSmall();
    const content = new Uint8Array([1, 2, 3]);
    system.addFile('/etc/motd', content);
    content.fill(9);
    const user = system.spawn('one');
    const at = mapPage(system, user);
    const length = system.perform(user, function* (thread) {
      return yield* thread.read(yield* thread.open('/etc/motd', 0), at, 100);
    });
    expect(length).toBe(3);
    expect(system.perform(user, (thread) => thread.load32(at))).toBe(0x030201);
  });
});

describe('loads and stores', () => {
  it('are of all sizes, signed and not, anywhere in a page and across two', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    const at = system.perform(user, (thread) => thread.mmap(0, 2 * PAGE_SIZE, RW, ANON)) as number;
    for (const offset of [0, 1, 2, 7, 4088, 4092, 4093, 4095, 4096, 8184]) {
      system.perform(user, function* (thread) {
        const va = at + offset;
        // The first time it is a fault, the second time a hit.
        for (let round = 0; round < 2; round++) {
          yield* thread.store64(va, 0xfedc_ba98_89ab_cdefn);
          expect(yield* thread.load64(va)).toBe(0xfedc_ba98_89ab_cdefn);
          expect(yield* thread.load64s(va)).toBe(-0x0123_4567_7654_3211n);
          expect(yield* thread.load32(va)).toBe(0x89abcdef | 0);
          expect(yield* thread.load32u(va)).toBe(0x89abcdef);
          expect(yield* thread.load16(va)).toBe(0xcdef);
          expect(yield* thread.load16s(va)).toBe(0xcdef - 0x10000);
          expect(yield* thread.load8(va)).toBe(0xef);
          expect(yield* thread.load8s(va)).toBe(0xef - 0x100);
          yield* thread.store32(va, -2);
          yield* thread.store16(va, 0x1_1234);
          yield* thread.store8(va, 0x1ff);
          expect(yield* thread.load32u(va)).toBe(0xffff12ff);
        }
      });
    }
    expect(system.audit()).toEqual([]);
  });

  it('fetch instructions from executable pages only, whether these can be read or not', () => {
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: faultsAre('skip') });
    const user = system.spawn('one');
    const text = mapPage(system, user);
    system.perform(user, function* (thread) {
      yield* thread.store32(text, 0x12345678);
      expect(yield* thread.fetch32(text)).toBe(0);
      for (const protection of [PROT_READ | PROT_EXEC, PROT_EXEC]) {
        yield* thread.mprotect(text, PAGE_SIZE, protection);
        for (let round = 0; round < 2; round++) {
          expect(yield* thread.fetch32(text)).toBe(0x12345678);
          expect(yield* thread.fetch16(text + 2)).toBe(0x1234);
        }
      }
      // The translation that hits have used is gone with the protection.
      yield* thread.mprotect(text, PAGE_SIZE, PROT_READ);
      expect(yield* thread.fetch32(text)).toBe(0);
      expect(yield* thread.load32(text)).toBe(0x12345678);
    });
    expect(system.audit()).toEqual([]);
  });

  it('of a thread never hit what another one has left in the TLB', () => {
    const system = bootSmall();
    const users = [system.spawn('one'), system.spawn('two')];
    const places = users.map((user) => mapPage(system, user));
    expect(places[0]).toBe(places[1]);
    const at = places[0] as number;
    for (let round = 0; round < 3; round++) {
      users.forEach((user, i) => {
        system.perform(user, (thread) => thread.store32(at, 10 * round + i));
      });
      users.forEach((user, i) => {
        expect(system.perform(user, (thread) => thread.load32(at))).toBe(10 * round + i);
      });
    }
  });
});

/** A hook that answers always the same. */
function faultsAre(decision: 'signal' | 'retry' | 'skip' | 'throw', seen: MemoryFault[] = []) {
  return function* (fault: MemoryFault) {
    seen.push(fault);
    // A call in the thread's name, such as a hook may make.
    yield* fault.user.munlockall();
    return decision;
  };
}

describe('a fault of a program', () => {
  it('is told with who, where and why', () => {
    const seen: MemoryFault[] = [];
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: faultsAre('skip', seen) });
    const user = system.spawn('one');
    const at = mapPage(system, user, PROT_READ);
    system.perform(user, function* (thread) {
      expect(yield* thread.load32(0x2004)).toBe(0);
      yield* thread.store8(at + 9, 1);
      yield* thread.execute(at);
      // The kernel's own is EFAULT, and nobody's concern.
      expect(yield* thread.write(1, 0x2000, 4)).toBeLessThan(0);
    });
    expect(
      seen.map(({ user: who, address, access, errno, signal, code }) => [who === user, address, access, errno, signal, code]),
    ).toEqual([
      [true, 0x2004, PROT_READ, 14, SIGSEGV, 1],
      [true, at + 9, PROT_WRITE, 13, SIGSEGV, 2],
      [true, at, PROT_EXEC, 13, SIGSEGV, 2],
    ]);
    expect(system.audit()).toEqual([]);
  });

  it('can be mended: the access is made again', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    const AT = 0x10000;
    system.onMemoryFault = function* ({ user: thread, address }) {
      const page = address - (address % PAGE_SIZE);
      expect(yield* thread.mmap(page, PAGE_SIZE, RW, ANON | MAP_FIXED)).toBe(page);
      yield* thread.store32(page, page);
      return 'retry';
    };
    system.perform(user, function* (thread) {
      expect(yield* thread.load32(AT)).toBe(AT);
      yield* thread.store32(AT + PAGE_SIZE + 4, 7);
      expect(yield* thread.load32(AT + PAGE_SIZE)).toBe(AT + PAGE_SIZE);
      expect(yield* thread.load32(AT + PAGE_SIZE + 4)).toBe(7);
    });
  });

  it('that is said to be mended a thousand times over is a mistake of the hook', () => {
    const seen: MemoryFault[] = [];
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: faultsAre('retry', seen) });
    expect(() => system.perform(system.spawn('one'), (thread) => thread.load8(0x5000))).toThrow(
      "1000 times in a row onMemoryFault has answered 'retry', and 0x5000 still cannot be used",
    );
    expect(seen.length).toBe(1001);
  });

  it('can be thrown, to be caught around the access', () => {
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: faultsAre('throw') });
    const user = system.spawn('guest');
    let caught: unknown = null;
    system.perform(user, function* (thread) {
      try {
        yield* thread.store32(0x3000, 1);
      } catch (error) {
        caught = error;
      }
      expect(yield* thread.mmap(0x3000, PAGE_SIZE, RW, ANON | MAP_FIXED)).toBe(0x3000);
      yield* thread.store32(0x3000, 1);
    });
    expect(caught).toBeInstanceOf(MemoryFaultError);
    expect((caught as Error).message).toBe('process 1 (guest) cannot write at 0x3000: EFAULT (SIGSEGV, SEGV_MAPERR)');
    expect(system.audit()).toEqual([]);
  });

  it('is a signal if the hook says so: to the handler, or the end of the process', () => {
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: faultsAre('signal') });
    const user = system.spawn('one');
    const handled: number[] = [];
    user.sigaction(SIGSEGV, function* ({ address }, thread) {
      handled.push(address);
      yield* thread.munlockall();
      return 'skip';
    });
    system.perform(user, (thread) => thread.load8(0x7000));
    expect(handled).toEqual([0x7000]);
    user.sigaction(SIGSEGV, null);
    system.perform(user, (thread) => thread.load8(0x7000));
    expect(user.process.fatalFault?.address).toBe(0x7000);
  });
});

describe.runIf(direct)('without a job around them', () => {
  // In the direct build what looks like a generator to the compiler is a plain call.
  const now = <T>(call: Generator<void, T, void>): T => call as unknown as T;

  it('calls, loads and stores are made in the name of an idle thread', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    const at = now(user.mmap(0, PAGE_SIZE, RW, ANON));
    now(user.store32(at, 42));
    expect(now(user.load32(at))).toBe(42);
    const child = system.thread(now(user.fork()));
    now(child.store32(at, 43));
    expect([now(user.load32(at)), now(child.load32(at))]).toEqual([42, 43]);
    expect(now(user.wait(-1, { nohang: true }))).toBe(0);
    now(child.exit(5));
    expect(now(user.wait())).toEqual({ pid: 2, reason: { kind: 'exited', status: 5 } });
    expect(system.audit()).toEqual([]);
  });

  it('a process that has ended, or ends over it, is an exception that says how', () => {
    const system = bootSmall();
    const [one, two] = [system.spawn('one'), system.spawn('two')];
    expect(() => now(one.load32(0x1000))).toThrow('process 1 (one) was killed by SIGSEGV (SEGV_MAPERR) at 0x1000');
    expect(() => now(one.mmap(0, PAGE_SIZE, RW, ANON))).toThrow(ProcessEnded);
    expect(now(two.exit(3))).toBeUndefined();
    expect(() => now(two.munlockall())).toThrow('process 2 (two) has exited with 3');
    const three = system.spawn('three');
    const second = system.thread(3, now(three.lwpCreate()));
    now(second.lwpExit());
    expect(() => now(second.load8(0x1000))).toThrow('process 3 (three) goes on without the thread, which has left');
    expect(system.audit()).toEqual([]);
  });

  it('a call that nobody is left to wake answers EINTR, and can be made again', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    const at = now(user.mmap(0, PAGE_SIZE, RW, ANON));
    const ends = now(user.pipe());
    if (typeof ends === 'number') throw new Error('there is no pipe');
    expect(now(user.read(ends.read, at, 10))).toBe(-4);
    expect(now(user.write(ends.write, at, 3))).toBe(3);
    expect(now(user.read(ends.read, at, 10))).toBe(3);
    now(user.fork());
    expect(now(user.wait())).toBe(-4);
    expect(system.audit()).toEqual([]);
  });

  it('children with a program run as soon as nobody else does', () => {
    const system = bootSmall();
    const user = system.spawn('one');
    const at = now(user.mmap(0, PAGE_SIZE, RW, ANON));
    const told: number[] = [];
    now(
      user.fork(function* (child) {
        yield* child.store32(at, 7);
        told.push(yield* child.load32(at));
      }),
    );
    expect(told).toEqual([7]);
    expect(now(user.load32(at))).toBe(0);
  });

  it('a fault that is thrown leaves the thread as it was', () => {
    const system = boot({ ram: 64 * PAGE_SIZE, onMemoryFault: () => 'throw' as never });
    const user = system.spawn('one');
    for (let round = 0; round < 3; round++) expect(() => now(user.load32(0x4000))).toThrow(MemoryFaultError);
    now(user.mmap(0x4000, PAGE_SIZE, RW, ANON | MAP_FIXED));
    expect(now(user.load32(0x4000))).toBe(0);
    expect(system.audit()).toEqual([]);
  });

  it('one thread does not act while another one runs', () => {
    const system = bootSmall();
    const [one, two] = [system.spawn('one'), system.spawn('two')];
    system.perform(one, function* () {
      expect(() => now(two.munlockall())).toThrow('thread 2.1 makes a system call while thread 1.1 is running');
      expect(() => now(two.load8(0x1000))).toThrow('thread 2.1 uses its memory while thread 1.1 is running');
      yield* one.munlockall();
    });
  });
});
