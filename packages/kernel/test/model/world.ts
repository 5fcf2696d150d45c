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
  type PolicyName,
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
import { Extras, OBJECT_FD, SWAP_OPTIONS } from './extras.js';
import { anonBytes, entryAt } from './kernel-view.js';
import { noteLost } from './losses.js';
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
  /** Whether there is swap, and the extras. */
  readonly swaps?: boolean;
  /** Who decides which pages go: the clock when absent. */
  readonly pagePolicy?: PolicyName;
  /** What goes wrong; nothing when absent. */
  readonly adversity?: Adversity;
}

const MEMORY = new Map<number, ArrayBuffer>();

/** Memory for a machine. There is one world at a time, so the next has what the last one had: new buffers for each are work for the collector. */
function memoryOf(bytes: number): ArrayBuffer {
  const memory = MEMORY.get(bytes) ?? new ArrayBuffer(bytes);
  MEMORY.set(bytes, memory);
  return memory;
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
  /** What there is where there is swap, else null. */
  readonly extras: Extras | null;
  /** Whether there may be no memory left. */
  readonly scarce: boolean;
  /** Whether I/O has failed during the last call. */
  ioFailed = false;
  /** Processes that were killed for want of memory. */
  killed = 0;
  readonly #signals: SignalInfo[] = [];
  /** Whether an answer or a signal has said that something went wrong, and how much I/O had failed, when the model was last settled. */
  #told = false;
  #settledFailures = 0;

  constructor(options: WorldOptions) {
    this.maxProcesses = options.processes;
    this.adversity = options.adversity ?? null;
    const swaps = options.swaps === true;
    this.scarce = options.ramPages !== undefined && !swaps;
    const ram = (options.ramPages ?? ramPages(options.processes)) * PAGE;
    this.system = boot({
      ram,
      memory: memoryOf(ram),
      userSpace: { min: MIN, max: MAX },
      witness: options.witness,
      ...(options.pagePolicy === undefined ? {} : { pagePolicy: options.pagePolicy }),
      ...(swaps ? { swap: SWAP_OPTIONS, maxphys: PAGE } : {}),
      ...(options.adversity === undefined ? {} : { strategy: options.adversity }),
    });
    for (const name of ['a', 'b'] as const) {
      // Where there is swap, files have whole pages: `sizeFor`.
      const content = swaps ? CONTENTS[name].subarray(0, CONTENTS[name].length - (CONTENTS[name].length % PAGE)) : CONTENTS[name];
      this.system.sys.vfs.add(name, new RamFile(name, content));
      this.files[name].write(0, content);
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
    const extras = swaps ? new Extras(this.system) : null;
    this.extras = extras;
    this.system.perform(kernel, function* (user) {
      user.sigaction(SIGSEGV, note);
      user.sigaction(SIGBUS, note);
      for (const [path, flags] of OPEN) yield* user.open(path, flags);
      yield* user.pipe();
      if (extras !== null) yield* extras.open(user);
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
    if (this.extras !== null) {
      files[OBJECT_FD] = { file: this.extras.object, readable: true, writable: true, append: false, offset: 0 };
    }
    return files;
  }

  /** Whether there is swap. */
  get swaps(): boolean {
    return this.extras !== null;
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
    const { value } = outcome;
    if (this.#signals.length > 0 || (typeof value === 'number' && value < 0)) this.#told = true;
    if (outcome.done === true) return { value: outcome.value as T };
    const { ending, pid } = pair.kernel;
    if (free - reserve_kernel >= MOST_PAGES)
      this.fail(`process ${pid} ended: ${JSON.stringify(ending)}, with ${free} pages free`);
    this.expectEqual<unknown>('the end', ending, KILLED, (reason) => JSON.stringify(reason));
    this.#ended(pair, KILLED);
    this.killed++;
    return 'killed';
  }

  /**
   * After an operation: takes note, in the model, of pages that have been lost meanwhile. Not before the model has done the operation: a
   * page may be used, and then be lost.
   */
  settle(): void {
    const failures = this.adversity?.failures ?? 0;
    if (this.extras !== null && failures !== this.#settledFailures) {
      const wrong = noteLost(this.system, this.extras, this.pairs, this.#told);
      if (wrong !== null) this.fail(wrong);
    }
    this.#settledFailures = failures;
    this.#told = false;
  }

  /** Begins or ceases to swap to a disk; answers what the kernel does. */
  swapctl(command: number, disk: number): number {
    const failures = this.adversity?.failures;
    const answer = this.extras?.swapctl(command, disk) ?? 0;
    this.trace.push(`swapctl(${command}, wd${disk + 1})`, `   = ${answer}`);
    this.ioFailed = this.adversity?.failures !== failures;
    // Whose pages cannot be read learns it when he looks for them: swapping ends all the same.
    this.#told = true;
    return answer;
  }

  /** Does something during which no I/O may fail. */
  withoutFailingIo<T>(job: () => T): T {
    const { adversity } = this;
    if (adversity === null) return job();
    const before = adversity.writesFail;
    adversity.writesFail = false;
    const result = job();
    adversity.writesFail = before;
    return result;
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
      mayExceedMachine: (bytes) => this.#wired() + bytes > this.system.uvm.uvmexp.wiredmax * PAGE,
      holders: (page) => this.#holders(page),
    };
  }

  /** Bytes that processes have wired, each counted for itself. */
  #wired(): number {
    let pages = 0;
    for (const { model } of this.pairs) for (const page of model.pages.values()) if (page.wired) pages++;
    return pages * PAGE;
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
