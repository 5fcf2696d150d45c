import { describe, expect, it } from 'vitest';
import { bytesAt, fill, mapAnon, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, childOf, expectNoLeak, run } from '../../test/harness.js';
import { thrownBy } from '../../test/threads.js';
import { ROOT } from '../kern/credentials.js';
import { EAGAIN, ECHILD, EINTR, EINVAL, ESRCH } from '../kern/errno.js';
import { RLIMIT_NPROC } from '../kern/limits.js';
import { Deadlock } from '../kern/scheduler.js';
import { RandomPreemption } from '../kern/strategy.js';
import { BUILD, type Step } from '../kern/switch.js';
import { CLONE_VFORK, CLONE_VM } from './sched.js';
import { SIGKILL, SIGTERM } from './signal.js';
import type { User } from './user.js';

function* nothing(user: User): Step<void> {
  yield* user.munmap(0x100000, PAGE);
}

describe('fork', () => {
  it('gives the child a copy of the memory: neither sees what the other stores', () => {
    const { system, process } = bootProcess();
    const seen: number[] = [];
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 2);
      yield* user.store8(at, 1);
      const pid = yield* user.fork(function* (child) {
        seen.push(yield* child.load8(at));
        yield* child.store8(at, 2);
        yield* child.store8(at + PAGE, 2);
      });
      yield* user.store8(at, 3);
      yield* user.wait(pid);
      seen.push(yield* user.load8(at), yield* user.load8(at + PAGE));
    });
    expect(seen).toEqual([1, 3, 0]);
    expectNoLeak(system);
  });

  it('gives the child what else a process has, of its own: break, handlers, limits, parent', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, function* (user) {
      yield* user.brk(0x600000 + PAGE);
      user.sigaction(SIGTERM, 'ignore');
      return yield* user.fork();
    });
    const child = childOf(system, pid);
    expect(child.layout).toEqual(process.layout);
    expect(child.layout).not.toBe(process.layout);
    expect([child.parent, child.handlers.get(SIGTERM), child.credentials]).toEqual([process, 'ignore', process.credentials]);
    act(system, child, (user) => user.brk(0x600000 + 3 * PAGE));
    expect(process.layout.dataSize).toBe(PAGE);
    expectNoLeak(system);
  });

  it('copies only the thread that forks', () => {
    const { system, process } = bootProcess();
    act(system, process, (user) => user.lwpCreate());
    const pid = act(system, process, (user) => user.fork());
    expect([process.lwps.length, childOf(system, pid).lwps.length]).toEqual([2, 1]);
    expectNoLeak(system);
  });

  it('is EAGAIN when the user has as many processes as the limit allows, zombies included; not for the superuser', () => {
    const limit = { current: 3, maximum: 3 };
    const many = function* (user: User): Step<number[]> {
      yield* user.setrlimit(RLIMIT_NPROC, limit);
      const answers = [yield* user.fork(nothing), yield* user.fork(nothing), yield* user.fork(), yield* user.vfork()];
      yield* user.wait();
      answers.push(yield* user.clone(0));
      return answers.map((answer) => Math.sign(answer) * (answer > 0 ? 1 : EAGAIN));
    };
    const { system, process } = bootProcess();
    expect(act(system, process, many)).toEqual([1, 1, -EAGAIN, -EAGAIN, 1]);
    expectNoLeak(system);
    const other = boot();
    other.spawn('another user', { credentials: { uid: 7, gid: 7 } });
    const root = other.spawn('root', { credentials: ROOT });
    const made = act(other, root, function* (user) {
      yield* user.setrlimit(RLIMIT_NPROC, { current: 0, maximum: 0 });
      return yield* user.fork();
    });
    expect(made).toBeGreaterThan(0);
  });
});

