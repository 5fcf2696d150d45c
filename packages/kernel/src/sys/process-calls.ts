/** Making and ending processes and threads. sys/kern/kern_fork.c, kern_exec.c, kern_exit.c, kern_lwp.c. */
import { isSuperuser } from '../kern/credentials.js';
import { EAGAIN, ECHILD, EINTR, EINVAL, ENOENT, ENOMEM, type Errno, ESRCH } from '../kern/errno.js';
import { RLIMIT_NPROC, RLIMIT_STACK } from '../kern/limits.js';
import type { Lwp } from '../kern/lwp.js';
import type { Step } from '../kern/switch.js';
import { asVa, PAGE_SIZE, roundPage, truncPage, type Va } from '../machine/address.js';
import { PROT_ALL, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, type Protection } from '../machine/protection.js';
import { MADV_NORMAL, MAP_ANON, MAP_FIXED, MAP_PRIVATE } from '../vm/mman.js';
import type { MapRequest } from '../vm/system.js';
import type { ExecImage, ImageSegment } from './exec-image.js';
import { MAXSSIZ } from './param.js';
import { type ExitReason, LwpExit, type Process } from './process.js';
import { CLONE_VFORK, CLONE_VM } from './sched.js';
import { SIGKILL } from './signal.js';
import type { Sys } from './sys.js';

/** How `wait4` answers. */
export interface WaitResult {
  readonly pid: number;
  readonly reason: ExitReason;
}

/** Makes a child of the running process; its first thread is idle. `fork1()`. @returns the child, or minus EAGAIN (a limit) */
export function* fork1(this: Sys, options: { shareSpace: boolean }): Step<Process | number> {
  const parent = this.processOf(this.curlwp);
  if (!this.mayFork(parent)) return -EAGAIN;
  const space = parent.space ?? this.kern.panic('fork1: the process has no address space');
  if (options.shareSpace) yield* this.vm.shareSpace(space);
  const child = this.addProcess({
    name: parent.name,
    parent,
    space: options.shareSpace ? space : yield* this.vm.forkSpace(space),
    layout: options.shareSpace ? parent.layout : { ...parent.layout },
    files: parent.files.copy(),
    limits: parent.limits,
    credentials: parent.credentials,
  });
  for (const [signal, handler] of parent.handlers) child.handlers.set(signal, handler);
  child.borrowsSpace = options.shareSpace;
  return child;
}

/** Whether the owner of a process may have one more; zombies count. */
export function mayFork(this: Sys, { credentials, limits }: Process): boolean {
  const limit = limits.soft(RLIMIT_NPROC);
  if (this.processes.size < limit || isSuperuser(credentials)) return true;
  return [...this.processes.values()].filter((process) => process.credentials.uid === credentials.uid).length < limit;
}

/** Makes a child with a copy of the address space. `sys_fork()`. @returns the child's pid, or minus EAGAIN */
export function* sysFork(this: Sys, start: (child: Process) => void): Step<number> {
  const child = yield* this.fork1({ shareSpace: false });
  if (typeof child === 'number') return child;
  start(child);
  return child.pid;
}

/** Makes a child that has the address space until it execs or exits; only then goes on. `sys_vfork()`. @returns the child's pid, or minus EAGAIN */
export function* sysVfork(this: Sys, start: (child: Process) => void): Step<number> {
  const child = yield* this.fork1({ shareSpace: true });
  if (typeof child === 'number') return child;
  start(child);
  yield* this.waitForSpace(child);
  return child.pid;
}

/**
 * Makes a child that shares what the flags say; of those, `CLONE_VM` and `CLONE_VFORK` mean something here. `sys___clone()`.
 *
 * @returns the child's pid, or minus EAGAIN
 */
export function* sysClone(this: Sys, flags: number, start: (child: Process) => void): Step<number> {
  const child = yield* this.fork1({ shareSpace: (flags & CLONE_VM) !== 0 });
  if (typeof child === 'number') return child;
  start(child);
  if (flags & CLONE_VFORK) yield* this.waitForSpace(child);
  return child.pid;
}

