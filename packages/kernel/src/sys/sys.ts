/**
 * System calls: the state above the virtual memory system, and all functions on one object, as in `uvm/uvm.ts`.
 */
import type { Credentials } from '../kern/credentials.js';
import type { Kern } from '../kern/kern.js';
import { Limits, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_STACK } from '../kern/limits.js';
import type { CallInProgress, Lwp } from '../kern/lwp.js';
import { Mutex } from '../kern/mutex.js';
import { CondVar } from '../kern/sleepq.js';
import { registerKernelFunctions } from '../kern/stack.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { asVa, hex, PAGE_SIZE, truncPage, type Va } from '../machine/address.js';
import type { Cpu } from '../machine/cpu.js';
import type { BlockDevice } from '../machine/disk.js';
import { FaultTable, type IoFaults } from '../machine/faulty-store.js';
import type { Machine } from '../machine/machine.js';
import type { KernelLoan, SharedMemory, VmSpace, VmSystem, Vnode, VnodeReferrer } from '../vm/system.js';
import * as copy from './copy.js';
import type { CharacterDevice } from './device.js';
import * as deviceCalls from './device-calls.js';
import type { FileTable, OpenFile } from './file.js';
import * as fileCalls from './file-calls.js';
import type { MemoryFaultHook } from './memory-fault.js';
import * as memoryCalls from './netbsd/memory-calls.js';
import * as shmCalls from './netbsd/shm-calls.js';
import * as swapCalls from './netbsd/swap-calls.js';
import * as sysctl from './netbsd/sysctl.js';
import { MAXPHYS, MAXSSIZ } from './param.js';
import * as physio from './physio.js';
import type { PhysioBuffer } from './physio-buffer.js';
import type { Pipe } from './pipe.js';
import * as pipeCalls from './pipe-calls.js';
import { Process, type SpaceLayout } from './process.js';
import * as processCalls from './process-calls.js';
import { type ShmLimits, ShmTable } from './shm.js';
import * as signalCalls from './signal-calls.js';
import type { Socket } from './socket.js';
import * as socketCalls from './socket-calls.js';
import * as socketLoan from './socket-loan.js';
import * as socketReceive from './socket-receive.js';
import * as socketSend from './socket-send.js';
import * as trap from './trap.js';
import { User } from './user.js';
import { Vfs } from './vfs.js';

/** How the layer of system calls is booted. */
export interface SysOptions {
  /** First and last address of a process's space. Default: amd64's. */
  readonly userSpace?: { readonly min: number; readonly max: number };
  /** What goes wrong with files and disks, by path: `{ '/data': [{ on: 'write', nth: 3, errno: EIO }] }`. Default: nothing. */
  readonly ioFaults?: IoFaults;
  /** Limits of System V shared memory. Default: NetBSD's. */
  readonly shm?: Partial<ShmLimits>;
  /** Bytes that a device moves at once, whole pages. Default 64 KiB. */
  readonly maxphys?: number;
  /** Whether sysctl wires the buffer for its answer meanwhile, as it did until 2003. Default false. */
  readonly sysctlWires?: boolean;
  /** Bytes from which on a socket lends what it sends instead of copying it, -1 for never. Default 4096. `sock_loan_thresh` */
  readonly sockLoanThreshold?: number;
  /** Bytes of kernel addresses for what sockets lend; what is more is copied. Default 16 MiB, or an eighth of RAM. `SOMAXKVA` */
  readonly somaxkva?: number;
  /** Whether a pipe lends what is written to it in large pieces. Default true; false is `options PIPE_NODIRECT`. */
  readonly pipeDirect?: boolean;
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
  /** What goes wrong with which file or disk. */
  readonly ioFaults: FaultTable;
  readonly vfs: Vfs;
  readonly shm: ShmTable;
  readonly userSpace: { readonly min: Va; readonly max: Va };
  readonly defaultLimits: Limits;
  /** All processes, zombies included, by pid. */
  readonly processes = new Map<number, Process>();
  /** Disks, by path. */
  readonly disks = new Map<string, BlockDevice>();
  /** Devices, by path. */
  readonly devices = new Map<string, CharacterDevice>();
  /** Bytes that a device moves at once. */
  readonly maxphys: number;
  /** Whether sysctl wires the buffer for its answer. */
  readonly sysctlWires: boolean;
  /** Chunks of raw I/O that are under way; those that devices are done with and that wait for physiod, and whether it is at work. */
  readonly physios = new Set<PhysioBuffer>();
  readonly physiodQueue: PhysioBuffer[] = [];
  physiodAtWork = false;
  /** `sock_loan_thresh`, `somaxkva`, and whether pipes lend. */
  readonly sockLoanThreshold: number;
  readonly somaxkva: number;
  readonly pipeDirect: boolean;
  /** `so_pendfree_lock`: of the following four. */
  readonly pendfreeLock: Mutex;
  /** Loans that are to be given back, and whether a thread is at it. `so_pendfree` */
  readonly pendfree: KernelLoan[] = [];
  pendfreeRuns = false;
  /** Bytes of kernel addresses that are in use for what sockets have lent; who waits for there to be less. */
  socurkva = 0;
  readonly socurkvaChanged: CondVar;
  /** All open files. */
  readonly openFiles = new Set<OpenFile>();
  /** `proc_lock` */
  readonly procLock: Mutex;
  private users = new WeakMap<Lwp, User>();
  /** Who decides about faults before they become signals. */
  onMemoryFault: MemoryFaultHook | null = null;
  /** Who is told of system calls. */
  observer: CallObserver | null = null;
  nextPid = 1;
  nextPipeId = 1;
  nextSocketId = 1;

