/**
 * System calls: the state above the virtual memory system, and all functions on one object, as in `uvm/uvm.ts`.
 */
import type { Credentials } from '../kern/credentials.js';
import type { Kern } from '../kern/kern.js';
import { Limits, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_STACK } from '../kern/limits.js';
import type { CallInProgress, Lwp } from '../kern/lwp.js';
import { Mutex } from '../kern/mutex.js';
import { registerKernelFunctions } from '../kern/stack.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { asVa, hex, PAGE_SIZE, truncPage, type Va } from '../machine/address.js';
import type { Cpu } from '../machine/cpu.js';
import type { Machine } from '../machine/machine.js';
import type { VmSpace, VmSystem, Vnode, VnodeReferrer } from '../vm/system.js';
import * as copy from './copy.js';
import type { FileTable, OpenFile } from './file.js';
import * as fileCalls from './file-calls.js';
import * as memoryCalls from './netbsd/memory-calls.js';
import { MAXSSIZ } from './param.js';
import type { Pipe } from './pipe.js';
import { Process, type SpaceLayout } from './process.js';
import * as processCalls from './process-calls.js';
import * as signalCalls from './signal-calls.js';
import * as trap from './trap.js';
import { Vfs } from './vfs.js';

/** How the layer of system calls is booted. */
export interface SysOptions {
  /** First and last address of a process's space. Default: amd64's. */
  readonly userSpace?: { readonly min: number; readonly max: number };
}

/** `VM_MIN_ADDRESS` with user_va0_disable, `VM_MAXUSER_ADDRESS`; sys/arch/amd64/include/vmparam.h */
const AMD64_SPACE = { min: 0x1000, max: 0x7f7ffffff000 };

/** The end of what an amd64 can address below its hole, and of what page tables here can hold. */
const HIGHEST_ADDRESS = 2 ** 47;

/** Whether an address is the first of a page. */
function isPageBoundary(address: number): boolean {
  return Number.isInteger(address / PAGE_SIZE);
}

/** Learns of each system call as it begins and as it returns (one that ends its thread never does), and of processes that end. */
export interface CallObserver {
  called(lwp: Lwp, call: CallInProgress): void;
  returned(lwp: Lwp, call: CallInProgress, result: number): void;
  /** A process is about to give back what it has. */
  exiting(process: Process): void;
}

/** The state of the layer of system calls. */
class SysState implements VnodeReferrer, Stateful {
  readonly kern: Kern;
  readonly machine: Machine;
  readonly vm: VmSystem;
  readonly vfs: Vfs;
  readonly userSpace: { readonly min: Va; readonly max: Va };
  readonly defaultLimits: Limits;
  /** All processes, zombies included, by pid. */
  readonly processes = new Map<number, Process>();
  /** All open files. */
  readonly openFiles = new Set<OpenFile>();
  /** `proc_lock` */
  readonly procLock: Mutex;
  /** Who is told of system calls. */
  observer: CallObserver | null = null;
  nextPid = 1;
  nextPipeId = 1;

  constructor(kern: Kern, machine: Machine, vm: VmSystem, options: SysOptions) {
    this.kern = kern;
    this.machine = machine;
    this.vm = vm;
    this.vfs = new Vfs(vm);
    const { min, max } = options.userSpace ?? AMD64_SPACE;
    if (!isPageBoundary(min) || !isPageBoundary(max) || min < 0 || max <= min || max > HIGHEST_ADDRESS) {
      throw new RangeError(
        `a user space is whole pages between 0 and ${hex(HIGHEST_ADDRESS)}, the first below the last, not ${min} to ${max}`,
      );
    }
    this.userSpace = { min: asVa(min), max: asVa(max) };
    this.defaultLimits = defaultLimits(machine.ram.bytes.length);
    this.procLock = new Mutex(kern, kern.lockClass('proc_lock'));
  }

  /** The running thread. */
  get curlwp(): Lwp {
    return this.kern.scheduler.current;
  }

  /** The process of a thread; every thread that makes system calls has one. */
  processOf(lwp: Lwp): Process {
    return lwp.process as Process;
  }

  /** The address space of a process that has not exited. */
  spaceOf(process: Process): VmSpace {
    return process.space ?? this.kern.panic(`process ${process.pid} has no address space`);
  }

  /** The processor on which a thread runs. */
  cpuOf(lwp: Lwp): Cpu {
    return this.machine.cpus[lwp.cpu] ?? this.kern.panic(`lwp ${lwp.name} runs on no processor`);
  }

  /** The processor of a thread, in the thread's address space. */
  activeCpu(lwp: Lwp): Cpu {
    const cpu = this.cpuOf(lwp);
    const { space } = this.processOf(lwp);
    if (space !== null) cpu.activate(space.pmap, lwp);
    return cpu;
  }

