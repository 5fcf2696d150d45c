import { describe, expect, it } from 'vitest';
import { endOfChild, makeFile, mapAnon, mapFile, open, PAGE, RW } from '../../test/cases/support.js';
import { FailAt, UnreliableFile } from '../../test/faults.js';
import { act, boot, bootProcess, childOf, expectNoLeak, expectSound, run } from '../../test/harness.js';
import { EFAULT, EIO } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { RamFile } from '../machine/file-store.js';
import { PROT_NONE, PROT_READ } from '../machine/protection.js';
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../vm/mman.js';
import { O_RDWR } from './file.js';
import { BUS_ADRERR, BUS_OBJERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV, type SignalInfo } from './signal.js';
import type { User } from './user.js';

/** Has a process's handlers of faults note what comes, and pass over the access. */
function noteFaults(user: User): SignalInfo[] {
  const seen: SignalInfo[] = [];
  for (const signal of [SIGSEGV, SIGBUS]) {
    user.sigaction(signal, function* (info) {
      yield* user.munmap(0x100000, PAGE);
      seen.push(info);
      return 'skip';
    });
  }
  return seen;
}

describe('a fault at what is no address', () => {
  it('is a mistake of the program’s author, who is told', () => {
    const load = () =>
      run(function* (user) {
        yield* user.load32({} as number);
      });
    expect(load).toThrow('the address is [object Object], not a number; a yield* may be missing in front of it');
  });
});

describe('a fault that cannot be resolved', () => {
  it('tells the handler which signal, why, and the very address', () => {
    run(function* (user, system) {
      makeFile(system, '/file', PAGE);
      const seen = noteFaults(user);
      const readOnly = yield* mapAnon(user, 1, PROT_READ);
      const none = yield* mapAnon(user, 1, PROT_NONE);
      const file = yield* mapFile(user, yield* open(user, '/file', O_RDWR), 2 * PAGE, RW, MAP_SHARED);
      expect(yield* user.load32(0x5004)).toBe(0);
      yield* user.store8(readOnly + 7, 1);
      yield* user.load8(none + 1);
      yield* user.execute(readOnly + 12);
      yield* user.load8(file + PAGE + 9);
      expect(seen).toEqual([
        { signal: SIGSEGV, code: SEGV_MAPERR, address: 0x5004 },
        { signal: SIGSEGV, code: SEGV_ACCERR, address: readOnly + 7 },
        { signal: SIGSEGV, code: SEGV_ACCERR, address: none + 1 },
        { signal: SIGSEGV, code: SEGV_ACCERR, address: readOnly + 12 },
        { signal: SIGBUS, code: BUS_ADRERR, address: file + PAGE + 9 },
      ]);
    });
  });

  it('is SIGBUS when the file cannot be read, and when there is no room for the page', () => {
    run(function* (user, system) {
      const bad = new UnreliableFile('bad', new Uint8Array(PAGE).fill(1));
      bad.reads.push(EIO);
      system.sys.vfs.add('/bad', bad);
      system.sys.vfs.add('/full', new RamFile('full', { size: PAGE }, { capacity: 0 }));
      const seen = noteFaults(user);
      const unreadable = yield* mapFile(user, yield* open(user, '/bad', O_RDWR), PAGE, RW, MAP_SHARED);
      const full = yield* mapFile(user, yield* open(user, '/full', O_RDWR), PAGE, RW, MAP_SHARED);
      yield* user.load8(unreadable);
      expect(yield* user.load8(full)).toBe(0);
      yield* user.store8(full, 1);
      expect(seen).toEqual([
        { signal: SIGBUS, code: BUS_OBJERR, address: unreadable },
        { signal: SIGBUS, code: BUS_OBJERR, address: full },
      ]);
      expect(yield* user.load8(unreadable), 'the next time it can').toBe(1);
    });
  });

  it('is tried again when the handler says so: it has mapped what was missing', () => {
    run(function* (user) {
      let faults = 0;
      user.sigaction(SIGSEGV, function* (info) {
        faults++;
        expect(
          yield* user.mmap(info.address - (info.address % PAGE), PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED),
        ).toBeGreaterThan(0);
        return 'retry';
      });
      yield* user.store32(0x500010, 42);
      expect([faults, yield* user.load32(0x500010)]).toEqual([1, 42]);
    });
  });

  it('ends the process without a handler, and with one that ignores it', () => {
    run(function* (user) {
      for (const handler of [null, 'ignore'] as const) {
        const ended = yield* endOfChild(user, function* (child) {
          child.sigaction(SIGSEGV, handler);
          yield* child.load8(0x5000);
          throw new Error('a program without its byte went on');
        });
        expect(ended).toEqual({ kind: 'signaled', signal: SIGSEGV });
      }
    });
  });

  it('in the kernel, which copies for a program, is an errno and no signal', () => {
    run(function* (user) {
      const seen = noteFaults(user);
      const pipe = yield* user.pipe();
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      expect(yield* user.write(pipe.write, 0x5000, 4)).toBe(-EFAULT);
      expect(seen).toEqual([]);
    });
  });

  it('is in the log', () => {
    const { system, process } = bootProcess();
    system.kern.log.on = true;
    system.perform(process, (user) => user.load8(0x5000));
    const signals = system.kern.log
      .events()
      .map(({ event }) => event)
      .filter(({ kind }) => kind === 'signal');
    expect(signals).toEqual([{ kind: 'signal', pid: process.pid, signal: SIGSEGV, code: SEGV_MAPERR, address: 0x5000 }]);
    expectNoLeak(system);
  });
});

