import { BUILD } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { callsOf, runSyz } from '../../test/syz-run.js';

const PIPE = 'pipe2(&(0x7f0000000000)={<r0=>0xffffffffffffffff, <r1=>0xffffffffffffffff}, 0x0)';

describe('how a call is made', () => {
  it('rerun: so many times more, and the last answer is the result', () => {
    expect(callsOf(runSyz(['r0 = dup(0x0)', PIPE, 'r2 = dup(r1) (rerun: 2)', 'close(r2)']))).toEqual([
      'dup(0) = -1 EBADF',
      'pipe2(0) = 0',
      'dup(1) = 2',
      'dup(1) = 3',
      'dup(1) = 4',
      'close(4) = 0',
    ]);
  });

  it('rerun is bounded, with a sentence', () => {
    const result = runSyz(['munlockall() (rerun: 1000000000)']);
    expect(result.counts.get('munlockall')?.made).toBe(1001);
    expect(result.remarks).toEqual([
      'made 1 call 1,000 times more, and not as often as the program asks for: munlockall (line 1)',
    ]);
  });

  it('fail_nth: the call meets a fault, once, and the next does not', () => {
    const open = "r0 = open(&(0x7f0000000000)='./f\\x00', 0x202, 0x0)";
    const result = runSyz([open, 'ftruncate(r0, 0x8000) (fail_nth: 1, rerun: 1)', 'fsync(r0) (fail_nth: 99)']);
    expect(callsOf(result).slice(1)).toEqual(['ftruncate(0, 32768) = -1 EIO', 'ftruncate(0, 32768) = 0', 'fsync(0) = 0']);
    expect(result.remarks).toEqual(['ordered a fault for 1 call that met fewer occasions for one: fsync (line 3)']);
  });

  it('the older header orders a fault too', () => {
    const open = "r0 = open(&(0x7f0000000000)='./f\\x00', 0x202, 0x0)";
    const result = runSyz(['#{"fault":true,"fault_call":1,"fault_nth":0}', open, 'ftruncate(r0, 0x8000)']);
    expect(callsOf(result)).toContain('ftruncate(0, 32768) = -1 EIO');
  });

  //   lwp 1   munlockall ........... munlockall
  //   lwp 3            mlockall (async)
  it('async: in a thread beside, whose result is there when it is done', () => {
    const result = runSyz(['munlockall()', 'mlockall(0x2) (async)', 'munlockall()']);
    const made = result.calls.map(({ lid, name }) => `${lid} ${name}`);
    expect(made).toEqual(['1 munlockall', '1 munlockall', '3 mlockall', '2 exit']);
  });

  it('async calls beyond 32 are made in their place', () => {
    const result = runSyz(Array.from({ length: 34 }, () => 'munlockall() (async)'));
    expect(result.callCount).toBe(35);
    expect(result.remarks[0]).toMatch(
      /^made 2 calls in the order of the program .*: munlockall \(line 33\), munlockall \(line 34\)$/,
    );
  });

  it('async calls are switched as the strategy likes, where threads can be switched', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      const lines = ['mlockall(0x2) (async)', 'munlockall()', 'munlockall()'];
      const { calls } = runSyz(lines, { strategy: { kind: 'random', seed } });
      orders.add(calls.map(({ name }) => name).join(' '));
    }
    if (BUILD !== 'direct') expect(orders.size).toBeGreaterThan(1);
    else expect([...orders]).toEqual(['munlockall munlockall mlockall exit']);
  });
});

describe('processes', () => {
  it('a child goes on with the rest, where fork has answered 0, and exits', () => {
    const result = runSyz(['r0 = fork()', 'munmap(r0, 0x0)', 'wait4(r0, 0x0, 0x0, 0x0)']);
    expect(callsOf(result)).toEqual([
      'fork() = 2',
      'munmap(2, 0) = -1 EINVAL',
      'wait4(2) = 2',
      '2.1 munmap(0, 0) = -1 EINVAL',
      '2.1 wait4(-1) = -1 ECHILD',
      '2.1 exit(0) = ?',
    ]);
  });

  it('the child of a threaded program has nothing to do, and is gone in the end', () => {
    const result = runSyz(['#{"threaded":true}', 'r0 = fork()', 'wait4(r0, 0x0, 0x1, 0x0)', 'getpid()']);
    expect(callsOf(result)).toEqual(['fork() = 2', 'wait4(2) = 0']);
    expect(result.remarks).toEqual([]);
  });

  it('forks are bounded, with a sentence', () => {
    const result = runSyz(['#{"threaded":true}', 'fork() (rerun: 99)']);
    expect(result.counts.get('fork')?.made).toBe(63);
    expect(result.remarks).toEqual(['skipped 1 call to fork, because there were 64 processes already: fork (line 2)']);
  });

  it('a process that ends by a signal makes no more calls, and that is said', () => {
    const result = runSyz([PIPE, 'close(r0)', 'write(r1, &(0x7f0000000040)="01", 0x1)', 'munlockall()']);
    expect(callsOf(result)).toEqual(['pipe2(0) = 0', 'close(0) = 0', 'write(1, 0x20000040, 1) = -1 EPIPE']);
    expect(result.remarks.join()).toContain('process 1 (test.syz) was killed by SIGPIPE');
  });

  it('exit ends the program; the rest is not made', () => {
    expect(callsOf(runSyz(['munlockall()', 'exit(0x3)', 'munlockall()']))).toEqual(['munlockall() = 0']);
  });

  it('repeat_times: each time by a new process, which finds the files of the one before', () => {
    const open = "r0 = open(&(0x7f0000000000)='./f\\x00', 0xa02, 0x0)";
    const { calls } = runSyz(['#{"repeat":true,"repeat_times":2}', open]);
    expect(calls.map(({ pid, name, result }) => `${pid} ${name} ${result}`)).toEqual([
      '1 open 0',
      '1 exit null',
      '2 open -17',
      '2 exit null',
    ]);
  });
});

describe('a call that never comes back', () => {
  const lines = [PIPE, 'read(r0, &(0x7f0000000040)=""/1, 0x1)', 'munlockall()'];
  const remark = 'did not wait for 1 call that would never have come back, as syz-executor does after a while: read (line 2)';

  it('ends the program', () => {
    const result = runSyz(lines);
    expect(result.calls.map(({ name, result: answer }) => `${name} ${answer}`)).toEqual(['pipe2 0', 'read -4', 'exit null']);
    expect(result.remarks).toEqual([remark]);
  });

  it('does not keep the next ones of a threaded program', () => {
    const result = runSyz(['#{"threaded":true}', ...lines]);
    const made = result.calls.map(({ lid, name, result: answer }) => `${lid} ${name} ${answer}`);
    expect(made).toEqual(['1 pipe2 0', '1 read -4', '3 munlockall 0', '4 exit null']);
    expect(result.remarks).toEqual([remark.replace('line 2', 'line 3')]);
  });

  it('in a child: that is ended too, and its parent does not wait for it', () => {
    const result = runSyz([PIPE, 'r2 = fork()', 'wait4(r2, 0x0, 0x0, 0x0)', 'read(r0, &(0x7f0000000040)=""/1, 0x1)']);
    expect(result.remarks).toEqual([
      'did not wait for 2 calls that would never have come back, as syz-executor does after a while: wait4 (line 3), read (line 4)',
    ]);
  });
});
