/**
 * A thread's view of the machine: the system calls by name, and loads and stores. What programs are written against.
 *
 * Each call is announced to `kern/`, logged, and ends at a quiet point when nobody else is inside the kernel. Values are as the
 * system call gives them: a number, where one below zero is minus an errno.
 */

import type { Limit } from '../kern/limits.js';
import type { Lwp } from '../kern/lwp.js';
import { BUILD, type Step } from '../kern/switch.js';
import type { SwapDescription } from '../vm/system.js';
import { mixIn, watchCalls } from './boundary.js';
import type { ExecImage } from './exec-image.js';
import { O_CLOEXEC } from './file.js';
import { admitOutside } from './outside.js';
import { shmPath } from './posix-shm.js';
import { LwpExit, type Process } from './process.js';
import type { WaitResult } from './process-calls.js';
import type { ShmSettings, ShmStatus } from './shm.js';
import type { SignalHandler } from './signal.js';
import type { Sys } from './sys.js';
import { UserMemory } from './user-memory.js';

/** What a thread runs. */
export type UserProgram = (user: User) => Step<void>;

/** A system call was made, or has returned. */
export type SyscallEvent =
  | { readonly kind: 'syscall'; readonly pid: number; readonly name: string; readonly args: readonly (number | string)[] }
  | { readonly kind: 'sysret'; readonly pid: number; readonly name: string; readonly result: number };

/** A thread of a process, as its program sees it. */
export class User extends UserMemory {
  readonly process: Process;

  constructor(sys: Sys, lwp: Lwp) {
    super(sys, lwp);
    this.process = sys.processOf(lwp);
  }

  /**
   * Says that what this program does from here on depends on nothing that it was given before, except for these values. An explorer
   * then knows that it has been here, whatever led here; without labels it takes two threads for different that were ever given
   * different values.
   */
  label(name: string, ...live: readonly (number | bigint | string | boolean)[]): void {
    const { history } = this.lwp;
    history.clear();
    mixIn(history, name);
    for (const value of live) mixIn(history, value);
  }

  // Memory.

  /** Maps memory; answers the address. `mmap(2)` */
  *mmap(address: number, length: number, protection: number, flags: number, fd = -1, offset = 0): Step<number> {
    this.#enter('mmap', address, length, protection, flags, fd, offset);
    return yield* this.#leave(yield* this.sys.sysMmap(address, length, protection, flags, fd, offset));
  }

  /** `munmap(2)` */
  *munmap(address: number, length: number): Step<number> {
    this.#enter('munmap', address, length);
    return yield* this.#leave(yield* this.sys.sysMunmap(address, length));
  }

  /** `mprotect(2)` */
  *mprotect(address: number, length: number, protection: number): Step<number> {
    this.#enter('mprotect', address, length, protection);
    return yield* this.#leave(yield* this.sys.sysMprotect(address, length, protection));
  }

  /** `minherit(2)` */
  *minherit(address: number, length: number, inheritance: number): Step<number> {
    this.#enter('minherit', address, length, inheritance);
    return yield* this.#leave(yield* this.sys.sysMinherit(address, length, inheritance));
  }

  /** `msync(2)` */
  *msync(address: number, length: number, flags: number): Step<number> {
    this.#enter('msync', address, length, flags);
    return yield* this.#leave(yield* this.sys.sysMsync(address, length, flags));
  }

  /** `madvise(2)` */
  *madvise(address: number, length: number, advice: number): Step<number> {
    this.#enter('madvise', address, length, advice);
    return yield* this.#leave(yield* this.sys.sysMadvise(address, length, advice));
  }

  /** Which pages are in memory: a byte for each, at `vector`. `mincore(2)` */
  *mincore(address: number, length: number, vector: number): Step<number> {
    this.#enter('mincore', address, length, vector);
    return yield* this.#leave(yield* this.sys.sysMincore(address, length, vector));
  }

