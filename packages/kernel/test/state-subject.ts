/** What tests of told state start with: a system with a bit of everything, to be changed in one place. */
import { expect } from 'vitest';
import {
  MAP_ANON,
  MAP_INHERIT_SHARE,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdSystem,
  O_RDWR,
  StateHash,
  StateText,
  type Step,
} from '../src/index.js';
import type { Lwp } from '../src/kern/lwp.js';
import { PAGE_SIZE } from '../src/machine/address.js';
import { RamFile } from '../src/machine/file-store.js';
import type { OpenFile } from '../src/sys/file.js';
import type { Process } from '../src/sys/process.js';
import type { Amap } from '../src/uvm/anon/amap.js';
import type { Anon } from '../src/uvm/anon/anon.js';
import type { MapEntry } from '../src/uvm/map/map-entry.js';
import type { VmMap, Vmspace } from '../src/uvm/map/vm-map.js';
import type { SwapDevice } from '../src/uvm/swap/swap-device.js';
import type { UbcWindow } from '../src/uvm/vnode/ubc-window.js';
import type { UvmVnode } from '../src/uvm/vnode/vnode.js';
import { act, bootProcess } from './harness.js';
import { nothing } from './threads.js';

const PAGE = PAGE_SIZE;
const RW = 3;

/** The state of a system as lines. */
export function linesOf(system: NetbsdSystem): string[] {
  const text = new StateText();
  system.writeState(text);
  return text.lines;
}

/** The state of a system as a hash. */
export function digestOf(system: NetbsdSystem): string {
  const hash = new StateHash();
  system.writeState(hash);
  return hash.digest;
}

/** A process with a bit of everything, and a thread of it that is about to start. All of it quiet. */
export class Subject {
  readonly system: NetbsdSystem;
  readonly process: Process;
  /** A thread with a job, parked in front of its first step. */
  readonly parked: Lwp;
  readonly pipe: number;

  constructor() {
    const { system, process } = bootProcess({
      swap: [
        { name: 'wd0', pages: 4 },
        { name: 'wd1', pages: 4, priority: 1 },
      ],
    });
    this.system = system;
    this.process = process;
    system.sys.vfs.add('/data', new RamFile('data', new Uint8Array(2 * PAGE).fill(7)));
    this.pipe = act(system, process, function* (user) {
      const own = yield* user.mmap(0, 4 * PAGE, RW, MAP_ANON | MAP_PRIVATE);
      for (const page of [2, 0, 1]) yield* user.store8(own + page * PAGE, page);
      yield* user.minherit(own, PAGE, MAP_INHERIT_SHARE);
      yield* user.fork();
      const fd = yield* user.open('/data', O_RDWR);
      const file = yield* user.mmap(0, 2 * PAGE, RW, MAP_SHARED, fd);
      yield* user.load8(file);
      yield* user.pread(fd, own, 1, 0);
      yield* user.madvise(file, PAGE, 1);
      const ends = yield* user.pipe();
      if (typeof ends === 'number') throw new Error(`there is no pipe: ${ends}`);
      yield* user.write(ends.write, own, 3);
      return ends.write;
    });
    system.uvm.uvmSwapAlloc(2, { lessOk: false });
    this.parked = system.sys.addLwp(process);
    system.kern.scheduler.start(this.parked, nothing);
  }

  get lines(): string[] {
    return linesOf(this.system);
  }

  get digest(): string {
    return digestOf(this.system);
  }

  get space(): Vmspace {
    return this.process.space as Vmspace;
  }

  get map(): VmMap {
    return this.space.map;
  }

  /** The entry of anonymous memory whose slots are in use. */
  get entry(): MapEntry {
    return this.map.entries().find(({ amap }) => (amap?.used.length ?? 0) > 1) as MapEntry;
  }

  get amap(): Amap {
    return this.entry.amap as Amap;
  }

  get anon(): Anon {
    return this.amap.at(this.amap.used[0] as number) as Anon;
  }

  /** What is swapped to first; its first two slots are in use. */
  get swapDevice(): SwapDevice {
    return this.system.uvm.swap.devices[0] as SwapDevice;
  }

  /** The kernel's window onto the file. */
  get window(): UbcWindow {
    return this.system.uvm.ubc.windows[0] as UbcWindow;
  }

  get vnode(): UvmVnode {
    return this.system.sys.vfs.lookup('/data') as UvmVnode;
  }

  get file(): OpenFile {
    return [...this.system.sys.openFiles][0] as OpenFile;
  }

  /** The thread that did all this, idle now. */
  get lwp(): Lwp {
    return this.process.lwps[0] as Lwp;
  }

  /** Has the idle thread do something, without the others. */
  run(job: () => Step<unknown>): void {
    this.system.kern.scheduler.start(this.lwp, function* () {
      yield* job();
    });
    this.system.kern.scheduler.runUntilIdle(this.lwp);
  }
}

/** Something that changes one thing. */
export type Change = readonly [what: string, change: (subject: Subject) => void];

/** Expects that a change shows, in the text and in the hash. */
export function expectTold([, change]: Change): void {
  const [before, after] = [new Subject(), new Subject()];
  expect(after.digest, 'the same twice').toBe(before.digest);
  change(after);
  expect(after.lines, 'the text').not.toEqual(before.lines);
  expect(after.digest, 'the hash').not.toBe(before.digest);
}

/** Expects that a change does not show. */
export function expectNotTold([, change]: Change): void {
  const [before, after] = [new Subject(), new Subject()];
  change(after);
  expect(after.lines).toEqual(before.lines);
  expect(after.digest).toBe(before.digest);
}

function otherValue(value: unknown): unknown {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}x`;
  return value === null ? 77 : !value;
}

/** A change of each field of a structure that is a plain value, but for those that are no state. */
export function eachField(name: string, of: (subject: Subject) => object, options: { but: readonly string[] }): Change[] {
  const fields = Object.entries(of(new Subject())).filter(([, value]) => /^(number|string|boolean)$/.test(typeof value));
  for (const field of options.but) expect(fields.map(([known]) => known)).toContain(field);
  return fields
    .filter(([field]) => !options.but.includes(field))
    .map(([field, value]) => [`${name}: ${field}`, (subject) => Object.assign(of(subject), { [field]: otherValue(value) })]);
}

/** Stands for a thing that there was not. */
export function other<T extends object>(thing: T): T {
  return Object.create(thing) as T;
}