  constructor(kern: Kern, machine: Machine, vm: VmSystem, options: SysOptions) {
    this.kern = kern;
    this.machine = machine;
    this.vm = vm;
    this.ioFaults = new FaultTable(options.ioFaults ?? {});
    this.vfs = new Vfs(vm, this.ioFaults);
    this.shm = new ShmTable(kern, machine.ram.pages, options.shm ?? {});
    const { min, max } = options.userSpace ?? AMD64_SPACE;
    if (!isPageBoundary(min) || !isPageBoundary(max) || min < 0 || max <= min || max > HIGHEST_ADDRESS) {
      throw new RangeError(
        `a user space is whole pages between 0 and ${hex(HIGHEST_ADDRESS)}, the first below the last, not ${min} to ${max}`,
      );
    }
    this.userSpace = { min: asVa(min), max: asVa(max) };
    this.sysctlWires = options.sysctlWires === true;
    this.maxphys = options.maxphys ?? MAXPHYS;
    if (!isPageBoundary(this.maxphys) || this.maxphys < PAGE_SIZE) {
      throw new RangeError(`what a device moves at once is whole pages, not ${this.maxphys} bytes`);
    }
    this.defaultLimits = defaultLimits(machine.ram.bytes.length);
    this.procLock = new Mutex(kern, kern.lockClass('proc_lock'));
    this.sockLoanThreshold = options.sockLoanThreshold ?? 4096;
    this.somaxkva = options.somaxkva ?? Math.min(16 * 2 ** 20, truncPage(machine.ram.bytes.length / 8));
    this.pipeDirect = options.pipeDirect !== false;
    this.pendfreeLock = new Mutex(kern, kern.lockClass('so_pendfree_lock'));
    this.socurkvaChanged = new CondVar(kern.scheduler, 'sokva');
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

  /** A thread as its program sees it: one and the same object each time. */
  userOf(lwp: Lwp): User {
    let user = this.users.get(lwp);
    if (user === undefined) {
      user = new User(this as unknown as Sys, lwp);
      this.users.set(lwp, user);
    }
    return user;
  }

  /** The threads have become others: whoever has one of `userOf` in hand has nothing any more. */
  forgetUsers(): void {
    this.users = new WeakMap();
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

  /** References to a vnode that names and open files hold, or to memory that segments hold. */
  heldReferences(vnode: Vnode | SharedMemory): number {
    let held = this.shm.heldReferences(vnode);
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
    for (const [name, device] of this.devices) {
      writer.field('name', name);
      writer.thing('device', device);
    }
    writer.parts('physio', this.physios, (buffer, part) => buffer.writeState(part));
    for (const buffer of this.physiodQueue) writer.reference('physiod', buffer);
    writer.field('physiodAtWork', this.physiodAtWork);
    writer.thing('shm', this.shm);
    writer.parts('file', this.openFiles, (file, part) => file.writeState(part));
    writer.parts('pipe', this.#pipes(), (pipe, part) => pipe.writeState(part));
    writer.parts('socket', this.#sockets(), (socket, part) => socket.writeState(part));
    for (const loan of this.pendfree) writer.reference('pendfree', loan);
    writer.field('pendfreeRuns', this.pendfreeRuns);
    writer.field('socurkva', this.socurkva);
    writer.thing('pendfreeLock', this.pendfreeLock);
    writer.thing('socurkvaChanged', this.socurkvaChanged);
  }

  #sockets(): Set<Socket> {
    const sockets = new Set<Socket>();
    for (const { target } of this.openFiles) if (target.kind === 'socket') sockets.add(target.socket);
    return sockets;
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

const FUNCTIONS = [
  sysctl,
  copy,
  deviceCalls,
  physio,
  fileCalls,
  memoryCalls,
  pipeCalls,
  processCalls,
  shmCalls,
  signalCalls,
  socketCalls,
  socketLoan,
  socketReceive,
  socketSend,
  swapCalls,
  trap,
];

type Copy = typeof copy;
type DeviceCalls = typeof deviceCalls;
type Sysctl = typeof sysctl;
type FileCalls = typeof fileCalls;
type MemoryCalls = typeof memoryCalls;
type Physio = typeof physio;
type PipeCalls = typeof pipeCalls;
type ProcessCalls = typeof processCalls;
type ShmCalls = typeof shmCalls;
type SignalCalls = typeof signalCalls;
type SocketCalls = typeof socketCalls;
type SocketLoan = typeof socketLoan;
type SocketReceive = typeof socketReceive;
type SocketSend = typeof socketSend;
type SwapCalls = typeof swapCalls;
type Trap = typeof trap;

/** The layer of system calls: its state and all its functions. */
export interface Sys
  extends SysState,
    Copy,
    DeviceCalls,
    FileCalls,
    MemoryCalls,
    Physio,
    PipeCalls,
    ProcessCalls,
    ShmCalls,
    SignalCalls,
    SocketCalls,
    SocketLoan,
    SocketReceive,
    SocketSend,
    SwapCalls,
    Trap,
    Sysctl {}

/** What runs programs here stands for nothing in a kernel; other functions are parts of one of the kernel's. */
const PARTS = {
  startThread: '',
  userThread: '',
  performOn: '',
  userJob: '',
  untilExit: '',
  trapPageFault: 'trap',
  decideFault: '',
  trapFailed: 'trap',
  mapImage: 'execve1',
  mapSegment: 'execve1',
  mapStack: 'execve1',
  readPipe: 'pipeRead',
  writePipe: 'pipeWrite',
  writePipeBuffer: 'pipeWrite',
  sosendSpace: 'sosend',
  sosendMbuf: 'sosend',
  soreceiveRecord: 'soreceive',
  sbdropMbuf: 'soreceive',
  writeSocket: 'sooWrite',
  readSocket: 'sooRead',
  lookupDevice: '',
  sysSysctl: 'sys___sysctl',
  sysctlNode: 'sysctlDispatch',
  sysctlValue: 'sysctlLookup',
  sysctlProcMap: 'fillVmentries',
  sysctlChange: 'sysctlLookup',
  addDevice: '',
  specTransfer: 'specRead',
  closeDescriptor: 'fdClose',
  releaseFile: 'closef',
  mayFork: 'fork1',
  sysClone: 'sys___clone',
  waitForSpace: 'fork1',
  shmgetLocked: 'sysShmget',
  shmatLocked: 'sysShmat',
  shmctlLocked: 'shmctl1',
  sysShmctl: 'sys___shmctl50',
  shmTime: '',
  swapctlTarget: 'sysSwapctl',
  swapTarget: 'sysSwapctl',
};

for (const functions of FUNCTIONS) {
  Object.assign(SysState.prototype, functions);
  registerKernelFunctions(functions, PARTS);
}

/** Boots the layer of system calls on a virtual memory system. */
export function bootSys(kern: Kern, machine: Machine, vm: VmSystem, options: SysOptions = {}): Sys {
  const sys = new SysState(kern, machine, vm, options) as Sys;
  vm.vnodeReferrers.push(sys);
  vm.attacher = {
    forked: (parent, child) => sys.shmfork(parent, child),
    emptied: (space) => sys.shmexit(space),
  };
  machine.trap = { pageFault: (cpu, va, access) => sys.trapPageFault(cpu, va, access) };
  kern.scheduler.isSignaled = ({ process }) =>
    process instanceof Process && (process.pending.length > 0 || process.ending !== null);
  kern.scheduler.onSwitch = (lwp) => {
    // A thread of the kernel's own runs in whatever space is there.
    if (lwp.process instanceof Process) sys.activeCpu(lwp);
  };
  return sys;
}