  /** `mlock(2)` */
  *mlock(address: number, length: number): Step<number> {
    this.#enter('mlock', address, length);
    return yield* this.#leave(yield* this.sys.sysMlock(address, length));
  }

  /** `munlock(2)` */
  *munlock(address: number, length: number): Step<number> {
    this.#enter('munlock', address, length);
    return yield* this.#leave(yield* this.sys.sysMunlock(address, length));
  }

  /** `mlockall(2)` */
  *mlockall(flags: number): Step<number> {
    this.#enter('mlockall', flags);
    return yield* this.#leave(yield* this.sys.sysMlockall(flags));
  }

  /** `munlockall(2)` */
  *munlockall(): Step<number> {
    this.#enter('munlockall');
    return yield* this.#leave(yield* this.sys.sysMunlockall());
  }

  /** Moves or resizes a mapping; answers the address. `mremap(2)`, with NetBSD's order of arguments. */
  *mremap(oldAddress: number, oldLength: number, newAddress: number, newLength: number, flags: number): Step<number> {
    this.#enter('mremap', oldAddress, oldLength, newAddress, newLength, flags);
    return yield* this.#leave(yield* this.sys.sysMremap(oldAddress, oldLength, newAddress, newLength, flags));
  }

  /** Moves the break to an address. `brk(2)` */
  *brk(address: number): Step<number> {
    this.#enter('brk', address);
    return yield* this.#leave(yield* this.sys.sysObreak(address));
  }

  /** Moves the break by so many bytes, as the C library does; answers where it was, or minus ENOMEM. `sbrk(2)` */
  *sbrk(increment: number): Step<number> {
    const { layout } = this.process;
    const old = layout.breakAt ?? layout.dataStart + layout.dataSize;
    layout.breakAt = old;
    if (increment === 0) return old;
    const answer = yield* this.brk(old + increment);
    if (answer < 0) return answer;
    layout.breakAt = old + increment;
    return old;
  }

  /** Controls what is swapped to, by a command (`SWAP_*`). `swapctl(2)` */
  *swapctl(command: number, path: string | null = null, misc = 0): Step<SwapDescription[] | number> {
    this.#enter('swapctl', command, path ?? 0, misc);
    const result = yield* this.sys.sysSwapctl(command, path, misc);
    if (typeof result === 'number') return yield* this.#leave(result);
    yield* this.#leave(result.length);
    return result;
  }

  // Shared memory.

  /** Finds or makes a segment; answers its id. `shmget(2)` */
  *shmget(key: number, size: number, flags: number): Step<number> {
    this.#enter('shmget', key, size, flags);
    return yield* this.#leave(yield* this.sys.sysShmget(key, size, flags));
  }

  /** Attaches a segment; answers the address. @param address 0 for wherever there is room. `shmat(2)` */
  *shmat(id: number, address: number, flags: number): Step<number> {
    this.#enter('shmat', id, address, flags);
    return yield* this.#leave(yield* this.sys.sysShmat(id, address, flags));
  }

  /** Detaches what is attached at an address. `shmdt(2)` */
  *shmdt(address: number): Step<number> {
    this.#enter('shmdt', address);
    return yield* this.#leave(yield* this.sys.sysShmdt(address));
  }

  /** Tells of a segment, changes, removes, wires or unwires it. @param settings with `IPC_SET`. `shmctl(2)` */
  *shmctl(id: number, command: number, settings: ShmSettings | null = null): Step<ShmStatus | number> {
    this.#enter('shmctl', id, command);
    const result = yield* this.sys.sysShmctl(id, command, settings);
    const answer = yield* this.#leave(typeof result === 'number' ? result : 0);
    return typeof result === 'number' ? answer : result;
  }

  /** Opens a memory object, as the C library does: a file of tmpfs. `shm_open(3)` */
  *shmOpen(name: string, flags: number): Step<number> {
    const path = shmPath(name);
    return typeof path === 'number' ? path : yield* this.open(path, flags | O_CLOEXEC);
  }