describe('out of memory', () => {
  /** A system where 20 pages are free for processes. */
  function scarce(): ReturnType<typeof boot> {
    return boot({ ram: 25 * PAGE });
  }

  it('kills the process that asks for the page, says so on the console, and leaves the others alone', () => {
    const system = scarce();
    const modest = system.spawn('modest');
    const greedy = system.spawn('greedy');
    const at = act(system, modest, (user) => mapAnon(user, 4));
    act(system, modest, (user) => user.store8(at, 7));
    let touched = 0;
    system.perform(greedy, function* (user) {
      const all = yield* mapAnon(user, 30);
      user.sigaction(SIGKILL, function* () {
        yield* user.munmap(0x100000, PAGE);
        return 'retry';
      });
      for (; touched < 30; touched++) yield* user.store8(all + touched * PAGE, 1);
    });
    expect([touched, greedy.ending]).toEqual([19, { kind: 'signaled', signal: SIGKILL }]);
    expect(system.kern.console).toEqual([`UVM: pid ${greedy.pid} (greedy), uid 1000 killed: out of swap`]);
    expect(act(system, modest, (user) => user.load8(at))).toBe(7);
    act(system, modest, (user) => user.store8(at + PAGE, 8));
    expectNoLeak(system);
  });

  it('in a system call is EFAULT, and nobody is killed', () => {
    const system = scarce();
    const process = system.spawn('p');
    act(system, process, function* (user) {
      const pipe = yield* user.pipe();
      if (typeof pipe === 'number') throw new Error('there is no pipe to be had');
      const at = yield* mapAnon(user, 40);
      for (let page = 0; page < 20; page++) yield* user.store8(at + page * PAGE, 1);
      yield* user.write(pipe.write, at, 10);
      expect(yield* user.read(pipe.read, at + 30 * PAGE, 10)).toBe(-EFAULT);
    });
    expect(system.kern.console).toEqual([]);
    expectNoLeak(system);
  });

  it('that passes is nobody’s end: the access is tried until it works', () => {
    const strategy = new FailAt();
    const { system, process } = bootProcess({ strategy });
    const at = act(system, process, (user) => mapAnon(user, 1));
    strategy.left.set('page.alloc', 5);
    act(system, process, (user) => user.store8(at, 3));
    expect([strategy.left.get('page.alloc'), system.uvm.uvmexp.fltnoram]).toEqual([0, 5]);
    expectNoLeak(system);
  });

  it('of a child gives the parent its pages back', () => {
    const system = scarce();
    const process = system.spawn('p');
    act(system, process, function* (user): Step<void> {
      const at = yield* mapAnon(user, 12);
      for (let page = 0; page < 12; page++) yield* user.store8(at + page * PAGE, 1);
      // A copy of each page that the child stores to: 12 and 12 are too many.
      const ended = yield* endOfChild(user, function* (child) {
        for (let page = 0; page < 12; page++) yield* child.store8(at + page * PAGE, 2);
      });
      expect(ended).toEqual({ kind: 'signaled', signal: SIGKILL });
      for (let page = 0; page < 12; page++) expect(yield* user.load8(at + page * PAGE)).toBe(1);
    });
    expectSound(system);
    expectNoLeak(system);
  });
});

describe('a processor', () => {
  it('is in the space of the thread again after others have run on it during a fault', () => {
    const { system, process } = bootProcess();
    makeFile(system, '/file', 2 * PAGE);
    const at = act(system, process, function* (user) {
      const map = yield* mapFile(user, yield* open(user, '/file', O_RDWR), 2 * PAGE, RW, MAP_SHARED);
      yield* user.fork(function* (child) {
        yield* child.munmap(map, PAGE);
        const own = yield* child.mmap(map, PAGE, RW, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        yield* child.store8(own, 99);
      });
      expect(yield* user.load8(map), 'read while the child runs').toBe(1);
      expect(yield* user.load8(map)).toBe(1);
      return map;
    });
    expect(childOf(system, 2).zombie).toBe(true);
    expect(act(system, process, (user) => user.load8(at))).toBe(1);
    expectNoLeak(system);
  });
});
