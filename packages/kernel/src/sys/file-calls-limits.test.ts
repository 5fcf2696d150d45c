import { describe, expect, it } from 'vitest';
import { mapAnon, open, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, expectNoLeak, run } from '../../test/harness.js';
import { ROOT } from '../kern/credentials.js';
import { EFBIG, EMFILE, EPERM } from '../kern/errno.js';
import { RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_STACK } from '../kern/limits.js';
import type { Step } from '../kern/switch.js';
import { O_CREAT, O_RDONLY, O_RDWR } from './file.js';
import { MAXSSIZ } from './param.js';
import { SIGXFSZ } from './signal.js';
import type { User } from './user.js';

describe('a limit', () => {
  it('can be lowered by anyone and for good, and raised by the superuser', () => {
    const lower = function* (user: User): Step<number[]> {
      const first = yield* user.setrlimit(RLIMIT_NOFILE, { current: 10, maximum: 20 });
      return [first, yield* user.setrlimit(RLIMIT_NOFILE, { current: 20, maximum: 21 })];
    };
    expect(run(lower)).toEqual([0, -EPERM]);
    const system = boot();
    expect(act(system, system.spawn('root', { credentials: ROOT }), lower)).toEqual([0, 0]);
  });

  it('is inherited by children, and theirs from then on', () => {
    const { system, process } = bootProcess();
    const seen = act(system, process, function* (user) {
      yield* user.setrlimit(RLIMIT_NOFILE, { current: 10, maximum: 20 });
      const limits: unknown[] = [];
      const pid = yield* user.fork(function* (child) {
        limits.push(yield* child.getrlimit(RLIMIT_NOFILE));
        yield* child.setrlimit(RLIMIT_NOFILE, { current: 5, maximum: 5 });
      });
      yield* user.wait(pid);
      limits.push(yield* user.getrlimit(RLIMIT_NOFILE));
      return limits;
    });
    expect(seen).toEqual([
      { current: 10, maximum: 20 },
      { current: 10, maximum: 20 },
    ]);
  });

  it('of descriptors leaves no file behind that could not be opened', () => {
    run(function* (user, system) {
      yield* user.setrlimit(RLIMIT_NOFILE, { current: 1, maximum: 1 });
      expect(yield* user.open('/a', O_CREAT | O_RDWR)).toBe(0);
      expect(yield* user.open('/b', O_CREAT | O_RDWR)).toBe(-EMFILE);
      expect(yield* user.open('/none', O_RDONLY), 'before the name is looked at').toBe(-EMFILE);
      expect([yield* user.dup(0), yield* user.pipe()]).toEqual([-EMFILE, -EMFILE]);
      expect(system.sys.vfs.lookup('/b')).toBeNull();
      expect(system.sys.openFiles.size).toBe(1);
    });
  });

  it('of file sizes is told by SIGXFSZ, for files and not for pipes', () => {
    run(function* (user) {
      const signals: number[] = [];
      user.sigaction(SIGXFSZ, function* (info) {
        signals.push(info.signal);
        yield* user.getrlimit(RLIMIT_FSIZE);
        return 'skip';
      });
      const at = yield* mapAnon(user, 1);
      const fd = yield* open(user, '/a', O_CREAT | O_RDWR);
      yield* user.setrlimit(RLIMIT_FSIZE, { current: 100, maximum: 100 });
      expect([yield* user.write(fd, at, 100), yield* user.write(fd, at, 1)]).toEqual([100, -EFBIG]);
      expect([yield* user.pwrite(fd, at, 101, 0), yield* user.ftruncate(fd, 101)]).toEqual([-EFBIG, -EFBIG]);
      expect(signals).toEqual([SIGXFSZ, SIGXFSZ]);
      const pipe = yield* user.pipe();
      expect(yield* user.write(typeof pipe === 'number' ? pipe : pipe.write, at, 200)).toBe(200);
    });
  });

  it('of the stack makes more or less of what is reserved accessible', () => {
    const system = boot();
    const process = system.spawn('p', { image: { name: 'p' } });
    const { stackTop } = process.layout;
    const usable = (): number[] => {
      const mappings = process.space === null ? [] : system.vm.describeSpace(process.space);
      return mappings.filter(({ protection }) => protection === 3).map(({ start, end }) => (end - start) / PAGE);
    };
    act(system, process, function* (user) {
      const old = yield* user.getrlimit(RLIMIT_STACK);
      expect(old).toEqual({ current: 4 * 2 ** 20, maximum: MAXSSIZ });
      expect(yield* user.setrlimit(RLIMIT_STACK, { current: 16 * PAGE, maximum: MAXSSIZ })).toBe(0);
      expect(usable().reduce((sum, pages) => sum + pages)).toBe(16);
      yield* user.store8(stackTop - 16 * PAGE, 1);
      expect(yield* user.setrlimit(RLIMIT_STACK, { current: 32 * PAGE, maximum: MAXSSIZ })).toBe(0);
      yield* user.store8(stackTop - 32 * PAGE, 1);
    });
    expect(usable().reduce((sum, pages) => sum + pages)).toBe(32);
    expectNoLeak(system);
  });
});