  /** Adds a process with one idle thread. */
  addProcess(parts: {
    name: string;
    parent: Process | null;
    space: VmSpace;
    layout: SpaceLayout;
    files: FileTable;
    limits: Limits;
    credentials: Credentials;
  }): Process {
    const process = new Process(this.kern.scheduler, this.nextPid++, parts);
    this.processes.set(process.pid, process);
    parts.parent?.children.add(process);
    this.addLwp(process);
    return process;
  }

  /** Adds an idle thread to a process. */
  addLwp(process: Process): Lwp {
    const lwp = this.kern.scheduler.create(process, process.nextLid++);
    process.lwps.push(lwp);
    return lwp;
  }

  /** References to a vnode that names and open files hold. */
  heldReferences(vnode: Vnode): number {
    let held = 0;
    for (const [, named] of this.vfs.entries()) if (named === vnode) held++;
    for (const { target } of this.openFiles) if (target.kind === 'vnode' && target.vnode === vnode) held++;
    return held;
  }

  /** Tells the state of processes and files, by pid and by name; with that, what they have is numbered in an order of its own. */
  writeState(writer: StateWriter): void {
    for (const [pid, process] of this.processes) {
      writer.field('pid', pid);
      writer.thing('process', process);
    }
    writer.field('nextPid', this.nextPid);
    writer.thing('procLock', this.procLock);
    writer.part('names', (part) => this.vfs.writeState(part));
    writer.parts('file', this.openFiles, (file, part) => file.writeState(part));
    writer.parts('pipe', this.#pipes(), (pipe, part) => pipe.writeState(part));
  }

  #pipes(): Set<Pipe> {
    const pipes = new Set<Pipe>();
    for (const { target } of this.openFiles) if (target.kind === 'pipe') pipes.add(target.pipe);
    return pipes;
  }

  /** Where a mapping goes that asks for no address. `VM_DEFAULT_ADDRESS_TOPDOWN()` */
  defaultAddress(process: Process, size: number): number {
    const { space, layout } = process;
    if (space?.topdown === false) return layout.dataStart + layout.dataSize;
    return Math.max(0, truncPage(layout.stackLimit - size));
  }
}

function defaultLimits(ramBytes: number): Limits {
  return new Limits()
    .with(RLIMIT_DATA, { current: 256 * 2 ** 20, maximum: 8 * 2 ** 30 })
    .with(RLIMIT_STACK, { current: 4 * 2 ** 20, maximum: MAXSSIZ })
    .with(RLIMIT_NOFILE, { current: 1024, maximum: 1024 })
    .with(RLIMIT_MEMLOCK, { current: Math.floor(ramBytes / 3), maximum: ramBytes });
}

const FUNCTIONS = [copy, fileCalls, memoryCalls, processCalls, signalCalls, trap];

type Copy = typeof copy;
type FileCalls = typeof fileCalls;
type MemoryCalls = typeof memoryCalls;
type ProcessCalls = typeof processCalls;
type SignalCalls = typeof signalCalls;
type Trap = typeof trap;

/** The layer of system calls: its state and all its functions. */
export interface Sys extends SysState, Copy, FileCalls, MemoryCalls, ProcessCalls, SignalCalls, Trap {}

/** What runs programs here stands for nothing in a kernel; other functions are parts of one of the kernel's. */
const PARTS = {
  startThread: '',
  userThread: '',
  performOn: '',
  userJob: '',
  untilExit: '',
  trapPageFault: 'trap',
  mapImage: 'execve1',
  mapSegment: 'execve1',
  mapStack: 'execve1',
  readPipe: 'pipeRead',
  closeDescriptor: 'fdClose',
  releaseFile: 'closef',
  mayFork: 'fork1',
  sysClone: 'sys___clone',
  waitForSpace: 'fork1',
};

for (const functions of FUNCTIONS) {
  Object.assign(SysState.prototype, functions);
  registerKernelFunctions(functions, PARTS);
}

/** Boots the layer of system calls on a virtual memory system. */
export function bootSys(kern: Kern, machine: Machine, vm: VmSystem, options: SysOptions = {}): Sys {
  const sys = new SysState(kern, machine, vm, options) as Sys;
  vm.vnodeReferrers.push(sys);
  machine.trap = { pageFault: (cpu, va, access) => sys.trapPageFault(cpu, va, access) };
  kern.scheduler.onSwitch = (lwp) => {
    // A thread of the kernel's own runs in whatever space is there.
    if (lwp.process instanceof Process) sys.activeCpu(lwp);
  };
  return sys;
}
