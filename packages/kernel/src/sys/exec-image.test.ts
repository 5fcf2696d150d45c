import { describe, expect, it } from 'vitest';
import { makeFile, mapAnon, open, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, childOf, expectNoLeak } from '../../test/harness.js';
import { nothing, thrownBy } from '../../test/threads.js';
import { EBADF, EINVAL, ENOENT, ENOMEM } from '../kern/errno.js';
import { Deadlock } from '../kern/scheduler.js';
import { BUILD, type Step } from '../kern/switch.js';
import { asVa } from '../machine/address.js';
import type { ExecImage } from './exec-image.js';
import { O_CLOEXEC, O_RDONLY } from './file.js';
import { MAXSSIZ } from './param.js';
import { SIGSEGV, SIGTERM } from './signal.js';
import type { User } from './user.js';

/**
 * A small program out of a file of four pages: two of text, one of data, and memory of zeros behind that.
 *
 *     0x400000            0x403000   0x404000       0x405800
 *     [ text ][ text ]    [ data ]   [ bss ][ bss ]│ break
 */
const IMAGE: ExecImage = {
  name: '/bin/small',
  text: { at: asVa(0x400000), size: 2 * PAGE, file: { path: '/bin/small', offset: 0 } },
  data: { at: asVa(0x403000), size: 100, file: { path: '/bin/small', offset: 2 * PAGE } },
  bss: PAGE + 0x800,
};

describe('a program', () => {
  it('is mapped as its image says, with a break and a stack', () => {
    const system = boot();
    makeFile(system, '/bin/small', 4 * PAGE);
    const process = system.spawn('small', { image: IMAGE });
    const mappings = process.space === null ? [] : system.vm.describeSpace(process.space);
    const parts = mappings.map(({ start, end, protection, object }) => [
      start,
      (end - start) / PAGE,
      protection,
      object?.label ?? null,
    ]);
    const stack = process.layout.stackTop - 4 * 2 ** 20;
    expect(parts).toEqual([
      [0x400000, 2, 5, '/bin/small'],
      [0x403000, 1, 3, '/bin/small'],
      [0x404000, 2, 3, null],
      [process.layout.stackLimit, (MAXSSIZ - 4 * 2 ** 20) / PAGE, 0, null],
      [stack, 1024, 3, null],
    ]);
    expect(process.layout).toMatchObject({ dataStart: 0x403000, dataSize: 3 * PAGE });
    expect(mappings.filter(({ object }) => object !== null).every(({ copyOnWrite }) => copyOnWrite)).toBe(true);
    act(system, process, function* (user) {
      yield* user.execute(0x400000);
      expect([yield* user.load8(0x403000), yield* user.load8(0x404000)]).toEqual([3, 0]);
      expect(yield* user.sbrk(0)).toBe(0x406000);
    });
    expectNoLeak(system);
  });

  it('may be nothing but a stack, or not even that; the break begins where it says', () => {
    const system = boot();
    const bare = system.spawn('bare', { image: { name: 'bare', stack: false, breakAt: asVa(0x700000) } });
    expect(bare.space?.size).toBe(0);
    expect(act(system, bare, (user) => user.sbrk(PAGE))).toBe(0x700000);
    expect(system.spawn('stack', { image: { name: 'stack' } }).space?.size).toBe(MAXSSIZ);
    expectNoLeak(system);
  });

  it('changes nothing in the file that it is made of', () => {
    const system = boot();
    makeFile(system, '/bin/small', 4 * PAGE);
    for (const byte of [50, 60]) {
      const process = system.spawn('small', { image: IMAGE });
      act(system, process, function* (user) {
        expect(yield* user.load8(0x403000)).toBe(3);
        yield* user.store8(0x403000, byte);
      });
    }
    expectNoLeak(system);
  });
});

