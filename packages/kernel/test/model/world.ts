/** A kernel and the plain model of it side by side: the same is done to both, and both must answer alike. */
import {
  ENOMEM,
  type ExitReason,
  errnoName,
  type NetbsdSystem,
  O_APPEND,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  type Process,
  RamFile,
  SIGBUS,
  SIGKILL,
  SIGSEGV,
  type SignalInfo,
  type Step,
  type User,
} from '../../src/index.js';
import { Deadlock } from '../../src/kern/scheduler.js';
import { asVa } from '../../src/machine/address.js';
import { boot } from '../harness.js';
import { nothing } from '../threads.js';
import type { Adversity } from './adversity.js';
import { anonBytes, entryAt } from './kernel-view.js';
import { type Fault, PAGE, type Page, PlainFile, type PlainOpenFile, PlainProcess } from './plain-memory.js';
import type { Seen } from './seen.js';

/** The space of a process: 48 pages; the break begins at the third, and mappings go below the last four. */
export const MIN = 0x10000;
export const SPACE_PAGES = 48;
export const MAX = MIN + SPACE_PAGES * PAGE;
const STACK_LIMIT = MAX - 4 * PAGE;
const DATA_START = MIN + 2 * PAGE;

/** So much RAM that so many processes can wire all they have, and no limit of the machine is ever met: a third may be wired. */
function ramPages(processes: number): number {
  return 3 * (processes + 1) * SPACE_PAGES + SPACE_PAGES;
}

/** More pages than one access can need: a process that is killed for want of memory while so many are free should not have been. */
const MOST_PAGES = 5;
const KILLED: ExitReason = { kind: 'signaled', signal: SIGKILL };

/** What is open in every process, by descriptor; 7 and higher are not. */
const OPEN: readonly [path: 'a' | 'b', flags: number][] = [
  ['a', O_RDWR],
  ['a', O_RDONLY],
  ['a', O_WRONLY],
  ['b', O_RDWR],
  ['b', O_RDWR | O_APPEND],
];
const CONTENTS = { a: contents(5 * PAGE + 1000, 1), b: contents(2 * PAGE, 2) };

function contents(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 12) + seed * 50) & 0xff);
}

/** A process of the kernel, and what it should be. */
export interface Pair {
  readonly kernel: Process;
  readonly model: PlainProcess;
  readonly children: Pair[];
  /** How it has ended; null while it lives. */
  end: ExitReason | null;
}

/** A signal that is expected: what the access finds, and at which address. */
export interface ExpectedFault {
  readonly fault: Fault;
  readonly address: number;
}

/** The signals of the faults, with the codes that <siginfo.h> gives them. */
const SIGNALS: Record<Fault, { signal: number; code: number }> = {
  unmapped: { signal: SIGSEGV, code: 1 },
  forbidden: { signal: SIGSEGV, code: 2 },
  'beyond the file': { signal: SIGBUS, code: 2 },
  unreadable: { signal: SIGBUS, code: 3 },
};

/** What a world is like. */
export interface WorldOptions {
  /** How many processes there can be at once. */
  readonly processes: number;
  /** Whether the order of locks is watched, which takes most of the time there is. */
  readonly witness: boolean;
  /** Pages of RAM; enough for everything when absent. When they run out, processes are killed. */
  readonly ramPages?: number;
  /** What goes wrong; nothing when absent. */
  readonly adversity?: Adversity;
}

/** A kernel, the model of it, and what has been done to both. */
export class World {
  readonly system: NetbsdSystem;
  readonly files = { a: new PlainFile('a'), b: new PlainFile('b') };
  /** The processes that live, in order of creation. */
  readonly pairs: Pair[] = [];
  readonly trace: string[] = [];
  /** How many operations there were: what is stored tells by which it was. */
  stamp = 0;
  readonly maxProcesses: number;
  readonly adversity: Adversity | null;
  /** Whether there may be no memory left. */
  readonly scarce: boolean;
  /** Whether I/O has failed during the last call. */
  ioFailed = false;
  /** Processes that were killed for want of memory. */
  killed = 0;
  readonly #signals: SignalInfo[] = [];

