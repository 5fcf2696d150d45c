import { describe, expect, it } from 'vitest';
import { makeFile, mapAnon, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, childOf, expectNoLeak, run } from '../../test/harness.js';
import { EINTR } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asVa } from '../machine/address.js';
import { SIGCHLD, SIGKILL, SIGTERM } from './signal.js';
import type { User } from './user.js';

function* nothing(user: User): Step<void> {
  yield* user.munmap(0x100000, PAGE);
}

describe('a signal that is sent', () => {
  it('ends a process that has nothing to do as well', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, (user) => user.fork());
    act(system, process, (user) => user.kill(pid, SIGTERM));
    expect(childOf(system, pid)).toMatchObject({ zombie: true, ending: { kind: 'signaled', signal: SIGTERM } });
    expectNoLeak(system);
  });

  it('ends who sends it to itself as it leaves the kernel', () => {
    const { system, process } = bootProcess();
    let wentOn = false;
    system.perform(process, function* (user) {
      yield* user.kill(process.pid, SIGTERM);
      wentOn = true;
    });
    expect([wentOn, process.zombie, system.kern.inside]).toEqual([false, true, 0]);
    expectNoLeak(system);
  });

  it('is handled by the thread that was sent it, in its own memory, also when the handler was inherited', () => {
    const { system, process } = bootProcess();
    const seen: [pid: number, value: number][] = [];
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      yield* user.store8(at, 1);
      user.sigaction(SIGTERM, function* (_info, thread) {
        seen.push([thread.process.pid, yield* thread.load8(at)]);
        return 'skip';
      });
      const child = yield* user.fork(function* (own) {
        yield* own.store8(at, 2);
        yield* own.kill(own.process.pid, SIGTERM);
      });
      yield* user.wait(child);
      yield* user.kill(process.pid, SIGTERM);
    });
    expect(seen).toEqual([
      [2, 2],
      [1, 1],
    ]);
  });

  it('is passed over when it is ignored, or when nobody minds; SIGKILL is neither', () => {
    run(function* (user) {
      const pid = yield* user.fork();
      const child = user.process;
      expect(yield* user.kill(pid, SIGCHLD)).toBe(0);
      user.sigaction(SIGTERM, 'ignore');
      user.sigaction(SIGKILL, 'ignore');
      expect(yield* user.kill(child.pid, SIGTERM)).toBe(0);
      expect(yield* user.kill(pid, SIGKILL)).toBe(0);
      expect(yield* user.wait(pid)).toMatchObject({ reason: { kind: 'signaled', signal: SIGKILL } });
      user.sigaction(SIGKILL, null);
    });
  });

  it('has its handler run once, when a thread of the process next leaves the kernel', () => {
    run(function* (user) {
      const seen: unknown[] = [];
      user.sigaction(SIGTERM, function* (info) {
        seen.push(info);
        yield* nothing(user);
        return 'skip';
      });
      yield* user.kill(user.process.pid, SIGTERM);
      expect(seen).toEqual([{ signal: SIGTERM, code: 0, address: 0 }]);
      yield* nothing(user);
      expect(seen).toHaveLength(1);
    });
  });

  it('wakes a thread that sleeps lightly, and none that does not', () => {
    const { system, process } = bootProcess();
    const answers: unknown[] = [];
    act(system, process, function* (user) {
      const pipe = yield* user.pipe();
      const at = yield* mapAnon(user, 1);
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      user.sigaction(SIGTERM, function* () {
        answers.push('handled');
        yield* nothing(user);
        return 'skip';
      });
      yield* user.fork(function* (child) {
        yield* child.kill(process.pid, SIGTERM);
      });
      answers.push(yield* user.read(pipe.read, at, 1));
    });
    expect(answers).toEqual(['handled', -EINTR]);
    expectNoLeak(system);
  });

  it('may go back to what is usual', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      user.sigaction(SIGTERM, 'ignore');
      yield* user.kill(process.pid, SIGTERM);
      user.sigaction(SIGTERM, null);
    });
    system.perform(process, (user) => user.kill(process.pid, SIGTERM));
    expect(process.ending).toEqual({ kind: 'signaled', signal: SIGTERM });
    expectNoLeak(system);
  });
});

describe('a thread that a process leaves behind', () => {
  it('gives the kernel back all it had, in the middle of whatever it did', () => {
    const system = boot();
    makeFile(system, '/file', 4 * PAGE);
    const process = system.spawn('p', { image: { name: 'p', text: { at: asVa(0x400000), size: PAGE } } });
    system.perform(process, function* (user) {
      yield* user.lwpCreate(function* (thread) {
        for (;;) {
          yield* mapAnon(thread, 1);
          yield* nothing(thread);
        }
      });
      yield* user.kill(process.pid, SIGKILL);
    });
    expect(system.kern.scheduler.lwps.filter((lwp) => lwp.process === process)).toEqual([]);
    expectNoLeak(system);
  });

  it('that throws is an error of the host, not the end of the process', () => {
    const { system, process } = bootProcess();
    const broken = function* (user: User): Step<void> {
      yield* nothing(user);
      throw new TypeError('a bug in the program');
    };
    expect(() => system.perform(process, broken)).toThrow('a bug in the program');
    expect(process.zombie).toBe(false);
  });
});