describe('execve', () => {
  /** A parent whose child execs; answers what the child has seen by then. */
  function exec(image: ExecImage, before: (user: User) => Step<void>, after: (user: User) => Step<void>): unknown {
    const { system, process } = bootProcess();
    makeFile(system, '/bin/small', 4 * PAGE);
    const ended = act(system, process, function* (user) {
      const pid = yield* user.fork(function* (child) {
        yield* before(child);
        const answer = yield* child.execve(image);
        if (answer !== 0) yield* child.exit(-answer);
        yield* after(child);
      });
      return yield* user.wait(pid);
    });
    expect(system.kern.inside, 'threads inside the kernel').toBe(0);
    expectNoLeak(system);
    return typeof ended === 'number' ? ended : ended.reason;
  }

  const exited = (status: number): unknown => ({ kind: 'exited', status });

  it('replaces memory, name and break; the old program is gone', () => {
    let at = 0;
    const reason = exec(
      IMAGE,
      function* (user) {
        at = yield* mapAnon(user, 1);
        yield* user.sbrk(PAGE);
      },
      function* (user) {
        expect(user.process.name).toBe('/bin/small');
        expect(yield* user.sbrk(0)).toBe(0x406000);
        expect(yield* user.load8(0x403000)).toBe(3);
        yield* user.load8(at);
      },
    );
    expect(reason).toEqual({ kind: 'signaled', signal: SIGSEGV });
  });

  it('keeps descriptors but those marked, limits, and what was ignored; handlers are forgotten', () => {
    const reason = exec(
      IMAGE,
      function* (user) {
        yield* open(user, '/bin/small', O_RDONLY);
        yield* open(user, '/bin/small', O_RDONLY | O_CLOEXEC);
        user.sigaction(SIGTERM, 'ignore');
        user.sigaction(SIGSEGV, function* () {
          yield* nothing();
          return 'skip';
        });
      },
      function* (user) {
        expect([yield* user.lseek(0, 0, 1), yield* user.lseek(1, 0, 1)]).toEqual([0, -EBADF]);
        expect([...user.process.handlers]).toEqual([[SIGTERM, 'ignore']]);
      },
    );
    expect(reason).toEqual(exited(0));
  });

  const refused: [what: string, image: ExecImage, errno: number][] = [
    [
      'a file that there is not',
      { name: 'x', text: { at: asVa(0x400000), size: PAGE, file: { path: '/none', offset: 0 } } },
      ENOENT,
    ],
    ['a segment that begins in a page', { name: 'x', text: { at: asVa(0x400010), size: PAGE } }, EINVAL],
    ['a segment of nothing', { name: 'x', data: { at: asVa(0x400000), size: 0 } }, EINVAL],
    [
      'an offset in a page',
      { name: 'x', data: { at: asVa(0x400000), size: 1, file: { path: '/bin/small', offset: 1 } } },
      EINVAL,
    ],
    ['a segment beyond the space', { name: 'x', data: { at: asVa(0x7f7ffffff000), size: 1 } }, ENOMEM],
  ];
  for (const [what, image, errno] of refused) {
    it(`refuses ${what}, and the old program goes on`, () => {
      expect(exec(image, nothing, nothing)).toEqual(exited(errno));
    });
  }

  it('kills the process when the old program is gone and the new one cannot be mapped', () => {
    const image = { ...IMAGE, bss: 2 ** 47 };
    expect(exec(image, nothing, nothing)).toEqual({ kind: 'signaled', signal: 9 });
  });

  it('ends all other threads first, whatever they do', () => {
    const { system, process } = bootProcess();
    const seen: string[] = [];
    const job = function* (user: User): Step<void> {
      const pipe = yield* user.pipe();
      const at = yield* mapAnon(user, 1);
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      yield* user.lwpCreate();
      yield* user.lwpCreate(function* (thread) {
        yield* thread.read(pipe.read, at, 1);
        seen.push('went on');
      });
      // Has the other thread run, until it waits.
      const child = yield* user.fork((other) => other.exit(0));
      yield* user.wait(child);
      yield* user.execve({ name: 'new', stack: false });
      seen.push(`${user.process.lwps.length} thread in ${user.process.space?.size} bytes`);
    };
    if (BUILD === 'direct') {
      // The thread that waits runs on top of the one that would go on.
      expect(thrownBy(Deadlock, () => system.perform(process, job)).message).toContain('sleeps on "piperd"');
      return;
    }
    act(system, process, job);
    expect(seen).toEqual(['1 thread in 0 bytes']);
    expectNoLeak(system);
  });

  it('of two threads at once is done by one, and the other is gone', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, (user) => user.fork());
    const child = childOf(system, pid);
    let execs = 0;
    system.perform(child, function* (user) {
      for (let i = 0; i < 2; i++) {
        yield* user.lwpCreate(function* (thread) {
          yield* thread.execve({ name: 'new', stack: false });
          execs++;
        });
      }
      yield* user.lwpExit();
    });
    expect(execs).toBe(1);
    expectNoLeak(system);
  });
});