  /** Takes the name of a memory object away, as the C library does. `shm_unlink(3)` */
  *shmUnlink(name: string): Step<number> {
    const path = shmPath(name);
    return typeof path === 'number' ? path : yield* this.unlink(path);
  }

  // Processes and threads.

  /** Makes a child with a copy of the memory, which runs `program`, or nothing yet; answers its pid. `fork(2)` */
  *fork(program?: UserProgram): Step<number> {
    this.#enter('fork');
    return yield* this.#leave(yield* this.sys.sysFork((child) => this.#startFirst(child, program)));
  }

  /** As `fork`, but the child has this memory until it execs or exits; only then goes on. `vfork(2)` */
  *vfork(program?: UserProgram): Step<number> {
    this.#enter('vfork');
    return yield* this.#leave(yield* this.sys.sysVfork((child) => this.#startFirst(child, program)));
  }

  /** Makes a child that shares what the flags (`CLONE_*`) say; answers its pid. `__clone(2)` */
  *clone(flags: number, program?: UserProgram): Step<number> {
    this.#enter('__clone', flags);
    return yield* this.#leave(yield* this.sys.sysClone(flags, (child) => this.#startFirst(child, program)));
  }

  /** Adds a thread, which runs `program`, or nothing yet; answers its number. `_lwp_create(2)` */
  *lwpCreate(program?: UserProgram): Step<number> {
    this.#enter('_lwp_create');
    return yield* this.#leave(this.sys.sysLwpCreate((lwp) => this.#startThread(lwp, program)));
  }

  /** Replaces the program: what follows in this one is the new one's. `execve(2)` */
  *execve(image: ExecImage): Step<number> {
    this.#enter('execve', image.name);
    return yield* this.#leave(yield* this.sys.sysExecve(image));
  }

  /** Ends the process; does not return. `exit(2)` */
  *exit(status: number): Step<never> {
    this.#enter('exit', status);
    return this.#left(() => this.sys.sysExit(status));
  }

  /** Ends this thread; does not return. `_lwp_exit(2)` */
  *lwpExit(): Step<never> {
    this.#enter('_lwp_exit');
    return this.#left(() => this.sys.sysLwpExit());
  }

  /** Waits for a child to end. @param pid of the child, -1 for any. `wait4(2)` */
  *wait(pid = -1, options: { nohang?: boolean } = {}): Step<WaitResult | number> {
    this.#enter('wait4', pid);
    const result = yield* this.sys.sysWait4(pid, { nohang: options.nohang === true });
    yield* this.#leave(typeof result === 'number' ? result : result.pid);
    return result;
  }

  /** Sends a signal. `kill(2)` */
  *kill(pid: number, signal: number): Step<number> {
    this.#enter('kill', pid, signal);
    return yield* this.#leave(yield* this.sys.sysKill(pid, signal));
  }

  /** Says what to do about a signal; null for what is usual. `sigaction(2)` */
  sigaction(signal: number, handler: SignalHandler | 'ignore' | null): void {
    if (handler === null) this.process.handlers.delete(signal);
    else this.process.handlers.set(signal, handler);
  }

  // Files.

  /** `open(2)` */
  *open(path: string, flags: number): Step<number> {
    this.#enter('open', path, flags);
    return yield* this.#leave(yield* this.sys.sysOpen(path, flags));
  }

  /** `close(2)` */
  *close(fd: number): Step<number> {
    this.#enter('close', fd);
    return yield* this.#leave(yield* this.sys.sysClose(fd));
  }

  /** `unlink(2)` */
  *unlink(path: string): Step<number> {
    this.#enter('unlink', path);
    return yield* this.#leave(yield* this.sys.sysUnlink(path));
  }

  /** `dup(2)` */
  *dup(fd: number): Step<number> {
    this.#enter('dup', fd);
    return yield* this.#leave(yield* this.sys.sysDup(fd, null));
  }

