/** Cases of a machine that has less memory than its programs use. */
import { describe, expect, it } from 'vitest';
import {
  type BootOptions,
  type Lwp,
  MADV_DONTNEED,
  MAP_ANON,
  MAP_SHARED,
  MS_SYNC,
  type NetbsdSystem,
  O_RDWR,
  type PolicyName,
  type Process,
  RamFile,
  SIGKILL,
  type Step,
  User,
} from '../../src/index.js';
import { asOffset, type Pfn } from '../../src/machine/address.js';
import type { UvmEvent } from '../../src/uvm/events.js';
import { act, bootProcess, expectNoLeak, expectSound } from '../harness.js';
import { DONE, endOfChild, mapAnon, mapFile, open, PAGE, RW, residentPages } from './support.js';

const POLICIES: readonly PolicyName[] = ['clock', 'clockpro'];

/** Machines of so many pages of RAM and of swap. */
function machine(
  ramPages: number,
  swapPages: number,
  options: Partial<BootOptions> = {},
): { system: NetbsdSystem; process: Process } {
  const swap = swapPages === 0 ? [] : [{ name: 'wd0', pages: swapPages }];
  return bootProcess({ ram: ramPages * PAGE, swap, ...options });
}

/** Stores a number of its own to each page. */
function* number(user: User, address: number, pages: number, salt = 0): Step<void> {
  for (let page = 0; page < pages; page++) yield* user.store32(address + page * PAGE, salt + page);
}

/** Which of the pages do not hold their number. */
function* wrongPages(user: User, address: number, pages: number, salt = 0): Step<number[]> {
  const wrong: number[] = [];
  for (let page = 0; page < pages; page++) {
    if ((yield* user.load32(address + page * PAGE)) !== salt + page) wrong.push(page);
  }
  return wrong;
}

/** The events of one kind that a job logs. */
function events<Kind extends UvmEvent['kind']>(
  system: NetbsdSystem,
  kind: Kind,
  job: () => void,
): Extract<UvmEvent, { kind: Kind }>[] {
  const { log } = system.kern;
  const since = log.emitted;
  log.on = true;
  job();
  log.on = false;
  return log
    .events(since)
    .map(({ event }) => event as UvmEvent)
    .filter((event): event is Extract<UvmEvent, { kind: Kind }> => event.kind === kind);
}

/** All memory is taken for a while, so that somebody who waits for some has the page daemon send out what is of least use. */
function shortage(system: NetbsdSystem): void {
  const { kern, uvm } = system;
  kern.scheduler.spawn(function* () {
    const taken: Pfn[] = [];
    while (uvm.uvmexp.free > uvm.uvmexp.reserve_kernel) taken.push(yield* uvm.uvmPagealloc(null, asOffset(0), null, 0));
    yield* uvm.uvmWait('test');
    yield* uvm.pageqLock.enter();
    for (const page of taken) yield* uvm.uvmPagefree(page);
    yield* uvm.pageqLock.exit();
  });
  system.run();
}

describe.each(POLICIES)('a program that uses four times as much memory as there is, with the policy %s', (pagePolicy) => {
  for (const ramPages of [24, 32, 64, 256]) {
    it(`finds all its bytes on ${ramPages} pages when there is swap`, () => {
      const pages = 4 * ramPages;
      const { system, process } = machine(ramPages, pages, { pagePolicy });
      const wrong = act(system, process, function* (user) {
        const memory = yield* mapAnon(user, pages);
        yield* number(user, memory, pages);
        const once = yield* wrongPages(user, memory, pages);
        yield* number(user, memory, pages, 7);
        return [once, yield* wrongPages(user, memory, pages, 7)];
      });
      expect(wrong).toEqual([[], []]);
      const { pgswapout, pgswapin, pdfreed } = system.uvm.uvmexp;
      expect([pgswapout >= pages - ramPages, pgswapin >= pages - ramPages, pdfreed >= pages]).toEqual([true, true, true]);
      expectNoLeak(system);
    });
  }

  it('is killed when there is no swap, with a line on the console; the machine goes on', () => {
    const { system, process } = machine(64, 0, { pagePolicy });
    system.perform(process, function* (user) {
      const memory = yield* mapAnon(user, 256);
      yield* number(user, memory, 256);
    });
    expect(process.ending).toEqual({ kind: 'signaled', signal: SIGKILL });
    expect(system.kern.console).toEqual([expect.stringMatching(/^UVM: pid \d+ \(test\), uid \d+ killed: out of swap$/)]);
    const next = system.spawn('next');
    act(system, next, function* (user) {
      yield* number(user, yield* mapAnon(user, 32), 32);
    });
    expectNoLeak(system);
  });

  it('is killed when swap is full', () => {
    const { system, process } = machine(64, 64, { pagePolicy });
    system.perform(process, function* (user) {
      const memory = yield* mapAnon(user, 256);
      yield* number(user, memory, 256);
    });
    expect(process.ending).toEqual({ kind: 'signaled', signal: SIGKILL });
    expectNoLeak(system);
    expect(system.uvm.uvmexp).toMatchObject({ swpginuse: 0, swpgonly: 0 });
  });
});

