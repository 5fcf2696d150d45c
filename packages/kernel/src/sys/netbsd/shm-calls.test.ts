/** System V shared memory through its system calls. */
import { describe, expect, it } from 'vitest';
import { act, bootProcess, childOf, expectNoLeak, expectSound, run } from '../../../test/harness.js';
import {
  EACCES,
  EEXIST,
  EFAULT,
  EINVAL,
  EMFILE,
  ENOENT,
  ENOMEM,
  ENOSPC,
  EPERM,
  MAP_ANON,
  MAP_FIXED,
  MAP_INHERIT_NONE,
  MAP_PRIVATE,
  type NetbsdSystem,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Process,
  ROOT,
  type Step,
  type User,
} from '../../index.js';
import {
  IPC_CREAT,
  IPC_EXCL,
  IPC_PRIVATE,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  SHM_LOCK,
  SHM_RDONLY,
  SHM_RND,
  SHM_UNLOCK,
  type ShmStatus,
} from '../shm.js';

const PAGE = PAGE_SIZE;
const RW = PROT_READ | PROT_WRITE;
const MAKE = IPC_CREAT | 0o600;

/** Makes a segment of so many pages and attaches it. */
function* attach(user: User, pages: number, flags = 0): Step<{ id: number; at: number }> {
  const id = yield* user.shmget(IPC_PRIVATE, pages * PAGE, MAKE);
  expect(id, 'shmget').toBeGreaterThan(0);
  const at = yield* user.shmat(id, 0, flags);
  expect(at, 'shmat').toBeGreaterThan(0);
  return { id, at };
}

function* status(user: User, id: number): Step<ShmStatus> {
  const told = yield* user.shmctl(id, IPC_STAT);
  if (typeof told === 'number') throw new Error(`shmctl answers ${told}`);
  return told;
}

describe('shmget', () => {
  it('finds by key what somebody has made', () => {
    run(function* (user) {
      const id = yield* user.shmget(42, 3 * PAGE, MAKE);
      expect(yield* user.shmget(42, 0, 0)).toBe(id);
      expect(yield* user.shmget(42, 3 * PAGE, IPC_CREAT)).toBe(id);
      expect(yield* user.shmget(42, 3 * PAGE + 1, 0), 'larger than it is').toBe(-EINVAL);
      expect(yield* user.shmget(42, 9 * PAGE, IPC_CREAT | IPC_EXCL), 'which comes first').toBe(-EEXIST);
      expect(yield* user.shmget(43, PAGE, 0)).toBe(-ENOENT);
    });
  });

  it('makes a new one each time for IPC_PRIVATE', () => {
    run(function* (user) {
      const first = yield* user.shmget(IPC_PRIVATE, PAGE, 0o600);
      const second = yield* user.shmget(IPC_PRIVATE, PAGE, 0o600);
      expect(first).toBeGreaterThan(0);
      expect(second).not.toBe(first);
    });
  });

  it('gives an id to one segment only, although places are used again', () => {
    run(function* (user) {
      const first = yield* user.shmget(IPC_PRIVATE, PAGE, 0o600);
      expect(yield* user.shmctl(first, IPC_RMID)).toBe(0);
      const second = yield* user.shmget(IPC_PRIVATE, PAGE, 0o600);
      expect(second & 0xffff, 'the place').toBe(first & 0xffff);
      expect(second).not.toBe(first);
      expect(yield* user.shmat(first, 0, 0)).toBe(-EINVAL);
    });
  });

  it('keeps to the limits', () => {
    const limits = { shmmax: 4 * PAGE, shmmni: 3, shmseg: 2, shmall: 6 };
    run(
      function* (user) {
        expect(yield* user.shmget(IPC_PRIVATE, 0, 0o600), 'nothing').toBe(-EINVAL);
        expect(yield* user.shmget(IPC_PRIVATE, -1, 0o600), 'all there is').toBe(-EINVAL);
        expect(yield* user.shmget(IPC_PRIVATE, 4 * PAGE + 1, 0o600), 'too large').toBe(-EINVAL);
        const large = yield* user.shmget(IPC_PRIVATE, 4 * PAGE, 0o600);
        expect(yield* user.shmget(IPC_PRIVATE, 2 * PAGE + 1, 0o600), 'too much in all').toBe(-ENOMEM);
        const small = yield* user.shmget(IPC_PRIVATE, 1, 0o600);
        yield* user.shmget(IPC_PRIVATE, 1, 0o600);
        expect(yield* user.shmget(IPC_PRIVATE, 1, 0o600), 'too many').toBe(-ENOSPC);
        expect(yield* user.shmat(small, 0, 0)).toBeGreaterThan(0);
        expect(yield* user.shmat(small, 0, 0)).toBeGreaterThan(0);
        expect(yield* user.shmat(large, 0, 0), 'attached too often').toBe(-EMFILE);
      },
      { shm: limits },
    );
  });

  it('is as large as a quarter of memory, or 4 MiB, unless told otherwise', () => {
    run(function* (user) {
      expect(yield* user.shmget(IPC_PRIVATE, 1024 * PAGE + 1, 0o600)).toBe(-EINVAL);
      expect(yield* user.shmget(IPC_PRIVATE, 1024 * PAGE, 0o600)).toBeGreaterThan(0);
    });
  });
});

