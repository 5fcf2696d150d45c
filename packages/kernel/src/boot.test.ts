import { describe, expect, it } from 'vitest';
import { act, boot, bootProcess, childOf, expectNoLeak, expectSound } from '../test/harness.js';
import { thrownBy } from '../test/threads.js';
import { type BootOptions, bootNetbsd, definePatch, type NetbsdSystem } from './boot.js';
import { ROOT, USER } from './kern/credentials.js';
import { EFAULT } from './kern/errno.js';
import { Deadlock } from './kern/scheduler.js';
import { StateHash } from './kern/state.js';
import { RandomPreemption } from './kern/strategy.js';
import { BUILD } from './kern/switch.js';
import { asVa } from './machine/address.js';
import { RamFile } from './machine/file-store.js';
import type { ExecImage } from './sys/exec-image.js';
import { O_RDWR } from './sys/file.js';
import type { User } from './sys/user.js';
import { MAP_ANON, MAP_PRIVATE, MAP_SHARED } from './vm/mman.js';

const PAGE = 4096;
const RAM = 256 * PAGE;
const RW = 3;

describe('boot options that make no sense are refused by a sentence that says what would', () => {
  const refused: [what: string, options: Partial<BootOptions>, sentence: RegExp][] = [
    ['RAM of no page', { ram: 0 }, /RAM is a multiple of 4096 bytes from 4096 to 4 GiB, not 0 bytes/],
    ['RAM of half a page', { ram: 2048 }, /not 2048 bytes/],
    ['more RAM than there can be', { ram: 2 ** 33 }, /not 8589934592 bytes/],
    ['RAM that is no number', { ram: Number.NaN }, /not NaN bytes/],
    ['no processor', { cpus: 0 }, /a whole number of processors from 1 up, not 0/],
    ['half a processor', { cpus: 1.5 }, /not 1.5/],
    ['a log of no event', { eventCapacity: 0 }, /a whole number of events from 1 up, not 0/],
    ['blocks smaller than a page', { blockSize: 512 }, /a block of the file system is a multiple of 4096 bytes, not 512/],
    ['blocks of no page', { blockSize: 0 }, /not 0/],
    ['counters of 8 bits', { counterWidth: 8 as 16 }, /the counters of a page have 16 or 32 bits, not 8/],
    [
      'a user space that ends before it begins',
      { userSpace: { min: PAGE, max: PAGE } },
      /the first below the last, not 4096 to 4096/,
    ],
    ['a user space of half a page', { userSpace: { min: 0, max: 6144 } }, /a user space is whole pages/],
    ['a user space below zero', { userSpace: { min: -PAGE, max: PAGE } }, /not -4096 to 4096/],
    ['a user space beyond what can be addressed', { userSpace: { min: 0, max: 2 ** 48 } }, /between 0 and 0x800000000000/],
  ];
  for (const [what, options, sentence] of refused) {
    it(what, () => {
      expect(thrownBy(RangeError, () => bootNetbsd({ ram: RAM, ...options })).message).toMatch(sentence);
    });
  }

  it('but not those that are only unusual', () => {
    for (const options of [{ ram: PAGE }, { cpus: 8 }, { blockSize: 16 * PAGE }, { userSpace: { min: 0, max: PAGE } }]) {
      expect(bootNetbsd({ ram: RAM, ...options }).audit()).toEqual([]);
    }
  });
});

describe('a patch', () => {
  const munmapFails = definePatch({
    id: 'test-munmap',
    summary: 'munmap answers EFAULT',
    replace: {
      sys: {
        sysMunmap: (original) =>
          function* (address, length) {
            yield* original.call(this, address, length);
            return -EFAULT;
          },
      },
    },
  });

  it('changes the system that it is booted with, and no other', () => {
    const patched = boot({ patches: [munmapFails] });
    const plain = boot();
    const answers = [patched, plain].map((system) => act(system, system.spawn('p'), (user) => user.munmap(PAGE, PAGE)));
    expect(answers).toEqual([-EFAULT, 0]);
  });

  it('that names a function there is not is refused with the name', () => {
    const patch = { id: 'wrong', summary: '', replace: { uvm: { uvmNothing: () => null } } } as unknown as typeof munmapFails;
    expect(() => boot({ patches: [patch] })).toThrow(
      'patch "wrong" replaces uvm_nothing(), but this kernel has no function "uvmNothing"',
    );
  });
});

/** A bit of everything, with children and threads; answers what the program saw. */
function work(system: NetbsdSystem): number[] {
  const seen: number[] = [];
  system.sys.vfs.add('/data', new RamFile('data', new Uint8Array(3 * PAGE).fill(7)));
  const program = function* (user: User) {
    const fd = yield* user.open('/data', O_RDWR);
    const file = yield* user.mmap(0, 3 * PAGE, RW, MAP_SHARED, fd, 0);
    const own = yield* user.mmap(0, 4 * PAGE, RW, MAP_ANON | MAP_PRIVATE);
    yield* user.lwpCreate(function* (thread) {
      yield* thread.store32(own, 1);
      seen.push(yield* thread.mlock(own, PAGE));
    });
    yield* user.store32(file + PAGE, 2);
    const child = yield* user.fork(function* (other) {
      yield* other.store32(own + PAGE, 3);
      yield* other.exit(yield* other.load8(file));
    });
    const ended = yield* user.wait(child);
    seen.push(typeof ended === 'number' ? ended : ended.pid, file, own);
    seen.push(yield* user.fsync(fd), yield* user.munmap(own, PAGE));
  };
  system.spawn('worker', { program });
  // Where nothing can be set aside, two threads that read the same page of a file would be a deadlock.
  if (BUILD === 'direct') system.run();
  system.spawn('worker', { program });
  system.run();
  return seen;
}

