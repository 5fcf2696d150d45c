/** Processes. `struct proc`, sys/sys/proc.h. */
import type { Credentials } from '../kern/credentials.js';
import type { Limits } from '../kern/limits.js';
import type { Lwp, ProcessIdentity } from '../kern/lwp.js';
import type { Scheduler } from '../kern/scheduler.js';
import { CondVar } from '../kern/sleepq.js';
import type { Va } from '../machine/address.js';
import type { VmSpace } from '../vm/system.js';
import type { FileTable } from './file.js';
import type { SignalHandler, SignalInfo } from './signal.js';

/** Where the parts of a program lie in its space. The fields of `struct vmspace` that a fork copies; whoever shares the space shares them. */
export interface SpaceLayout {
  /** Where the data segment begins. `vm_daddr` */
  dataStart: Va;
  /** Bytes in the data segment, whole pages. `vm_dsize` */
  dataSize: number;
  /** Lowest address of the stack at its largest. `vm_maxsaddr` */
  stackLimit: Va;
  /** First address behind the stack. `vm_minsaddr` */
  stackTop: Va;
}

/** How a process ended. */
export type ExitReason =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signaled'; readonly signal: number };

/** A process. */
export class Process implements ProcessIdentity {
  readonly pid: number;
  name: string;
  parent: Process | null;
  readonly children = new Set<Process>();
  readonly lwps: Lwp[] = [];
  nextLid = 1;

  /** Its address space, null once it has exited. */
  space: VmSpace | null;
  layout: SpaceLayout;
  files: FileTable;
  limits: Limits;
  credentials: Credentials;
  readonly handlers = new Map<number, SignalHandler | 'ignore'>();

  /** Signals that wait for their handler to run. */
  readonly pending: SignalInfo[] = [];
  /** Set when it is to end; its threads leave when they next come by. */
  ending: ExitReason | null = null;
  /** The fault that ended it, null when it was not a fault. */
  fatalFault: SignalInfo | null = null;
  /** Set while all its threads but this one are to leave: it replaces the program. */
  survivor: Lwp | null = null;
  /** Whether it has ended, and waits for its parent to ask how. */
  zombie = false;
  /** Whether it borrows its parent's space, and the parent waits for it to give it back. */
  borrowsSpace = false;
  /** Waited on for a child to end, or to give back the space. `p_waitcv`, with `proc_lock` */
  readonly childEvent: CondVar;
  /** Waited on for a thread to leave. `p_lwpcv`, with `proc_lock` */
  readonly lwpEvent: CondVar;

  constructor(
    scheduler: Scheduler,
    pid: number,
    parts: {
      name: string;
      parent: Process | null;
      space: VmSpace;
      layout: SpaceLayout;
      files: FileTable;
      limits: Limits;
      credentials: Credentials;
    },
  ) {
    this.pid = pid;
    this.name = parts.name;
    this.parent = parts.parent;
    this.space = parts.space;
    this.layout = parts.layout;
    this.files = parts.files;
    this.limits = parts.limits;
    this.credentials = parts.credentials;
    this.childEvent = new CondVar(scheduler, 'wait', `children of process ${pid}`);
    this.lwpEvent = new CondVar(scheduler, 'lwpwait', `threads of process ${pid}`);
  }

  /** Whether a thread of it is to leave for good, when it next comes by. */
  leaves(lwp: Lwp): boolean {
    return this.ending !== null || (this.survivor !== null && this.survivor !== lwp);
  }
}

/** A thread leaves its program for good: its process is ending, or it has asked to exit. Unwinds the program; never an error. */
export class LwpExit extends Error {
  override readonly name = 'LwpExit';
}