describe('shmat and shmdt', () => {
  it('share memory between processes, which reads as zeros at first', () => {
    const { system, process } = bootProcess();
    const other = system.spawn('other');
    const at = act(system, process, function* (user) {
      const id = yield* user.shmget(7, 2 * PAGE, IPC_CREAT | 0o600);
      const start = yield* user.shmat(id, 0, 0);
      expect(yield* user.load32(start + PAGE)).toBe(0);
      yield* user.store32(start + 4, 77);
      return start;
    });
    act(system, other, function* (user) {
      const id = yield* user.shmget(7, 0, 0);
      const start = yield* user.shmat(id, 0, 0);
      expect(yield* user.load32(start + 4)).toBe(77);
      yield* user.store32(start + PAGE, 78);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
    });
    act(system, process, function* (user) {
      expect(yield* user.load32(at + PAGE)).toBe(78);
    });
    expectNoLeak(system);
    expect(system.uvm.aobjs.size).toBe(0);
  });

  it('attach where told, if the place is free', () => {
    run(function* (user) {
      const { id, at } = yield* attach(user, 2);
      expect(yield* user.shmat(id, at, 0), 'occupied').toBe(-ENOMEM);
      const free = 0x1000_0000;
      expect(yield* user.shmat(id, free + 5, 0), 'inside of a page').toBe(-EINVAL);
      expect(yield* user.shmat(id, free + 5, SHM_RND)).toBe(free);
      expect(yield* user.shmat(id, -PAGE, 0), 'above everything').toBe(-ENOMEM);
      expect((yield* status(user, id)).attaches).toBe(2);
    });
  });

  it('attach for reading only, and then nobody can write', () => {
    run(function* (user) {
      const { at } = yield* attach(user, 1, SHM_RDONLY);
      expect(yield* user.load32(at)).toBe(0);
      expect(yield* user.mprotect(at, PAGE, RW)).toBe(-EACCES);
    });
  });

  it('detach what was attached at that address, and nothing else', () => {
    run(function* (user) {
      expect(yield* user.shmdt(0x1000)).toBe(-EINVAL);
      const { id, at } = yield* attach(user, 2);
      expect(yield* user.shmdt(at + PAGE)).toBe(-EINVAL);
      expect(yield* user.shmdt(at)).toBe(0);
      expect(yield* user.shmdt(at)).toBe(-EINVAL);
      expect((yield* status(user, id)).attaches).toBe(0);
      expect(yield* user.munmap(at, PAGE)).toBe(0);
    });
  });

  it('keep the bytes while nobody has the segment attached', () => {
    run(function* (user) {
      const { id, at } = yield* attach(user, 1);
      yield* user.store32(at, 5);
      yield* user.shmdt(at);
      const again = yield* user.shmat(id, 0, 0);
      expect(yield* user.load32(again)).toBe(5);
    });
  });

  it('know the latest attachment at an address when the memory of an older one was unmapped', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const { id, at } = yield* attach(user, 1);
      const other = yield* user.shmget(IPC_PRIVATE, PAGE, MAKE);
      yield* user.munmap(at, PAGE);
      expect(yield* user.shmat(other, at, 0)).toBe(at);
      expect(yield* user.shmdt(at)).toBe(0);
      expect((yield* status(user, other)).attaches).toBe(0);
      expect((yield* status(user, id)).attaches, 'munmap does not detach').toBe(1);
      expect(yield* user.mmap(at, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED)).toBe(at);
      expect(yield* user.shmdt(at), 'unmaps whatever is there').toBe(0);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
      expect(yield* user.shmctl(other, IPC_RMID)).toBe(0);
    });
    expectNoLeak(system);
  });
});

