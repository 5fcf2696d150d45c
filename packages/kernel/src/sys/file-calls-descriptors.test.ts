import { describe, expect, it } from 'vitest';
import { makeFile, mapAnon, open, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, expectNoLeak, expectSound, run } from '../../test/harness.js';
import { ENOENT } from '../kern/errno.js';
import { RandomPreemption } from '../kern/strategy.js';
import { BUILD } from '../kern/switch.js';
import { O_APPEND, O_CLOEXEC, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, SEEK_CUR, SEEK_END, SEEK_SET } from './file.js';

describe('a descriptor', () => {
  it('moves on by what is read or written, but not when the place is told', () => {
    run(function* (user) {
      const at = yield* mapAnon(user, 1);
      const fd = yield* open(user, '/a', O_CREAT | O_RDWR);
      yield* user.write(fd, at, 10);
      yield* user.pwrite(fd, at, 10, 100);
      yield* user.pread(fd, at, 5, 0);
      expect(yield* user.lseek(fd, 0, SEEK_CUR)).toBe(10);
      expect(yield* user.read(fd, at, 20)).toBe(20);
      expect(yield* user.lseek(fd, 0, SEEK_CUR)).toBe(30);
    });
  });

  it('for appending writes at the end, wherever it stands and whatever place is told', () => {
    run(function* (user, system) {
      makeFile(system, '/file', 10);
      const at = yield* mapAnon(user, 1);
      yield* user.store8(at, 0x77);
      const fd = yield* open(user, '/file', O_RDWR | O_APPEND);
      expect(yield* user.write(fd, at, 1)).toBe(1);
      expect(yield* user.lseek(fd, 0, SEEK_CUR)).toBe(11);
      yield* user.lseek(fd, 0, SEEK_SET);
      expect([yield* user.write(fd, at, 1), yield* user.pwrite(fd, at, 1, 0)]).toEqual([1, 1]);
      expect(yield* user.pread(fd, at, 100, 0)).toBe(13);
      const bytes = new Uint8Array(13);
      yield* user.loadBytes(at, bytes);
      expect([...bytes]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0x77, 0x77, 0x77]);
    });
  });

  it('and its duplicates share where they stand; so do parent and child', () => {
    run(function* (user, system) {
      makeFile(system, '/file', 100);
      const at = yield* mapAnon(user, 1);
      const fd = yield* open(user, '/file', O_RDONLY);
      const other = yield* user.dup(fd);
      const second = yield* open(user, '/file', O_RDONLY);
      yield* user.read(other, at, 7);
      const pid = yield* user.fork(function* (child) {
        yield* child.read(fd, at, 3);
      });
      yield* user.wait(pid);
      expect([yield* user.lseek(fd, 0, SEEK_CUR), yield* user.lseek(second, 0, SEEK_CUR)]).toEqual([10, 0]);
    });
  });

  it('keeps a file that has lost its name, to the last of them', () => {
    const { system, process } = bootProcess();
    makeFile(system, '/file', PAGE);
    act(system, process, function* (user) {
      const at = yield* mapAnon(user, 1);
      const fd = yield* open(user, '/file', O_RDONLY);
      const other = yield* user.dup(fd);
      expect([yield* user.unlink('/file'), yield* user.unlink('/file')]).toEqual([0, -ENOENT]);
      expect(yield* user.open('/file', O_RDONLY)).toBe(-ENOENT);
      yield* user.close(fd);
      expect(yield* user.read(other, at, PAGE)).toBe(PAGE);
      expect(system.uvm.objects.size).toBe(1);
      yield* user.close(other);
    });
    expect([system.uvm.objects.size, system.uvm.uvmexp.filepages]).toEqual([0, 0]);
    expectNoLeak(system);
  });

  it('that dup2 closes is never free in between: no file is lost to another thread that opens one', () => {
    for (let seed = 1; seed <= (BUILD !== 'direct' ? 60 : 1); seed++) {
      const system = boot({ strategy: new RandomPreemption(seed) });
      const process = system.spawn('p');
      for (const name of ['/a', '/b', '/c']) makeFile(system, name, 10);
      act(system, process, function* (user) {
        yield* open(user, '/a', O_RDONLY);
        yield* open(user, '/b', O_RDONLY);
        yield* user.lwpCreate(function* (thread) {
          expect(yield* thread.dup2(0, 1)).toBe(1);
        });
        yield* user.lwpCreate(function* (thread) {
          expect(yield* thread.open('/c', O_RDONLY), `seed ${seed}`).toBe(2);
        });
      });
      system.perform(process, (user) => user.exit(0));
      expect(system.sys.openFiles.size, `seed ${seed}`).toBe(0);
      expectNoLeak(system);
    }
  });

  it('of an exec that is marked so closes; O_TRUNC cuts the file as it is opened', () => {
    run(function* (user, system) {
      makeFile(system, '/file', 100);
      yield* open(user, '/file', O_RDONLY | O_CLOEXEC);
      yield* open(user, '/file', O_RDWR | O_TRUNC);
      expect(user.process.files.open({ closeOnExec: true })).toEqual([0]);
      expect(yield* user.lseek(1, 0, SEEK_END)).toBe(0);
    });
  });
});

describe('the kernel', () => {
  it('is sound after system calls of many threads on the same files', () => {
    for (let seed = 1; seed <= (BUILD !== 'direct' ? 10 : 1); seed++) {
      const system = boot({ strategy: new RandomPreemption(seed) });
      makeFile(system, '/file', 3 * PAGE);
      const process = system.spawn('p');
      const threads = BUILD !== 'direct' ? 3 : 1;
      act(system, process, function* (user) {
        const at = yield* mapAnon(user, 4);
        for (let i = 0; i < threads; i++) {
          yield* user.lwpCreate(function* (thread) {
            const fd = yield* open(thread, '/file', O_RDWR);
            yield* thread.pwrite(fd, at, 5000, 1000 * i);
            yield* thread.ftruncate(fd, 3000 + i);
            yield* thread.pread(fd, at, 3 * PAGE, 0);
            yield* thread.fsync(fd);
            yield* thread.close(fd);
          });
        }
      });
      expectSound(system);
      expectNoLeak(system);
    }
  });
});
