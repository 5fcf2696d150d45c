/** Processes. `struct proc`, sys/sys/proc.h. */
import type { Credentials } from '../kern/credentials.js';
import type { Limits } from '../kern/limits.js';
import type { Lwp, ProcessIdentity } from '../kern/lwp.js';
import type { Scheduler } from '../kern/scheduler.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
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
  /** Where the C library thinks the break is, since the kernel knows whole pages only; null before it has asked. Its `curbrk` */
  breakAt: number | null;
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
export class Process implements ProcessIdentity, Stateful {
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

  writeState(writer: StateWriter): void {
    writer.field('parent', this.parent?.pid ?? null);
    for (const lwp of this.lwps) {
      writer.field('lid', lwp.lid);
      writer.reference('lwp', lwp);
    }
    writer.field('nextLid', this.nextLid);
    writer.reference('space', this.space);
    writer.reference('layout', this.layout);
    writer.field('dataStart', this.layout.dataStart);
    writer.field('dataSize', this.layout.dataSize);
    writer.field('breakAt', this.layout.breakAt);
    writer.field('stackLimit', this.layout.stackLimit);
    writer.field('stackTop', this.layout.stackTop);
    writer.thing('files', this.files);
    writer.thing('limits', this.limits);
    writer.field('uid', this.credentials.uid);
    writer.field('gid', this.credentials.gid);
    for (const signal of [...this.handlers.keys()].sort((a, b) => a - b)) this.#writeHandler(writer, signal);
    for (const { signal, code, address } of this.pending) {
      writer.field('pending', signal);
      writer.field('code', code);
      writer.field('address', address);
    }
    writer.field('ending', this.ending === null ? null : exitText(this.ending));
    writer.reference('survivor', this.survivor);
    writer.field('zombie', this.zombie);
    writer.field('borrowsSpace', this.borrowsSpace);
    writer.thing('childEvent', this.childEvent);
    writer.thing('lwpEvent', this.lwpEvent);
  }

  #writeHandler(writer: StateWriter, signal: number): void {
    const handler = this.handlers.get(signal);
    writer.field('signal', signal);
    if (typeof handler === 'function') writer.reference('handler', handler);
    else writer.field('handler', handler ?? null);
  }

  /** Whether a thread of it is to leave for good, when it next comes by. */
  leaves(lwp: Lwp): boolean {
    return this.ending !== null || (this.survivor !== null && this.survivor !== lwp);
  }
}

function exitText(reason: ExitReason): string {
  return reason.kind === 'exited' ? `exited ${reason.status}` : `signaled ${reason.signal}`;
}

/** A thread leaves its program for good: its process is ending, or it has asked to exit. Unwinds the program; never an error. */
export class LwpExit extends Error {
  override readonly name = 'LwpExit';
}