describe('a segment that is removed', () => {
  it('cannot be found any more, and goes with its last attachment', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const id = yield* user.shmget(9, PAGE, MAKE);
      const at = yield* user.shmat(id, 0, 0);
      yield* user.store32(at, 6);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
      expect(yield* user.shmget(9, 0, 0)).toBe(-ENOENT);
      expect(yield* user.shmat(id, 0, 0)).toBe(-EINVAL);
      expect(yield* user.shmctl(id, IPC_STAT)).toBe(-EINVAL);
      expect(yield* user.load32(at)).toBe(6);
      expect(system.sys.shm.used).toBe(1);
      expect(yield* user.shmdt(at)).toBe(0);
    });
    expect(system.sys.shm.used).toBe(0);
    expect(system.uvm.aobjs.size).toBe(0);
    expectNoLeak(system);
  });

  it('leaves its memory to who has it mapped without having it attached', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const { id, at } = yield* attach(user, 2);
      yield* user.store32(at, 1);
      const moved = yield* user.mremap(at, PAGE, 0, PAGE, 0);
      expect(moved).toBe(at);
      const elsewhere = yield* user.mremap(at, 2 * PAGE, 0x1000_0000, 2 * PAGE, MAP_FIXED);
      expect(elsewhere).toBe(0x1000_0000);
      yield* user.shmctl(id, IPC_RMID);
      expect(yield* user.shmdt(at)).toBe(0);
      expect(system.sys.shm.used).toBe(0);
      expect(yield* user.load32(elsewhere)).toBe(1);
      expect(system.uvm.aobjs.size).toBe(1);
    });
    expectNoLeak(system);
    expect(system.uvm.aobjs.size).toBe(0);
  });
});

describe('what becomes of attachments', () => {
  /** What a child of a process finds, that has a segment of one page attached. */
  function withChild(
    job: (system: NetbsdSystem, parent: Process, child: Process, segment: { id: number; at: number }) => void,
  ): void {
    const { system, process } = bootProcess();
    const segment = act(system, process, (user) => attach(user, 1));
    const pid = act(system, process, (user) => user.fork());
    job(system, process, childOf(system, pid), segment);
    act(system, process, function* (user) {
      yield* user.shmctl(segment.id, IPC_RMID);
    });
    expectNoLeak(system);
    expect(system.uvm.aobjs.size).toBe(0);
  }

  it('a child has them too, and shares the memory', () => {
    withChild((system, parent, child, { id, at }) => {
      act(system, child, function* (user) {
        expect((yield* status(user, id)).attaches).toBe(2);
        yield* user.store32(at, 11);
      });
      act(system, parent, function* (user) {
        expect(yield* user.load32(at)).toBe(11);
        expect(yield* user.shmdt(at)).toBe(0);
        expect((yield* status(user, id)).attaches).toBe(1);
      });
      act(system, child, function* (user) {
        expect(yield* user.load32(at)).toBe(11);
      });
    });
  });

  it('exit detaches', () => {
    withChild((system, parent, child, { id }) => {
      system.perform(child, (user) => user.exit(0));
      act(system, parent, function* (user) {
        yield* user.wait(child.pid);
        expect((yield* status(user, id)).attaches).toBe(1);
      });
    });
  });

  it('exec detaches, with vfork too', () => {
    withChild((system, parent, child, { id, at }) => {
      act(system, child, function* (user) {
        expect(yield* user.execve({ name: 'next' })).toBe(0);
        expect((yield* status(user, id)).attaches).toBe(1);
      });
      act(system, parent, function* (user) {
        yield* user.store32(at, 3);
        const pid = yield* user.vfork(function* (grandchild) {
          yield* grandchild.store32(at, 4);
          yield* grandchild.execve({ name: 'next' });
        });
        yield* user.wait(pid);
        expect((yield* status(user, id)).attaches, 'the parent has its space back').toBe(1);
        expect(yield* user.load32(at)).toBe(4);
      });
    });
  });

  it('a child counts as one even of what it has not inherited', () => {
    const { system, process } = bootProcess();
    const { id, at } = act(system, process, (user) => attach(user, 1));
    act(system, process, (user) => user.minherit(at, PAGE, MAP_INHERIT_NONE));
    const pid = act(system, process, (user) => user.fork());
    act(system, process, function* (user) {
      expect((yield* status(user, id)).attaches).toBe(2);
      yield* user.shmctl(id, IPC_RMID);
    });
    system.perform(childOf(system, pid), (user) => user.exit(0));
    expectNoLeak(system);
  });
});