/** Waits until a child of the running process has given its space back. The end of `fork1()` with `FORK_PPWAIT`. */
export function* waitForSpace(this: Sys, child: Process): Step<void> {
  const parent = this.processOf(this.curlwp);
  yield* this.procLock.enter();
  while (child.borrowsSpace) yield* parent.childEvent.wait(this.procLock);
  yield* this.procLock.exit();
}

/** A child that borrowed its parent's space does so no longer. */
export function* returnSpace(this: Sys, process: Process): Step<void> {
  if (!process.borrowsSpace) return;
  yield* this.procLock.enter();
  process.borrowsSpace = false;
  if (process.parent !== null) yield* process.parent.childEvent.broadcast();
  yield* this.procLock.exit();
}

/**
 * Has all threads of the running process but the running one leave, and waits until they have. `exit_lwps()`, sys/kern/kern_exit.c.
 *
 * @returns whether the running thread stays; not when another one has come first
 */
export function* exitLwps(this: Sys, process: Process): Step<boolean> {
  const { curlwp } = this;
  if (process.leaves(curlwp)) return false;
  process.survivor = curlwp;
  for (const lwp of process.lwps) this.kern.scheduler.interrupt(lwp);
  // Threads without a job never come by.
  for (const idle of process.lwps.filter((lwp) => lwp.idle)) {
    process.lwps.splice(process.lwps.indexOf(idle), 1);
    this.kern.scheduler.destroy(idle);
  }
  yield* this.procLock.enter();
  while (process.lwps.length > 1) yield* process.lwpEvent.wait(this.procLock);
  yield* this.procLock.exit();
  process.survivor = null;
  return true;
}

/**
 * Replaces the program of the running process by an image that can be run. `execve1()`.
 *
 * @returns 0; ENOMEM, EINVAL when a part of it cannot be mapped, and then there is no program any more
 */
export function* execve1(this: Sys, image: ExecImage): Step<Errno> {
  const process = this.processOf(this.curlwp);
  const old = process.space ?? this.kern.panic('execve1: the process has no address space');
  process.space = yield* this.vm.execSpace(old);
  this.activeCpu(this.curlwp);
  yield* this.returnSpace(process);
  process.name = image.name;
  process.layout = this.newLayout(process.space);
  // What was ignored stays so.
  for (const [signal, handler] of [...process.handlers]) if (handler !== 'ignore') process.handlers.delete(signal);
  for (const fd of process.files.open({ closeOnExec: true })) yield* this.closeDescriptor(process, fd);
  return yield* this.mapImage(process, image);
}

/** Whether an image can be run: its segments must be aligned and lie in a user space, and their files be there. @returns 0, EINVAL, ENOMEM, ENOENT */
export function checkImage(this: Sys, image: ExecImage): Errno {
  for (const segment of [image.text, image.data]) {
    if (segment === undefined) continue;
    if (segment.at % PAGE_SIZE !== 0 || segment.size <= 0) return EINVAL;
    if (segment.at < this.userSpace.min || segment.at + segment.size > this.userSpace.max) return ENOMEM;
    if (segment.file !== undefined && segment.file.offset % PAGE_SIZE !== 0) return EINVAL;
    if (segment.file !== undefined && this.vfs.lookup(segment.file.path) === null) return ENOENT;
  }
  return 0;
}

/** Maps the parts of a program into an empty space. `vmcmd_*`, sys/kern/exec_subr.c. @returns 0 or an errno */
export function* mapImage(this: Sys, process: Process, image: ExecImage): Step<Errno> {
  const { layout } = process;
  let errno: Errno = 0;
  if (image.text !== undefined) errno = yield* this.mapSegment(process, image.text, PROT_READ | PROT_EXEC);
  if (errno === 0 && image.data !== undefined) errno = yield* this.mapSegment(process, image.data, PROT_READ | PROT_WRITE);
  const dataEnd = image.data === undefined ? undefined : roundPage(image.data.at + image.data.size);
  layout.dataStart = asVa(image.data?.at ?? image.breakAt ?? layout.dataStart);
  layout.dataSize = dataEnd === undefined ? 0 : dataEnd - layout.dataStart;
  const bss = roundPage(image.bss ?? 0);
  if (errno === 0 && bss > 0)
    errno = yield* this.vm.mapData(this.spaceOf(process), asVa(layout.dataStart + layout.dataSize), bss);
  layout.dataSize += bss;
  if (errno === 0 && image.stack !== false) errno = yield* this.mapStack(process);
  return errno;
}