  /** `dup2(2)` */
  *dup2(fd: number, to: number): Step<number> {
    this.#enter('dup2', fd, to);
    return yield* this.#leave(yield* this.sys.sysDup(fd, to));
  }

  /** Makes a pipe; answers the descriptors of its ends, or minus an errno. `pipe(2)`, with flags `pipe2(2)` */
  *pipe(flags?: number): Step<{ read: number; write: number } | number> {
    if (flags === undefined) this.#enter('pipe');
    else this.#enter('pipe2', flags);
    const result = yield* this.sys.sysPipe(flags ?? 0);
    yield* this.#leave(typeof result === 'number' ? result : 0);
    return result;
  }

  /** Makes two connected sockets; answers their descriptors, or minus an errno. `socketpair(2)` */
  *socketpair(domain: number, type: number, protocol = 0): Step<[number, number] | number> {
    this.#enter('socketpair', domain, type, protocol);
    const result = yield* this.sys.sysSocketpair(domain, type, protocol);
    yield* this.#leave(typeof result === 'number' ? result : 0);
    return result;
  }

  /** Sends from memory. `send(2)`, which is `sendto(2)` to nobody in particular. */
  *send(fd: number, address: number, length: number, flags = 0): Step<number> {
    this.#enter('sendto', fd, address, length, flags);
    return yield* this.#leave(yield* this.sys.sysSendto(fd, address, length, flags));
  }

  /** Receives into memory. `recv(2)`, which is `recvfrom(2)` without asking from whom. */
  *recv(fd: number, address: number, length: number, flags = 0): Step<number> {
    this.#enter('recvfrom', fd, address, length, flags);
    return yield* this.#leave(yield* this.sys.sysRecvfrom(fd, address, length, flags));
  }

  /** Ends receiving, sending or both. `shutdown(2)` */
  *shutdown(fd: number, how: number): Step<number> {
    this.#enter('shutdown', fd, how);
    return yield* this.#leave(yield* this.sys.sysShutdown(fd, how));
  }

  /** Sets how much may be under way on a socket. `setsockopt(2)` */
  *setsockopt(fd: number, level: number, name: number, value: number): Step<number> {
    this.#enter('setsockopt', fd, level, name, value);
    return yield* this.#leave(yield* this.sys.sysSetsockopt(fd, level, name, value));
  }

  /** Reads into memory. `read(2)` */
  *read(fd: number, address: number, length: number): Step<number> {
    this.#enter('read', fd, address, length);
    return yield* this.#leave(yield* this.sys.sysRead(fd, address, length, null));
  }

  /** Writes from memory. `write(2)` */
  *write(fd: number, address: number, length: number): Step<number> {
    this.#enter('write', fd, address, length);
    return yield* this.#leave(yield* this.sys.sysWrite(fd, address, length, null));
  }

  /** `pread(2)` */
  *pread(fd: number, address: number, length: number, offset: number): Step<number> {
    this.#enter('pread', fd, address, length, offset);
    return yield* this.#leave(yield* this.sys.sysRead(fd, address, length, offset));
  }

  /** `pwrite(2)` */
  *pwrite(fd: number, address: number, length: number, offset: number): Step<number> {
    this.#enter('pwrite', fd, address, length, offset);
    return yield* this.#leave(yield* this.sys.sysWrite(fd, address, length, offset));
  }

  /** `lseek(2)` */
  *lseek(fd: number, offset: number, whence: number): Step<number> {
    this.#enter('lseek', fd, offset, whence);
    return yield* this.#leave(this.sys.sysLseek(fd, offset, whence));
  }

  /** Reads a value of the kernel, and changes it with `fresh`; answers its size. `sysctl(2)`, by name as sysctlbyname(3) has it. */
  *sysctl(name: string, old: number, oldLength: number, fresh = 0, freshLength = 0): Step<number> {
    this.#enter('sysctl', name, old, oldLength, fresh, freshLength);
    return yield* this.#leave(yield* this.sys.sysSysctl(name, old, oldLength, fresh, freshLength));
  }