describe('shmctl', () => {
  it('tells of a segment', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const id = yield* user.shmget(5, 100, IPC_CREAT | 0o640);
      expect(yield* status(user, id)).toEqual({
        key: 5,
        uid: 1000,
        gid: 100,
        creatorUid: 1000,
        creatorGid: 100,
        mode: 0o640,
        size: 100,
        creatorPid: process.pid,
        lastPid: 0,
        attaches: 0,
        attachTime: 0,
        detachTime: 0,
        changeTime: 0,
      });
      yield* user.shmat(id, 0, 0);
      expect((yield* status(user, id)).lastPid).toBe(process.pid);
    });
    expectSound(system);
  });

  it('refuses what there is not', () => {
    run(function* (user) {
      expect(yield* user.shmctl(0x10000, IPC_STAT)).toBe(-EINVAL);
      const id = yield* user.shmget(IPC_PRIVATE, PAGE, MAKE);
      expect(yield* user.shmctl(id, 99)).toBe(-EINVAL);
      expect(yield* user.shmctl(id, IPC_SET), 'without settings').toBe(-EFAULT);
    });
  });

  it('lets each do what the mode says', () => {
    const { system, process } = bootProcess();
    const stranger = system.spawn('stranger', { credentials: { uid: 2000, gid: 200 } });
    const fellow = system.spawn('fellow', { credentials: { uid: 2001, gid: 100 } });
    const root = system.spawn('root', { credentials: ROOT });
    const id = act(system, process, (user) => user.shmget(6, PAGE, IPC_CREAT | 0o640));
    act(system, stranger, function* (user) {
      expect(yield* user.shmget(6, 0, 0o400)).toBe(-EACCES);
      expect(yield* user.shmget(6, 0, 0), 'who asks for no right').toBe(id);
      expect(yield* user.shmat(id, 0, SHM_RDONLY)).toBe(-EACCES);
      expect(yield* user.shmctl(id, IPC_STAT)).toBe(-EACCES);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(-EPERM);
    });
    act(system, fellow, function* (user) {
      expect(yield* user.shmat(id, 0, 0)).toBe(-EACCES);
      const at = yield* user.shmat(id, 0, SHM_RDONLY);
      expect(at).toBeGreaterThan(0);
      expect(yield* user.shmctl(id, IPC_SET, { uid: 2001, gid: 100, mode: 0o600 })).toBe(-EPERM);
    });
    act(system, process, function* (user) {
      expect(yield* user.shmctl(id, IPC_SET, { uid: 2000, gid: 200, mode: 0o600 })).toBe(0);
      expect(yield* user.shmat(id, 0, 0), 'who made it has it still').toBeGreaterThan(0);
    });
    act(system, stranger, function* (user) {
      expect(yield* user.shmat(id, 0, 0)).toBeGreaterThan(0);
    });
    act(system, root, function* (user) {
      expect(yield* user.shmat(id, 0, 0)).toBeGreaterThan(0);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
    });
    expectNoLeak(system);
  });

  it('wires the memory for the superuser, whoever has it mapped', () => {
    const { system, process } = bootProcess();
    const root = system.spawn('root', { credentials: ROOT });
    const { id, at } = act(system, process, function* (user) {
      const made = yield* attach(user, 20);
      yield* user.store32(made.at, 8);
      expect(yield* user.shmctl(made.id, SHM_LOCK)).toBe(-EPERM);
      return made;
    });
    act(system, root, function* (user) {
      expect(yield* user.shmctl(id, SHM_LOCK)).toBe(0);
      expect(system.uvm.uvmexp.wired).toBe(20);
      expect(yield* user.shmctl(id, SHM_LOCK), 'once is enough').toBe(0);
    });
    expect(system.uvm.uvmexp.wired).toBe(20);
    expectSound(system);
    act(system, process, function* (user) {
      expect(yield* user.mlock(at, PAGE)).toBe(0);
      expect(yield* user.munlock(at, PAGE)).toBe(0);
      expect(yield* user.load32(at)).toBe(8);
    });
    expect(system.uvm.uvmexp.wired).toBe(20);
    act(system, root, function* (user) {
      expect(yield* user.shmctl(id, SHM_UNLOCK)).toBe(0);
      expect(yield* user.shmctl(id, SHM_UNLOCK)).toBe(0);
    });
    expect(system.uvm.uvmexp.wired).toBe(0);
    act(system, root, function* (user) {
      expect(yield* user.shmctl(id, SHM_LOCK)).toBe(0);
      expect(yield* user.shmctl(id, IPC_RMID)).toBe(0);
    });
    expectNoLeak(system);
  });
});