describe.each(POLICIES)('with the policy %s', (pagePolicy) => {
  it('several programs that each use all of memory find all their bytes', () => {
    const { system, process } = machine(64, 512, { pagePolicy });
    const others = [system.spawn('other'), system.spawn('third')];
    const wrong: number[][] = [];
    for (const [salt, each] of [process, ...others].entries()) {
      const [thread] = each.lwps;
      system.sys.performOn(thread as Lwp, function* () {
        const user = new User(system.sys, thread as Lwp);
        const memory = yield* mapAnon(user, 64);
        yield* number(user, memory, 64, salt * 1000);
        wrong.push(yield* wrongPages(user, memory, 64, salt * 1000));
      });
    }
    system.run();
    expect(wrong).toEqual([[], [], []]);
    expectNoLeak(system);
  });

  it('a file of four times as much as there is memory is read, and written through a mapping, without swap', () => {
    const { system, process } = machine(64, 0, { pagePolicy });
    const rests = new RamFile('big', new Uint8Array(256 * PAGE));
    system.sys.vfs.add('big', rests);
    const wrong = act(system, process, function* (user) {
      const fd = yield* open(user, 'big', O_RDWR);
      const file = yield* mapFile(user, fd, 256 * PAGE, RW, MAP_SHARED);
      yield* number(user, file, 256, 3);
      const missing = yield* wrongPages(user, file, 256, 3);
      expect(yield* user.msync(file, 256 * PAGE, MS_SYNC)).toBe(0);
      return missing;
    });
    expect(wrong).toEqual([]);
    const bytes = new Uint8Array(4);
    for (const page of [0, 100, 255]) {
      rests.read(page * PAGE, bytes);
      expect(new DataView(bytes.buffer).getUint32(0, true)).toBe(page + 3);
    }
    const { pdfreed, pdobscan, pdanscan } = system.uvm.uvmexp;
    expect([pdfreed > 192, pdobscan > 192, pdanscan]).toEqual([true, true, 0]);
    expectSound(system);
  });

  it('shared memory and private copies of it survive being paged out', () => {
    const { system, process } = machine(48, 256, { pagePolicy });
    act(system, process, function* (user) {
      const shared = yield* mapAnon(user, 40, RW, MAP_ANON | MAP_SHARED);
      const own = yield* mapAnon(user, 40);
      yield* number(user, shared, 40, 1);
      yield* number(user, own, 40, 2);
      const end = yield* endOfChild(user, function* (child) {
        yield* number(child, shared, 40, 5);
        yield* number(child, own, 40, 6);
        expect(yield* wrongPages(child, own, 40, 6)).toEqual([]);
      });
      expect(end).toEqual(DONE);
      expect(yield* wrongPages(user, shared, 40, 5)).toEqual([]);
      expect(yield* wrongPages(user, own, 40, 2)).toEqual([]);
    });
    expectNoLeak(system);
  });

  it('wired memory stays where it is, whatever else has to go', () => {
    const { system, process } = machine(64, 256, { pagePolicy });
    act(system, process, function* (user) {
      const wired = yield* mapAnon(user, 8);
      yield* number(user, wired, 8, 4);
      expect(yield* user.mlock(wired, 8 * PAGE)).toBe(0);
      const other = yield* mapAnon(user, 192);
      yield* number(user, other, 192);
      expect(yield* residentPages(user, wired, 8)).toBe(8);
      expect(yield* wrongPages(user, other, 192)).toEqual([]);
      expect(yield* user.munlock(wired, 8 * PAGE)).toBe(0);
      yield* number(user, other, 192, 9);
      expect(yield* residentPages(user, wired, 8)).toBeLessThan(8);
      expect(yield* wrongPages(user, wired, 8, 4)).toEqual([]);
    });
    expectNoLeak(system);
  });
});

describe('clustered pageout: dirty anonymous pages at offsets 3, 5 and 7 forced out', () => {
  it('1 write of 3 pages', () => {
    const { system, process } = machine(64, 64);
    const { uvm } = system;
    const memory = act(system, process, function* (user) {
      const memory = yield* mapAnon(user, 8);
      for (const page of [3, 5, 7]) yield* user.store32(memory + page * PAGE, page);
      expect(yield* user.madvise(memory, 8 * PAGE, MADV_DONTNEED)).toBe(0);
      return memory;
    });
    const pageouts = events(system, 'swap-out', () => shortage(system));
    expect(pageouts.map(({ pages, errno }) => ({ pages, errno }))).toEqual([{ pages: 3, errno: 0 }]);
    expect(uvm.uvmexp).toMatchObject({ pdpageouts: 1, pdpending: 3, pgswapout: 3, paging: 0, anonpages: 0, swpgonly: 3 });
    expectSound(system);
    act(system, process, function* (user) {
      for (const page of [3, 5, 7]) expect(yield* user.load32(memory + page * PAGE)).toBe(page);
    });
    expectNoLeak(system);
  });
});
