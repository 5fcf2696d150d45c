import { describe, expect, it } from 'vitest';
import { act, bootProcess, childOf } from '../../test/harness.js';
import { thrownBy } from '../../test/threads.js';
import { Deadlock } from '../kern/scheduler.js';
import { describeProcesses, psText } from './ps.js';

describe('processes as data', () => {
  it('have who they are, whose child, and their threads; the kernel’s own come first', () => {
    const { system, process } = bootProcess();
    const pid = act(system, process, function* (user) {
      yield* user.lwpCreate();
      return yield* user.fork();
    });
    const told = describeProcesses(system.sys).map(({ pid: id, name, parent, uid, zombie, lwps }) => [
      id,
      name,
      parent,
      uid,
      zombie,
      lwps.map(({ lid }) => lid),
    ]);
    expect(told).toEqual([
      [0, 'system', null, 0, false, [1]],
      [1, 'test', null, 1000, false, [1, 2]],
      [pid, 'test', 1, 1000, false, [1]],
    ]);
    system.perform(childOf(system, pid), (user) => user.exit(0));
    expect(describeProcesses(system.sys).at(-1)).toMatchObject({ pid, zombie: true, lwps: [] });
  });

  it('tell what a thread waits for, which call it is in, and which locks it has', () => {
    const { system, process } = bootProcess();
    act(system, process, (user) => user.fork());
    expect(thrownBy(Deadlock, () => system.perform(process, (user) => user.wait(2))).waiting).toHaveLength(1);
    const [, told] = describeProcesses(system.sys);
    expect(told?.lwps[0]).toMatchObject({
      wait: 'wait',
      channel: 'children of process 1',
      call: { name: 'wait4', args: [2] },
      label: 'wait4',
      locks: [],
      flags: 0x80,
    });
  });
});

describe('processes as text', () => {
  it('have a line for each thread under one heading, wider in full', () => {
    const { system } = bootProcess();
    const processes = describeProcesses(system.sys);
    const [brief, full] = [psText(processes, { full: false }).split('\n'), psText(processes, { full: true }).split('\n')];
    expect(brief[0]).toBe('PID    LID S CPU     FLAGS       STRUCT LWP *               NAME WAIT');
    expect(full[0]).toBe(`${brief[0]}     WAIT-CHANNEL       CALL       LABEL`);
    expect(brief).toHaveLength(3);
    expect(brief[2]).toMatch(/^1 +1 \d +0 +0 +lwp 1\.1 +test$/);
  });
});