  /** Has a device do something; `argument` is a number, or the address of a structure. `ioctl(2)` */
  *ioctl(fd: number, request: number, argument = 0): Step<number> {
    this.#enter('ioctl', fd, request, argument);
    return yield* this.#leave(yield* this.sys.sysIoctl(fd, request, argument));
  }

  /** `ftruncate(2)` */
  *ftruncate(fd: number, size: number): Step<number> {
    this.#enter('ftruncate', fd, size);
    return yield* this.#leave(yield* this.sys.sysFtruncate(fd, size));
  }

  /** Says how a file will be read, or which part of it soon or not: `POSIX_FADV_*`. `posix_fadvise(2)` */
  *posixFadvise(fd: number, offset: number, length: number, advice: number): Step<number> {
    this.#enter('posix_fadvise', fd, offset, length, advice);
    return yield* this.#leave(yield* this.sys.sysPosixFadvise(fd, offset, length, advice));
  }

  /** `fsync(2)` */
  *fsync(fd: number): Step<number> {
    this.#enter('fsync', fd);
    return yield* this.#leave(yield* this.sys.sysFsync(fd));
  }

  /** A limit, or minus EINVAL. `getrlimit(2)` */
  *getrlimit(which: number): Step<Limit | number> {
    this.#enter('getrlimit', which);
    const result = this.sys.sysGetrlimit(which);
    yield* this.#leave(typeof result === 'number' ? result : 0);
    return result;
  }

  /** `setrlimit(2)` */
  *setrlimit(which: number, limit: Limit): Step<number> {
    this.#enter('setrlimit', which, limit.current, limit.maximum);
    return yield* this.#leave(yield* this.sys.sysSetrlimit(which, limit));
  }

  #startFirst(child: Process, program: UserProgram | undefined): void {
    const [first] = child.lwps;
    if (first !== undefined) this.#startThread(first, program);
  }

  #startThread(lwp: Lwp, program: UserProgram | undefined): void {
    if (program === undefined) return;
    const user = this.sys.userOf(lwp);
    // Which program it runs, and what that one was told, is what this one made of all that it was given.
    lwp.history.copyFrom(this.lwp.history);
    this.sys.startThread(lwp, () => program(user));
  }

  #enter(name: string, ...args: (number | string)[]): void {
    const { kern } = this.sys;
    if (this.process.leaves(this.lwp) || this.process.space === null) throw new LwpExit();
    this.mustRun('makes a system call');
    kern.enter();
    this.lwp.call = { name, args };
    kern.announce(name);
    this.sys.observer?.called(this.lwp, this.lwp.call);
    if (kern.log.on) kern.log.emit({ kind: 'syscall', pid: this.process.pid, name, args } as SyscallEvent);
  }

  *#leave(answer: number): Step<number> {
    const { kern } = this.sys;
    // Minus an errno of 0 is minus zero, which is 0 to nobody but `Object.is`.
    const result = answer === 0 ? 0 : answer;
    const { call } = this.lwp;
    const name = call?.name ?? '';
    if (this.lwp.held.length > 0) kern.panic(`lwp ${this.lwp.name} returns from ${name} holding ${this.lwp.held[0]?.label}`);
    this.lwp.call = null;
    if (call !== null) this.sys.observer?.returned(this.lwp, call, result);
    if (kern.log.on) kern.log.emit({ kind: 'sysret', pid: this.process.pid, name, result } as SyscallEvent);
    kern.leave();
    yield* this.sys.postsig();
    return result;
  }

  /** Leaves the kernel for good. */
  #left(exit: () => never): never {
    this.lwp.call = null;
    this.sys.kern.inside--;
    return exit();
  }
}

if (BUILD === 'watched') watchCalls(User.prototype);
if (BUILD === 'direct') admitOutside(User.prototype, { plain: ['label', 'sigaction'], last: ['exit', 'lwpExit'] });