/** Maps one segment of a program. */
export function* mapSegment(this: Sys, process: Process, segment: ImageSegment, protection: Protection): Step<Errno> {
  const vnode = segment.file === undefined ? null : this.vfs.lookup(segment.file.path);
  const mapped = yield* this.vm.map(this.spaceOf(process), {
    ...this.fixedRequest(segment.at, roundPage(segment.size), protection),
    vnode,
    offset: segment.file?.offset ?? 0,
    flags: MAP_FIXED | MAP_PRIVATE | (vnode === null ? MAP_ANON : 0),
  });
  return mapped < 0 ? -mapped : 0;
}

/**
 * Maps the stack: as much as the limit allows for use, and the rest up to the largest stack reserved. `exec_setup_stack()`.
 */
export function* mapStack(this: Sys, process: Process): Step<Errno> {
  const { stackTop, stackLimit } = process.layout;
  if (stackLimit < this.userSpace.min) return ENOMEM;
  const usable = roundPage(Math.min(process.limits.soft(RLIMIT_STACK), MAXSSIZ));
  const reserved = stackTop - stackLimit - usable;
  const space = this.spaceOf(process);
  if (reserved > 0) {
    const guard = yield* this.vm.map(space, this.fixedRequest(stackLimit, reserved, PROT_NONE));
    if (guard < 0) return -guard;
  }
  const request = this.fixedRequest(asVa(stackLimit + reserved), usable, PROT_READ | PROT_WRITE);
  const mapped = yield* this.vm.map(space, request);
  return mapped < 0 ? -mapped : 0;
}

/** Anonymous private memory at a place. */
export function fixedRequest(this: Sys, start: Va, size: number, protection: Protection): MapRequest {
  return {
    hint: start,
    size,
    protection,
    maxProtection: PROT_ALL,
    flags: MAP_FIXED | MAP_PRIVATE | MAP_ANON,
    vnode: null,
    offset: 0,
    advice: MADV_NORMAL,
    sizeLimit: Number.POSITIVE_INFINITY,
    wireLimit: Number.POSITIVE_INFINITY,
  };
}

/**
 * Replaces the program of the running process. `sys_execve()`.
 *
 * @returns 0; or minus ENOENT, ENOMEM, EINVAL for an image that cannot be run; EINTR when the thread is to leave; when the old program is gone
 *   and the new one cannot be mapped, an errno that nobody is left to see
 */
export function* sysExecve(this: Sys, image: ExecImage): Step<number> {
  const process = this.processOf(this.curlwp);
  const refused = this.checkImage(image);
  if (refused !== 0) return -refused;
  if (!(yield* this.exitLwps(process))) return -EINTR;
  const errno = yield* this.execve1(image);
  if (errno !== 0) this.endProcess(process, { kind: 'signaled', signal: SIGKILL });
  return -errno;
}

/** Adds a thread to the running process. `sys__lwp_create()`. @returns the thread's number */
export function sysLwpCreate(this: Sys, start: (lwp: Lwp) => void): number {
  const process = this.processOf(this.curlwp);
  const lwp = this.addLwp(process);
  start(lwp);
  return lwp.lid;
}

/** Ends the running process. `sys_exit()`. Does not return. */
export function sysExit(this: Sys, status: number): never {
  this.endProcess(this.processOf(this.curlwp), { kind: 'exited', status: status & 0xff });
  throw new LwpExit();
}

/** Ends the running thread, and with the last one the process. `sys__lwp_exit()`. Does not return. */
export function sysLwpExit(this: Sys): never {
  throw new LwpExit();
}

