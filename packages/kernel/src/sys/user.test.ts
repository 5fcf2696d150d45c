import { describe, expect, it } from 'vitest';
import { mapAnon, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, childOf, expectNoLeak, run } from '../../test/harness.js';
import { thrownBy } from '../../test/threads.js';
import { definePatch } from '../boot.js';
import { EFAULT, EINVAL, ENOMEM } from '../kern/errno.js';
import type { CallInProgress, Lwp } from '../kern/lwp.js';
import { KernelPanic } from '../kern/panic.js';
import type { Step } from '../kern/switch.js';
import { asVa } from '../machine/address.js';
import type { Process } from './process.js';
import type { CallObserver } from './sys.js';
import { User } from './user.js';

/** Where the data segment begins when nobody says otherwise. */
const DATA = 0x600000;

describe('sbrk', () => {
  it('answers where the break was, and gives memory of zeros up to where it is', () => {
    run(function* (user) {
      expect(yield* user.sbrk(0)).toBe(DATA);
      expect(yield* user.sbrk(100)).toBe(DATA);
      expect(yield* user.sbrk(2 * PAGE)).toBe(DATA + 100);
      expect([yield* user.load8(DATA), yield* user.load8(DATA + 2 * PAGE + 99)]).toEqual([0, 0]);
      yield* user.store8(DATA + 2 * PAGE, 1);
      expect(user.process.layout.dataSize).toBe(3 * PAGE);
    });
  });

  it('remembers the break to the byte for the whole program: its threads, a child, and after an exec that failed', () => {
    const { system, process } = bootProcess();
    act(system, process, (user) => user.sbrk(100));
    const asked = act(system, process, function* (user) {
      const seen: number[] = [];
      const ask = function* (other: User): Step<void> {
        seen.push(yield* other.sbrk(0));
      };
      yield* user.lwpCreate(ask);
      yield* user.wait(yield* user.fork(ask));
      yield* user.execve({ name: '/bin/none', text: { at: asVa(DATA), size: PAGE, file: { path: '/bin/none', offset: 0 } } });
      yield* ask(user);
      return seen;
    });
    expect(asked).toEqual([DATA + 100, DATA + 100, DATA + 100]);
  });

  it('gives memory back, whose pages are zeros when they come again', () => {
    run(function* (user) {
      yield* user.sbrk(3 * PAGE);
      yield* user.store8(DATA + 2 * PAGE, 1);
      expect(yield* user.sbrk(-2 * PAGE)).toBe(DATA + 3 * PAGE);
      expect(yield* user.sbrk(0)).toBe(DATA + PAGE);
      yield* user.sbrk(2 * PAGE);
      expect(yield* user.load8(DATA + 2 * PAGE)).toBe(0);
    });
  });

  it('that is refused moves nothing', () => {
    run(function* (user) {
      yield* user.sbrk(PAGE);
      expect([yield* user.sbrk(2 ** 46), yield* user.sbrk(-2 * PAGE)]).toEqual([-ENOMEM, -EINVAL]);
      expect(yield* user.sbrk(0)).toBe(DATA + PAGE);
    });
  });

  it('begins behind the data of the program', () => {
    const system = boot();
    const process = system.spawn('p', { image: { name: 'p', data: { at: asVa(0x500000), size: 100 }, stack: false } });
    expect(act(system, process, (user) => user.sbrk(0))).toBe(0x501000);
    expectNoLeak(system);
  });
});

describe('loads and stores', () => {
  it('of all sizes are little-endian, and cross pages', () => {
    run(function* (user) {
      const at = (yield* mapAnon(user, 2)) + PAGE;
      yield* user.store64(at - 4, 0x1122334455667788n);
      expect(yield* user.load64(at - 4)).toBe(0x1122334455667788n);
      expect([yield* user.load8(at - 4), yield* user.load16(at - 1), yield* user.load32(at - 2)]).toEqual([
        0x88, 0x4455, 0x33445566,
      ]);
      yield* user.store16(at - 1, 0xabcd);
      yield* user.store32(at + 8, -1);
      expect([yield* user.load8(at - 1), yield* user.load8(at), yield* user.load32(at + 8)]).toEqual([0xcd, 0xab, -1]);
    });
  });

  it('that a handler passes over give 0, or the errno for a range, and store nothing', () => {
    run(function* (user) {
      user.sigaction(11, function* () {
        yield* user.munmap(0x100000, PAGE);
        return 'skip';
      });
      const at = yield* mapAnon(user, 1);
      expect([
        yield* user.load8(0x5000),
        yield* user.load16(0x5000),
        yield* user.load32(0x5000),
        yield* user.load64(0x5000),
      ]).toEqual([0, 0, 0, 0n]);
      const bytes = new Uint8Array(8).fill(7);
      expect([yield* user.loadBytes(at + PAGE - 4, bytes), yield* user.storeBytes(at + PAGE - 4, bytes)]).toEqual([
        EFAULT,
        EFAULT,
      ]);
      expect([...bytes]).toEqual([0, 0, 0, 0, 7, 7, 7, 7]);
      yield* user.store32(at + PAGE - 2, -1);
      expect(yield* user.load16(at + PAGE - 2), 'a store in two pages is made whole or not at all').toBe(0);
    });
  });
});