describe('vfork', () => {
  it('shares the memory, and has the parent wait until the child exits', () => {
    const { system, process } = bootProcess();
    const order: string[] = [];
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      const pid = yield* user.vfork(function* (child) {
        order.push('child');
        yield* child.store8(at, 9);
        yield* child.exit(4);
      });
      order.push(`parent sees ${yield* user.load8(at)}`);
      expect(yield* user.wait(pid)).toEqual({ pid, reason: { kind: 'exited', status: 4 } });
    });
    expect(order).toEqual(['child', 'parent sees 9']);
    expectNoLeak(system);
  });

  it('has the parent wait until the child execs; then each has memory of its own', () => {
    const { system, process } = bootProcess();
    const order: string[] = [];
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      const pid = yield* user.vfork(function* (child) {
        yield* child.store8(at, 9);
        yield* child.execve({ name: 'new', stack: false });
        order.push('exec');
        child.sigaction(11, function* () {
          yield* nothing(child);
          return 'skip';
        });
        expect(yield* child.load8(at), 'nothing is mapped there any more').toBe(0);
        yield* mapAnon(child, 1);
        order.push('child');
      });
      order.push(`parent sees ${yield* user.load8(at)}`);
      yield* user.wait(pid);
    });
    expect(order).toContain('parent sees 9');
    expect(order.indexOf('exec')).toBeLessThan(order.indexOf('child'));
    expectNoLeak(system);
  });

  it('has the parent go on when the child is killed', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const pid = yield* user.vfork(function* (child) {
        yield* child.load8(0x100000);
        throw new Error('a child that was killed went on');
      });
      expect(yield* user.wait(pid)).toEqual({ pid, reason: { kind: 'signaled', signal: 11 } });
    });
    expectNoLeak(system);
  });

  it('whose child does nothing is waited for, for ever', () => {
    const { system, process } = bootProcess();
    const message = thrownBy(Deadlock, () => system.perform(process, (user) => user.vfork())).message;
    expect(message).toContain('sleeps on "wait" (children of process 1)');
  });
});

describe('__clone', () => {
  const kinds: [flags: number, shares: boolean, waits: boolean][] = [
    [0, false, false],
    [CLONE_VM, true, false],
    [CLONE_VM | CLONE_VFORK, true, true],
    [CLONE_VFORK, false, false],
  ];
  for (const [flags, shares, waits] of kinds) {
    it(`with flags 0x${flags.toString(16)} ${shares ? 'shares' : 'copies'} the memory, and ${waits ? 'waits' : 'does not wait'} for it`, () => {
      const { system, process } = bootProcess();
      const order: string[] = [];
      act(system, process, function* (user) {
        const at = yield* mapAnon(user, 1);
        const pid = yield* user.clone(flags, function* (child) {
          yield* child.store8(at, 5);
          order.push('child');
        });
        order.push('parent');
        yield* user.wait(pid);
        expect(yield* user.load8(at)).toBe(shares ? 5 : 0);
      });
      expect(order).toEqual(waits ? ['child', 'parent'] : ['parent', 'child']);
      expectNoLeak(system);
    });
  }
});

describe('wait', () => {
  it('tells who ended and how, once; then there is nobody to wait for', () => {
    run(function* (user) {
      const pid = yield* user.fork((child) => child.exit(0x1ff));
      expect(yield* user.wait()).toEqual({ pid, reason: { kind: 'exited', status: 0xff } });
      expect([yield* user.wait(), yield* user.wait(pid), yield* user.wait(77)]).toEqual([-ECHILD, -ECHILD, -ECHILD]);
    });
  });

  it('tells of a program that returned as of one that exited with 0', () => {
    run(function* (user) {
      const pid = yield* user.fork(nothing);
      expect(yield* user.wait(pid)).toEqual({ pid, reason: { kind: 'exited', status: 0 } });
    });
  });

  it('for a certain child leaves the others to be waited for', () => {
    run(function* (user) {
      const first = yield* user.fork((child) => child.exit(1));
      const second = yield* user.fork((child) => child.exit(2));
      expect(yield* user.wait(second)).toMatchObject({ pid: second });
      expect(yield* user.wait()).toMatchObject({ pid: first });
    });
  });

  it('without hanging answers 0 while nobody has ended', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, (user) => user.fork());
    expect(act(system, process, (user) => user.wait(-1, { nohang: true }))).toBe(0);
    system.perform(childOf(system, pid), (user) => user.exit(3));
    expect(act(system, process, (user) => user.wait(-1, { nohang: true }))).toMatchObject({ pid });
    expectNoLeak(system);
  });

  it('is left with EINTR by who is signaled', () => {
    const { system, process } = bootProcess();
    const answers: unknown[] = [];
    act(system, process, function* (user) {
      yield* user.fork();
      user.sigaction(SIGTERM, function* (info) {
        answers.push(info.signal);
        yield* nothing(user);
        return 'skip';
      });
      yield* user.fork(function* (child) {
        yield* child.kill(process.pid, SIGTERM);
      });
      answers.push(yield* user.wait(2));
    });
    expect(answers).toEqual([SIGTERM, -EINTR]);
    expectNoLeak(system);
  });
});

