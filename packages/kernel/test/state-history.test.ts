/** Decision D11: states that are equal are told alike, whatever led to them. */
import { describe, expect, it } from 'vitest';
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, type NetbsdSystem, O_RDWR, type Step, type User } from '../src/index.js';
import { PAGE_SIZE } from '../src/machine/address.js';
import { RamFile } from '../src/machine/file-store.js';
import { act, boot } from './harness.js';
import { digestOf, linesOf } from './state-subject.js';

const PAGE = PAGE_SIZE;
const RW = 3;
const AT = 0x10_0000;
const OWN = MAP_ANON | MAP_PRIVATE;

/** Two ways to the same state: what happens before a process is there, and what it does. */
interface Way {
  readonly files?: readonly string[];
  readonly job: (user: User) => Step<unknown>;
}

function go({ files = [], job }: Way): NetbsdSystem {
  const system = boot();
  for (const name of files) system.sys.vfs.add(name, new RamFile(name, new Uint8Array(PAGE).fill(name.length)));
  act(system, system.spawn('p'), job);
  return system;
}

function expectSameState(one: Way, another: Way): void {
  const [first, second] = [go(one), go(another)];
  expect(linesOf(second)).toEqual(linesOf(first));
  expect(digestOf(second)).toBe(digestOf(first));
}

function* mapTwo(user: User): Step<void> {
  yield* user.mmap(AT, 2 * PAGE, RW, OWN | MAP_FIXED);
}

describe('told alike is', () => {
  it('a mapping, whether or not there was another before', () => {
    const after = function* (user: User): Step<void> {
      yield* user.munmap(yield* user.mmap(0, 3 * PAGE, RW, OWN), 3 * PAGE);
      yield* mapTwo(user);
    };
    expectSameState({ job: mapTwo }, { job: after });
  });

  it('a mapping, whether it was made in one piece or in two that were merged', () => {
    //   [ a a ]      [ a ] + [ a ] = [ a a ]
    const pieces = function* (user: User): Step<void> {
      yield* user.mmap(AT, PAGE, RW, OWN | MAP_FIXED);
      yield* user.mmap(AT + PAGE, PAGE, RW, OWN | MAP_FIXED);
    };
    expectSameState({ job: mapTwo }, { job: pieces });
  });

  it('memory that was stored to, whichever frames, anons and amaps were used and given back before', () => {
    const touch = function* (user: User): Step<void> {
      yield* mapTwo(user);
      yield* user.store8(AT, 5);
    };
    const after = function* (user: User): Step<void> {
      const other = yield* user.mmap(AT + 16 * PAGE, PAGE, RW, OWN | MAP_FIXED);
      yield* user.store8(other, 9);
      yield* user.munmap(other, PAGE);
      yield* touch(user);
    };
    expectSameState({ job: touch }, { job: after });
  });

  it('memory that was stored to in one order or another: which frame is which makes no difference', () => {
    const touch = function* (user: User, order: readonly number[]): Step<void> {
      const pages = [AT, AT + 9 * PAGE];
      for (const page of pages) yield* user.mmap(page, PAGE, RW, OWN | MAP_FIXED);
      for (const i of order) yield* user.store8(pages[i] ?? 0, i);
    };
    const ways = [
      [0, 1],
      [1, 0],
    ].map((order) => go({ job: (user) => touch(user, order) }));
    const frames = ways.map(({ uvm }) => {
      const [map] = [...uvm.maps].slice(-1);
      return map?.entries().map(({ amap }) => amap?.at(amap.used[0] ?? 0)?.page);
    });
    expect(frames[1]).toEqual(frames[0]?.toReversed());
    // The queue of active pages remembers which was stored to first, and nothing else does.
    const [first, second] = ways.map((system) => linesOf(system).filter((line) => !line.startsWith('pages.active = ')));
    expect(second).toEqual(first);
  });

  it('memory after calls that failed', () => {
    const after = function* (user: User): Step<void> {
      yield* user.mlock(0x7000_0000, PAGE);
      yield* mapTwo(user);
      yield* user.mprotect(AT + 8 * PAGE, PAGE, RW);
    };
    expectSameState({ job: mapTwo }, { job: after });
  });

  it('files, whichever was made first', () => {
    const use = function* (user: User): Step<void> {
      for (const name of ['/one', '/three']) {
        const fd = yield* user.open(name, O_RDWR);
        yield* user.mmap(AT + fd * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd);
      }
    };
    expectSameState({ files: ['/one', '/three'], job: use }, { files: ['/three', '/one'], job: use });
  });

  it('a pipe, whatever went through it before', () => {
    const pipe = function* (user: User, through: number): Step<void> {
      yield* mapTwo(user);
      yield* user.store8(AT, 5);
      const ends = yield* user.pipe();
      if (typeof ends === 'number') throw new Error(`there is no pipe: ${ends}`);
      for (let i = 0; i < through; i++) {
        yield* user.write(ends.write, AT, 6);
        yield* user.read(ends.read, AT, 6);
      }
      yield* user.write(ends.write, AT, 6);
    };
    expectSameState({ job: (user) => pipe(user, 0) }, { job: (user) => pipe(user, 3) });
  });

  it('a file, whether it was read twice or more often', () => {
    const read = function* (user: User, times: number): Step<void> {
      yield* mapTwo(user);
      const fd = yield* user.open('/one', O_RDWR);
      for (let i = 0; i < times; i++) yield* user.pread(fd, AT, 10, 0);
    };
    const files = ['/one'];
    expectSameState({ files, job: (user) => read(user, 2) }, { files, job: (user) => read(user, 5) });
  });
});

describe('told apart is', () => {
  it('what a process would see: which pid comes next', () => {
    const fork = function* (user: User): Step<void> {
      yield* user.wait(yield* user.fork((child) => child.exit(0)));
    };
    expect(
      digestOf(
        go({
          *job(user) {
            yield* mapTwo(user);
            yield* fork(user);
          },
        }),
      ),
    ).not.toBe(digestOf(go({ job: mapTwo })));
  });
});