describe('a system call', () => {
  it('is told to the observer as it begins and as it returns; and so is the end of a process', () => {
    const { system, process } = bootProcess();
    const told: string[] = [];
    const note = (what: string, lwp: Lwp, call: CallInProgress, rest = ''): void => {
      told.push(`${what} ${lwp.name} ${call.name}(${call.args.join(', ')})${rest}`);
    };
    const observer: CallObserver = {
      called: (lwp, call) => note('call', lwp, call),
      returned: (lwp, call, result) => note('return', lwp, call, ` = ${result}`),
      exiting: (who: Process) => told.push(`exit ${who.pid}`),
    };
    system.sys.observer = observer;
    system.perform(process, function* (user) {
      yield* user.munmap(0, PAGE);
      yield* user.exit(3);
    });
    expect(told).toEqual(['call 1.1 munmap(0, 4096)', `return 1.1 munmap(0, 4096) = ${-EINVAL}`, 'call 1.1 exit(3)', 'exit 1']);
  });

  it('is in the log with its arguments and its answer', () => {
    const { system, process } = bootProcess();
    system.kern.log.on = true;
    act(system, process, (user) => user.brk(0));
    expect(system.kern.log.events().map(({ event }) => event)).toEqual([
      { kind: 'syscall', pid: 1, name: 'brk', args: [0] },
      { kind: 'sysret', pid: 1, name: 'brk', result: -ENOMEM },
    ]);
  });

  it('ends at a quiet point, when nobody else is in the kernel', () => {
    const { system, process } = bootProcess();
    let quiet = 0;
    system.kern.onQuiet = () => {
      quiet++;
      expect(system.audit()).toEqual([]);
    };
    act(system, process, function* (user) {
      yield* user.munmap(0x100000, PAGE);
      yield* user.munmap(0x100000, PAGE);
    });
    expect(quiet).toBe(2);
    expect([system.kern.inside, process.lwps[0]?.call]).toEqual([0, null]);
  });

  it('answers 0 for success, and never minus zero', () => {
    expect(
      Object.is(
        run((user) => user.munmap(0x100000, PAGE)),
        0,
      ),
    ).toBe(true);
  });

  it('that returns with a lock held is a panic which names it', () => {
    const leaves = definePatch({
      id: 'test-lock-leak',
      summary: 'brk keeps proc_lock',
      replace: {
        sys: {
          sysObreak: () =>
            function* () {
              yield* this.procLock.enter();
              return 0;
            },
        },
      },
    });
    const { system, process } = bootProcess({ patches: [leaves] });
    const panic = thrownBy(KernelPanic, () => system.perform(process, (user) => user.brk(0)));
    expect(panic.message).toBe('lwp 1.1 returns from brk holding proc_lock');
  });

  it('of a thread that is not running is a mistake of the host, which is told', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, (user) => user.fork());
    const [idle] = childOf(system, pid).lwps;
    if (idle === undefined) throw new Error('there is no thread');
    const other = new User(system.sys, idle);
    expect(() => system.perform(process, () => other.munmap(0, 0))).toThrow(
      'thread 2.1 makes a system call while thread 1.1 is running',
    );
    const again = bootProcess();
    const child = act(again.system, again.process, (user) => user.fork());
    const [lwp] = childOf(again.system, child).lwps;
    if (lwp === undefined) throw new Error('there is no thread');
    const loader = new User(again.system.sys, lwp);
    const load = function* (): Step<void> {
      yield* loader.load8(DATA);
    };
    expect(() => again.system.perform(again.process, load)).toThrow('thread 2.1 uses its memory while thread 1.1 is running');
  });
});