/** Has a process end: its threads leave when they next come by, and the last one tears it down. */
export function endProcess(this: Sys, process: Process, reason: ExitReason): void {
  if (process.ending !== null) return;
  process.ending = reason;
  for (const lwp of process.lwps) this.kern.scheduler.interrupt(lwp);
}

/**
 * A thread has left its program; the last one to leave tears the process down. `lwp_exit()`, `exit1()`. => in that thread.
 */
export function* lwpExit(this: Sys, lwp: Lwp): Step<void> {
  const process = this.processOf(lwp);
  yield* this.procLock.enter();
  process.lwps.splice(process.lwps.indexOf(lwp), 1);
  const isLast = process.ending === null ? process.lwps.length === 0 : process.lwps.every((other) => other.idle);
  if (!isLast && process.survivor !== null) yield* process.lwpEvent.broadcast();
  yield* this.procLock.exit();
  if (!isLast) {
    this.kern.scheduler.destroy(lwp);
    return;
  }
  // Threads without a job never come by.
  for (const idle of process.lwps.splice(0)) this.kern.scheduler.destroy(idle);
  process.ending ??= { kind: 'exited', status: 0 };
  yield* this.exit1(process, lwp);
}

/** Gives back all that a process has, and tells its parent. `exit1()`. */
export function* exit1(this: Sys, process: Process, lwp: Lwp): Step<void> {
  this.observer?.exiting(process);
  for (const fd of process.files.open()) yield* this.closeDescriptor(process, fd);
  const { space } = process;
  process.space = null;
  if (space !== null) yield* this.vm.releaseSpace(space);
  yield* this.procLock.enter();
  process.borrowsSpace = false;
  process.zombie = true;
  for (const child of process.children) {
    child.parent = null;
    if (child.zombie) this.processes.delete(child.pid);
  }
  process.children.clear();
  if (process.parent !== null) yield* process.parent.childEvent.broadcast();
  else this.processes.delete(process.pid);
  yield* this.procLock.exit();
  this.kern.scheduler.destroy(lwp);
}

/**
 * Waits for a child to end, and forgets it. `sys_wait4()`.
 *
 * @param pid of the child, -1 for any
 * @returns who and how; 0 with `nohang` when none has ended; or minus ECHILD, EINTR
 */
export function* sysWait4(this: Sys, pid: number, options: { nohang: boolean }): Step<WaitResult | number> {
  const process = this.processOf(this.curlwp);
  yield* this.procLock.enter();
  for (;;) {
    const children = [...process.children].filter((child) => pid === -1 || child.pid === pid);
    const ended = children.find((child) => child.zombie);
    if (ended !== undefined) {
      process.children.delete(ended);
      this.processes.delete(ended.pid);
      yield* this.procLock.exit();
      return { pid: ended.pid, reason: ended.ending ?? { kind: 'exited', status: 0 } };
    }
    let answer: number | null = children.length === 0 ? -ECHILD : options.nohang ? 0 : null;
    if (answer === null && (yield* process.childEvent.waitInterruptibly(this.procLock)) === EINTR) answer = -EINTR;
    if (answer !== null) {
      yield* this.procLock.exit();
      return answer;
    }
  }
}

/** Ends another process of the same user. `sys_kill()`, for the signals that end one. @returns 0, or minus ESRCH, EINVAL */
export function* sysKill(this: Sys, pid: number, signal: number): Step<number> {
  if (signal < 0 || signal > 63) return -EINVAL;
  const target = this.processes.get(pid);
  if (target === undefined || target.zombie) return -ESRCH;
  if (signal === 0) return 0;
  return yield* this.psignal(target, signal);
}

/** The largest break that data may have, and so on: the layout of a space without a program. */
export function newLayout(this: Sys, space: { max: Va }): Process['layout'] {
  const stackTop = truncPage(space.max);
  return { dataStart: asVa(0x600000), dataSize: 0, breakAt: null, stackLimit: asVa(stackTop - MAXSSIZ), stackTop };
}