  constructor(options: WorldOptions) {
    this.maxProcesses = options.processes;
    this.adversity = options.adversity ?? null;
    this.scarce = options.ramPages !== undefined;
    const ram = (options.ramPages ?? ramPages(options.processes)) * PAGE;
    this.system = boot({
      ram,
      userSpace: { min: MIN, max: MAX },
      witness: options.witness,
      ...(options.adversity === undefined ? {} : { strategy: options.adversity }),
    });
    for (const name of ['a', 'b'] as const) {
      this.system.sys.vfs.add(name, new RamFile(name, CONTENTS[name]));
      this.files[name].write(0, CONTENTS[name]);
      this.files[name].resident.clear();
    }
    const kernel = this.system.spawn('test');
    kernel.layout.dataStart = asVa(DATA_START);
    kernel.layout.stackLimit = asVa(STACK_LIMIT);
    const signals = this.#signals;
    const note = function* (info: SignalInfo): Step<'skip'> {
      signals.push(info);
      yield* nothing();
      return 'skip';
    };
    this.system.perform(kernel, function* (user) {
      user.sigaction(SIGSEGV, note);
      user.sigaction(SIGBUS, note);
      for (const [path, flags] of OPEN) yield* user.open(path, flags);
      yield* user.pipe();
    });
    const model = new PlainProcess({
      min: MIN,
      max: MAX,
      stackLimit: STACK_LIMIT,
      dataStart: DATA_START,
      files: this.#openFiles(),
      limits: { addressSpace: Number.POSITIVE_INFINITY, wired: Math.floor(ram / 3), data: 256 * 2 ** 20 },
    });
    this.pairs.push({ kernel, model, children: [], end: null });
  }

