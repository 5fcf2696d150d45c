/**
 * B6: a virtual memory system in small, with the locks and the sleeps of a real one. Threads fault on the pages of one object; a page
 * daemon takes pages away again, and comes to the locks in the other order, so that it can only try.
 *
 *     fault    object ─> free queue            (allocate)        daemon    page queues ─> object, tried ─> free queue
 *              object ─> page queues           (activate)
 *
 * A page is busy while it is read in, without a lock; who meets it then sleeps until it is not.
 */
import { type Kern, Mutex, type Stateful, type StateWriter, type Step, sleepOn, WaitChannel, wakeup } from '@faultline/kernel';
import type { Model } from '../model.js';
import { complain, programModel, times } from './program.js';

/** How large it is. */
export interface MiniVmOptions {
  /** Threads that fault. */
  readonly threads: number;
  /** Faults of each: the k-th fault of thread i is on page i + k, counted round. */
  readonly faults: number;
  /** Pages of the object, and of memory: there is always one to be had. Default 2. */
  readonly pages?: number;
  /** Whether the page daemon looks at every active page once. Default true. */
  readonly daemon?: boolean;
}

/** A page of memory. */
class Page implements Stateful {
  readonly channel: WaitChannel;
  busy = false;
  wanted = false;

  constructor(number: number) {
    this.channel = new WaitChannel(`page ${number}`);
  }

  writeState(writer: StateWriter): void {
    writer.field('flags', (this.busy ? 1 : 0) + (this.wanted ? 2 : 0));
    writer.thing('channel', this.channel);
  }
}

/** What the threads share. */
class MiniVm {
  readonly kern: Kern;
  readonly objectLock: Mutex;
  readonly queuesLock: Mutex;
  readonly freeLock: Mutex;
  /** Pages of the object, by offset. Under the object lock. */
  readonly resident: (Page | null)[];
  /** Offsets of active pages, the oldest first, and of some that are gone. Under the page-queue lock. */
  readonly active: number[] = [];
  /** Under the free-queue lock. */
  readonly free: Page[];

  constructor(kern: Kern, pages: number) {
    this.kern = kern;
    this.objectLock = new Mutex(kern, kern.lockClass('object'));
    this.queuesLock = new Mutex(kern, kern.lockClass('page queues'));
    this.freeLock = new Mutex(kern, kern.lockClass('free queue'));
    this.resident = times(pages, () => null);
    this.free = times(pages, (i) => new Page(i));
  }

  writeState(writer: StateWriter): void {
    writer.thing('object lock', this.objectLock);
    writer.thing('queues lock', this.queuesLock);
    writer.thing('free lock', this.freeLock);
    // Which page is at an offset makes no difference, nor which are free.
    for (const page of this.resident) {
      if (page === null) writer.field('absent', 0);
      else writer.thing('page', page);
    }
    for (const offset of this.active) writer.field('active', offset);
  }
}

/** The model. */
export function miniVm({ threads, faults, pages = 2, daemon = true }: MiniVmOptions): Model {
  return programModel(`mini-VM, ${threads} × ${faults}${daemon ? ' + daemon' : ''}, ${pages} pages`, (kern) => {
    const vm = new MiniVm(kern, pages);
    return {
      bodies: [...times(threads, (i) => () => faultAll(vm, i, faults)), ...(daemon ? [() => scan(vm)] : [])],
      writeState: (writer) => vm.writeState(writer),
      atEnd() {
        const resident = vm.resident.filter((page) => page !== null);
        if (resident.length + vm.free.length !== pages) return complain('a page is lost');
        if (resident.some(({ busy, wanted }) => busy || wanted)) return complain('a page is busy or wanted for ever');
        const lost = vm.resident.some((page, offset) => page !== null && !vm.active.includes(offset));
        return lost ? complain('a page is on no queue') : [];
      },
    };
  });
}

function* faultAll(vm: MiniVm, who: number, faults: number): Step<void> {
  for (let k = 0; k < faults; k++) yield* fault(vm, (who + k) % vm.resident.length, k);
  vm.kern.announce('over');
}

function* fault(vm: MiniVm, offset: number, k: number): Step<void> {
  const { kern, objectLock, freeLock, resident, free } = vm;
  const { scheduler } = kern;
  for (;;) {
    kern.announce('fault', k);
    yield* objectLock.enter();
    const there = resident[offset] ?? null;
    if (there === null) break;
    if (!there.busy) {
      yield* activate(vm, offset, k);
      return;
    }
    there.wanted = true;
    kern.announce('busy', k);
    yield* sleepOn(scheduler, there.channel, { message: 'busy', interlock: objectLock });
  }
  kern.announce('allocate', k);
  yield* freeLock.enter();
  const page = free.pop() as Page;
  page.busy = true;
  resident[offset] = page;
  kern.announce('allocated', k);
  yield* freeLock.exit();
  kern.announce('read in', k);
  yield* objectLock.exit();
  // The page is read in here, while anything may happen.
  kern.announce('is read in', k);
  yield* objectLock.enter();
  page.busy = false;
  if (page.wanted) {
    page.wanted = false;
    kern.announce('wake up', k);
    yield* wakeup(scheduler, page.channel);
  }
  yield* activate(vm, offset, k);
}

/** Makes the page at an offset, which may be gone before that, the youngest on the active queue. => the object lock is held on entry. */
function* activate(vm: MiniVm, offset: number, k: number): Step<void> {
  const { kern, objectLock, queuesLock, active } = vm;
  kern.announce('done', k);
  yield* objectLock.exit();
  kern.announce('activate', k);
  yield* queuesLock.enter();
  forget(active, offset);
  active.push(offset);
  kern.announce('activated', k);
  yield* queuesLock.exit();
}

/** Takes an offset off a queue, if it is there. */
function forget(queue: number[], offset: number): void {
  const at = queue.indexOf(offset);
  if (at >= 0) queue.splice(at, 1);
}

/** The page daemon looks at each active page once, and frees those that it can have. */
function* scan(vm: MiniVm): Step<void> {
  const { kern, objectLock, queuesLock, freeLock, resident, active, free } = vm;
  kern.announce('scan');
  yield* queuesLock.enter();
  const left = [...active];
  for (let offset = left.shift(); offset !== undefined; offset = left.shift()) {
    // All that the daemon remembers, as one number.
    const rest = left.reduce((code, each) => code * (resident.length + 1) + each + 1, 0);
    kern.announce('try', offset, rest);
    if (!(yield* objectLock.tryEnter())) continue;
    const page = resident[offset] ?? null;
    if (page !== null && !page.busy) {
      forget(active, offset);
      resident[offset] = null;
      kern.announce('free', offset, rest);
      yield* freeLock.enter();
      free.push(page);
      kern.announce('freed', offset, rest);
      yield* freeLock.exit();
    }
    kern.announce('next', offset, rest);
    yield* objectLock.exit();
  }
  kern.announce('scanned');
  yield* queuesLock.exit();
  kern.announce('over');
}