describe('exit', () => {
  it('leaves a zombie for the parent, and nothing when there is none', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, (user) => user.fork());
    const child = childOf(system, pid);
    const grandchild = act(system, child, (user) => user.fork());
    system.perform(child, (user) => user.exit(1));
    expect([child.zombie, child.space, system.sys.processes.has(pid)]).toEqual([true, null, true]);
    expect(childOf(system, grandchild).parent).toBeNull();
    system.perform(childOf(system, grandchild), (user) => user.exit(1));
    expect(system.sys.processes.has(grandchild)).toBe(false);
    system.perform(process, (user) => user.exit(0));
    expect(system.sys.processes.size, 'zombies of a parent that is gone are gone').toBe(0);
    expectNoLeak(system);
  });

  it('ends all threads, whether they wait, work, or have nothing to do', () => {
    for (let seed = 1; seed <= (BUILD !== 'direct' ? 10 : 1); seed++) {
      const system = boot({ strategy: new RandomPreemption(seed) });
      const process = system.spawn('p');
      let worked = 0;
      system.perform(process, function* (user) {
        yield* user.lwpCreate();
        const pipe = yield* user.pipe();
        const at = yield* mapAnon(user, 4);
        if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
        if (BUILD !== 'direct') {
          yield* user.lwpCreate(function* (waits) {
            yield* waits.read(pipe.read, at, 1);
            throw new Error('a thread that waits for nothing went on');
          });
        }
        yield* user.lwpCreate(function* (works) {
          for (let i = 0; i < 1000; i++) {
            yield* fill(works, at, PAGE, i & 255);
            yield* nothing(works);
            worked = i;
          }
        });
        yield* user.exit(0);
      });
      expect(worked).toBeLessThan(999);
      expect(system.sys.processes.size, `seed ${seed}`).toBe(0);
      expect(system.kern.scheduler.lwps.filter((lwp) => lwp.process === process)).toEqual([]);
      expectNoLeak(system);
    }
  });

  it('of a thread ends the process with the last one only', () => {
    const { system, process } = bootProcess();
    const status = act(system, process, function* (user) {
      const pid = yield* user.fork(function* (child) {
        yield* child.lwpCreate(function* (thread) {
          yield* nothing(thread);
          yield* thread.exit(6);
        });
        yield* child.lwpExit();
      });
      return yield* user.wait(pid);
    });
    expect(status).toMatchObject({ reason: { kind: 'exited', status: 6 } });
    expectNoLeak(system);
  });

  it('gives back the kernel: the next quiet point comes', () => {
    const { system, process } = bootProcess();
    system.perform(process, (user) => user.exit(0));
    expect(system.kern.inside).toBe(0);
  });
});

describe('threads of a process', () => {
  it('share the memory, and are numbered from 1', () => {
    const { system, process } = bootProcess();
    const lids = act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      const first = yield* user.lwpCreate(function* (thread) {
        yield* thread.store8(at, thread.lwp.lid);
      });
      const second = yield* user.lwpCreate();
      return [user.lwp.lid, first, second, at];
    });
    expect(lids.slice(0, 3)).toEqual([1, 2, 3]);
    const bytes = act(system, process, (user) => bytesAt(user, lids[3] ?? 0, 1));
    expect([...bytes]).toEqual([2]);
    expect(
      process.lwps.map(({ lid }) => lid),
      'one has returned',
    ).toEqual([1, 3]);
    expectNoLeak(system);
  });
});

describe('kill', () => {
  it('says whom there is not, and which signals', () => {
    run(function* (user) {
      const pid = yield* user.fork();
      expect([yield* user.kill(99, SIGTERM), yield* user.kill(pid, -1), yield* user.kill(pid, 64)]).toEqual([
        -ESRCH,
        -EINVAL,
        -EINVAL,
      ]);
      expect([yield* user.kill(pid, 0), yield* user.kill(pid, SIGKILL)]).toEqual([0, 0]);
      expect(yield* user.wait(pid)).toMatchObject({ reason: { kind: 'signaled', signal: SIGKILL } });
    });
  });

  it('does not reach the dead', () => {
    run(function* (user) {
      const pid = yield* user.fork(nothing);
      while ((yield* user.kill(pid, 0)) === 0) {
        const pipe = yield* user.pipe();
        if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
        yield* user.fork((child) => child.exit(0));
        yield* user.wait(pid + 1);
      }
      expect(yield* user.kill(pid, SIGKILL)).toBe(-ESRCH);
    });
  });
});