/** Everything that can be told of a run. */
function told(system: NetbsdSystem): unknown {
  const hash = new StateHash();
  system.writeState(hash);
  const { log, console, scheduler } = system.kern;
  return { events: log.events(), console, state: hash.digest, steps: scheduler.steps, tick: scheduler.tick };
}

function runOf(seed: number): { seen: number[]; told: unknown } {
  const system = boot({ strategy: new RandomPreemption(seed, { faultsIn: 50 }), cpus: 2 });
  system.kern.log.on = true;
  const seen = work(system);
  return { seen, told: told(system) };
}

describe('a run', () => {
  it('is the same to the last event for the same program and seed', () => {
    for (const seed of [1, 2, 3]) expect(runOf(seed)).toEqual(runOf(seed));
  });

  it('is another for another seed', () => {
    expect(JSON.stringify(runOf(1).told)).not.toBe(JSON.stringify(runOf(2).told));
  });

  it('is the same whatever other systems do meanwhile', () => {
    const alone = boot();
    alone.kern.log.on = true;
    const seen = work(alone);

    const system = boot();
    const neighbour = boot({ ram: 64 * PAGE, cpus: 2 });
    system.kern.log.on = true;
    neighbour.kern.log.on = true;
    const process = neighbour.spawn('neighbour');
    act(neighbour, process, (user) => user.mmap(0, PAGE, RW, MAP_ANON | MAP_PRIVATE));
    const pid = act(neighbour, process, (user) => user.fork());
    expect(work(system)).toEqual(seen);
    expect(told(system)).toEqual(told(alone));
    act(neighbour, childOf(neighbour, pid), (user) => user.munmap(0x100000, PAGE));
    expectNoLeak(neighbour);
  });

  it('of one system inside a system call of another disturbs neither', () => {
    const inner = boot();
    const outer = boot();
    const process = outer.spawn('outer');
    const value = act(outer, process, function* (user) {
      const at = yield* user.mmap(0, PAGE, RW, MAP_ANON | MAP_PRIVATE);
      yield* user.store32(at, 1);
      const before = outer.kern.scheduler.current;
      act(inner, inner.spawn('inner'), (other) => other.mmap(0, PAGE, RW, MAP_ANON | MAP_PRIVATE));
      expect(outer.kern.scheduler.current).toBe(before);
      return yield* user.load32(at);
    });
    expect(value).toBe(1);
    expectSound(inner);
    expectSound(outer);
  });
});

describe('a process', () => {
  it('is an ordinary user’s, unless it is told otherwise', () => {
    const system = boot();
    expect(system.spawn('p').credentials).toEqual(USER);
    expect(system.spawn('p', { credentials: ROOT }).credentials).toEqual(ROOT);
  });

  it('with a program runs when the system does, and is gone when the program returns', () => {
    const system = boot();
    let ran = false;
    const process = system.spawn('p', {
      *program(user) {
        yield* user.munmap(PAGE, PAGE);
        ran = true;
      },
    });
    expect(ran).toBe(false);
    system.run();
    expect([ran, system.sys.processes.has(process.pid)]).toEqual([true, false]);
    expect(() => system.perform(process, (user) => user.munmap(PAGE, PAGE))).toThrow(`process ${process.pid} has ended`);
    expectNoLeak(system);
  });

  it('cannot be made of an image whose parts are not there: the host is told', () => {
    const at = asVa(0x400000);
    const refused: [image: Omit<ExecImage, 'name'>, errno: string][] = [
      [{ text: { at, size: PAGE, file: { path: '/bin/none', offset: 0 } } }, 'ENOENT'],
      [{ text: { at: asVa(0x400001), size: PAGE } }, 'EINVAL'],
      [{ data: { at, size: 0 } }, 'EINVAL'],
      [{ data: { at, size: 2 ** 60 } }, 'ENOMEM'],
      [{ text: { at: asVa(0), size: PAGE } }, 'ENOMEM'],
      [{ data: { at, size: PAGE }, bss: 2 ** 50 }, 'ENOMEM'],
    ];
    for (const [parts, errno] of refused) {
      const system = boot();
      expect(() => system.spawn('p', { image: { name: '/bin/p', ...parts } })).toThrow(
        `the image /bin/p cannot be run: ${errno}`,
      );
    }
    const small = boot({ userSpace: { min: PAGE, max: 1024 * PAGE } });
    expect(() => small.spawn('p', { image: { name: '/bin/p' } }), 'no room for a stack').toThrow('ENOMEM');
  });

  it('that cannot go on says so, and goes on when it can', () => {
    const { system, process } = bootProcess();
    const [lwp] = process.lwps;
    if (lwp === undefined) throw new Error('there is no thread');
    const child = act(system, process, (user) => user.fork());
    const wait = (): boolean =>
      system.performUntilBlocked(lwp, function* (user) {
        yield* user.wait(child);
      });
    if (BUILD === 'direct') {
      // What waits there cannot be left alone: it lies on the stack.
      expect(thrownBy(Deadlock, wait).message).toContain('sleeps on "wait"');
      return;
    }
    expect(wait()).toBe(false);
    system.perform(childOf(system, child), (user) => user.exit(0));
    expect(lwp.idle).toBe(true);
    expectNoLeak(system);
  });
});