  #openFiles(): PlainOpenFile[] {
    const files: PlainOpenFile[] = OPEN.map(([path, flags]) => ({
      file: this.files[path],
      readable: (flags & 3) !== O_WRONLY,
      writable: (flags & 3) !== O_RDONLY,
      append: (flags & O_APPEND) !== 0,
      offset: 0,
    }));
    for (const end of ['read', 'write']) {
      files.push({ file: 'pipe', readable: end === 'read', writable: end === 'write', append: false, offset: 0 });
    }
    return files;
  }

  /** The process that a number stands for. */
  pair(who: number): Pair {
    return this.pairs[who % this.pairs.length] as Pair;
  }

  /** Has a process of the kernel do something. */
  call<T>(pair: Pair, text: string, job: (user: User) => Step<T>): T {
    const result = this.try(pair, text, job);
    if (result === 'killed') this.fail(`process ${pair.kernel.pid} was killed`);
    return result.value;
  }

  /** Has a process of the kernel do something over which it may be killed: that is how it ends when there is no memory left. */
  try<T>(pair: Pair, text: string, job: (user: User) => Step<T>): { value: T } | 'killed' {
    this.trace.push(`${pair.kernel.pid}: ${text}`);
    this.#signals.length = 0;
    const { free, reserve_kernel } = this.system.uvm.uvmexp;
    const outcome: { value?: T; done?: true } = {};
    const failures = this.adversity?.failures;
    try {
      this.system.perform(pair.kernel, function* (user) {
        outcome.value = yield* job(user);
        outcome.done = true;
      });
    } catch (error) {
      // A deadlock has the whole kernel in its fields; its message tells all.
      this.fail(error instanceof Error ? error.message : String(error), error instanceof Deadlock ? undefined : error);
    }
    this.ioFailed = this.adversity?.failures !== failures;
    if (outcome.done === true) return { value: outcome.value as T };
    const { ending, pid } = pair.kernel;
    if (free - reserve_kernel >= MOST_PAGES)
      this.fail(`process ${pid} ended: ${JSON.stringify(ending)}, with ${free} pages free`);
    this.expectEqual<unknown>('the end', ending, KILLED, (reason) => JSON.stringify(reason));
    this.#ended(pair, KILLED);
    this.killed++;
    return 'killed';
  }

  /** Does something during which I/O may fail, in a world where it ever does. */
  withFailingIo<T>(job: () => T): T {
    if (this.adversity !== null) this.adversity.failsIo = true;
    const result = job();
    if (this.adversity !== null) this.adversity.failsIo = false;
    return result;
  }

  /** Has a process make a system call that answers a number, and expects what the model answers. */
  same(pair: Pair, text: string, job: (user: User) => Step<number>, expected: (seen: Seen) => number): number {
    const answer = this.call(pair, text, job);
    this.trace.push(`   = ${answerText(answer)}`);
    this.expectEqual('the answer', answer, expected(this.seen(pair, answer)), answerText);
    this.expectSignals(null);
    return answer;
  }

  /** What the model is told about the kernel's choices. */
  seen(pair: Pair, answer: number): Seen {
    return {
      answer,
      ioFailed: this.ioFailed,
      noMemory: this.adversity !== null && answer === -ENOMEM,
      hasOwnPage: (address) => anonBytes(this.system, pair.kernel, address) !== null,
      mappingAt: (address) => {
        const entry = entryAt(pair.kernel, address);
        return entry === null ? this.fail(`there is no mapping at ${address.toString(16)}`) : entry;
      },
      holders: (page) => this.#holders(page),
    };
  }

  #holders(page: Page): number {
    let holders = 0;
    for (const { model } of this.pairs) {
      for (const other of model.pages.values()) if (other.place === page.place) holders++;
    }
    return holders;
  }

  /** The access that failed in the last call because a page could not be read, null for none. */
  unreadable(): ExpectedFault | null {
    const { signal, code } = SIGNALS.unreadable;
    const came = this.ioFailed ? this.#signals.find((info) => info.signal === signal && info.code === code) : undefined;
    return came === undefined ? null : { fault: 'unreadable', address: came.address };
  }

  /** Expects this one signal, or none, to have come since the last call began. */
  expectSignals(expected: ExpectedFault | null): void {
    const wanted = expected === null ? [] : [{ ...SIGNALS[expected.fault], address: expected.address }];
    const came = this.#signals.map(({ signal, code, address }) => ({ signal, code, address }));
    this.expectEqual('the signals', came, wanted, (signals) => JSON.stringify(signals));
  }

  /** Fails unless both are the same. */
  expectEqual<T>(what: string, kernel: T, model: T, text: (value: T) => string): void {
    if (text(kernel) !== text(model)) this.fail(`${what}: the kernel has ${text(kernel)}, the model ${text(model)}`);
  }

  /** Fails, and tells what was done. */
  fail(what: string, cause?: unknown): never {
    throw new Error(`${what}\n${this.trace.join('\n')}`, { cause });
  }

  /** Has a process end, with its number as its status. */
  exit(pair: Pair): void {
    const status = pair.kernel.pid;
    this.trace.push(`${pair.kernel.pid}: exit(${status})`);
    this.system.perform(pair.kernel, (user) => user.exit(status));
    this.#ended(pair, { kind: 'exited', status });
  }

  #ended(pair: Pair, end: ExitReason): void {
    pair.end = end;
    this.pairs.splice(this.pairs.indexOf(pair), 1);
  }

  /** A child was made: the model has it too. */
  forked(parent: Pair, pid: number): void {
    const kernel = this.system.sys.processes.get(pid);
    if (kernel === undefined) this.fail(`there is no process ${pid}`);
    const child: Pair = { kernel, model: parent.model.fork(), children: [], end: null };
    parent.children.push(child);
    this.pairs.push(child);
  }
}

/** `-EINVAL`, or an address in hexadecimal. */
function answerText(answer: number): string {
  return answer < 0 ? `-${errnoName(-answer)}` : `0x${answer.toString(16)}`;
}
