/**
 * Files that are read and written from and to mappings of themselves: the kernel has the page that it copies mapped in a window, and the
 * program's memory faults on that very page.
 */
import { describe, expect, it } from 'vitest';
import {
  type BootOptions,
  BUILD,
  EFAULT,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_INVALIDATE,
  MS_SYNC,
  O_APPEND,
  O_RDWR,
  RamFile,
  RandomPreemption,
  type UserProgram,
} from '../../src/index.js';
import { act, bootProcess, expectNoLeak, expectSound } from '../harness.js';
import { bytesAt, mapFile, open, PAGE, RW } from './support.js';

function withFile(pages: number, options: Partial<BootOptions> = {}): ReturnType<typeof bootProcess> {
  const booted = bootProcess({ blockSize: PAGE, ...options });
  const content = new Uint8Array(pages * PAGE);
  for (let page = 0; page < pages; page++) content.fill(page + 1, page * PAGE, (page + 1) * PAGE);
  booted.system.sys.vfs.add('file', new RamFile('file', content));
  return booted;
}

describe('a file and a mapping of it', () => {
  for (const [what, flags] of [
    ['shared', MAP_SHARED],
    ['private', MAP_PRIVATE],
  ] as const) {
    it(`that is ${what}: a page is written to itself and read into itself, and pages to each other`, () => {
      const { system, process } = withFile(4);
      act(system, process, function* (user) {
        const fd = yield* open(user, 'file', O_RDWR);
        const map = yield* mapFile(user, fd, 4 * PAGE, RW, flags);
        expect(yield* user.pwrite(fd, map, PAGE, 0)).toBe(PAGE);
        expect(yield* user.pread(fd, map + PAGE, PAGE, PAGE)).toBe(PAGE);
        expect(yield* user.pwrite(fd, map, 2 * PAGE, 2 * PAGE)).toBe(2 * PAGE);
        expect(yield* user.pread(fd, map, PAGE, 3 * PAGE)).toBe(PAGE);
        const firsts = [0, 1, 2, 3].map((page) => page * PAGE);
        const values: number[] = [];
        for (const at of firsts) values.push(yield* user.load8(map + at));
        // What was read stays private in a private mapping; what was written is seen in either.
        expect(values).toEqual([2, 2, 1, 2]);
      });
      expectSound(system);
      expectNoLeak(system);
    });
  }

  it('grows by what lies in front of its end, but not by what would lie behind it', () => {
    // The file grows by blocks of the file system, as each has been written.
    const { system, process } = withFile(1, { blockSize: 4 * PAGE });
    act(system, process, function* (user) {
      const fd = yield* open(user, 'file', O_RDWR | O_APPEND);
      const map = yield* mapFile(user, fd, 4 * PAGE, RW, MAP_SHARED);
      expect(yield* user.write(fd, map, PAGE)).toBe(PAGE);
      expect(yield* user.write(fd, map + PAGE, 2 * PAGE), 'its source ends where it is to begin').toBe(-EFAULT);
      expect(yield* user.lseek(fd, 0, 2)).toBe(2 * PAGE);
      expect((yield* bytesAt(user, map + PAGE, 1))[0]).toBe(1);
    });
    expectSound(system);
    expectNoLeak(system);
  });

  // The direct build has no preemption.
  it.skipIf(BUILD === 'direct')(
    'under any schedule: two threads write the page from itself while a third throws it out of memory',
    () => {
      for (let seed = 1; seed <= 30; seed++) {
        const { system, process } = withFile(2, { strategy: new RandomPreemption(seed) });
        act(system, process, function* (user) {
          const fd = yield* open(user, 'file', O_RDWR);
          const map = yield* mapFile(user, fd, 2 * PAGE, RW, MAP_SHARED);
          const writer: UserProgram = function* (self) {
            for (let i = 0; i < 2; i++) {
              expect(yield* self.pwrite(fd, map + PAGE - 100, 200, PAGE - 100)).toBe(200);
              expect(yield* self.pread(fd, map + PAGE - 100, 200, PAGE - 100)).toBe(200);
            }
          };
          const thrower: UserProgram = function* (self) {
            for (let i = 0; i < 3; i++) expect(yield* self.msync(map, 2 * PAGE, MS_SYNC | MS_INVALIDATE)).toBe(0);
          };
          for (const thread of [writer, writer, thrower]) expect(yield* user.lwpCreate(thread)).toBeGreaterThan(0);
          for (let i = 0; i < 5; i++) {
            expect(yield* user.load8(map + PAGE - 1), `seed ${seed}`).toBe(1);
            expect(yield* user.load8(map + PAGE), `seed ${seed}`).toBe(2);
          }
        });
        expectSound(system);
        expectNoLeak(system);
      }
    },
  );
});
