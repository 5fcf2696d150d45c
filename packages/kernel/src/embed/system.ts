/**
 * The face that embedders see: a booted system, its threads, its files, and what can be done to it from outside.
 *
 *     const system = boot({ ram: 64 * MIB });
 *     const guest = system.spawn('guest');                          a thread: system calls, loads and stores
 *     const space = system.space(guest);                            its memory, as the kernel and debuggers see it
 *
 * In the direct build all calls are plain ones. In the stepped build, whose threads can be set aside at each step, calls that may wait are
 * generators and are made in a job: `system.perform(guest, function* (user) { … })`.
 */
import { type BootOptions, bootNetbsd, type NetbsdSystem, type SpawnOptions } from '../boot.js';
import type { Violation } from '../kern/invariant.js';
import type { Step } from '../kern/switch.js';
import type { FileStore } from '../machine/file-store.js';
import { RamFile } from '../machine/file-store.js';
import type { DeviceOf, DeviceSettings } from '../sys/devices.js';
import type { MemoryFaultHook } from '../sys/memory-fault.js';
import type { Process } from '../sys/process.js';
import type { User } from '../sys/user.js';
import { type View, type ViewRequest, view } from '../views.js';
import { Snapshot, type SnapshotOptions } from './snapshot.js';
import { Space } from './space.js';

/** Bytes in a mebibyte. */
export const MIB = 2 ** 20;

/** How a system is booted. */
export interface EmbedOptions extends BootOptions {
  /** Whose virtual memory system it is. There is NetBSD's UVM. */
  readonly design?: 'netbsd';
  /** Decides about faults of programs before they become signals. */
  readonly onMemoryFault?: MemoryFaultHook;
}

/**
 * Boots a system.
 *
 * @throws {RangeError} for options that make no sense
 */
export function boot(options: EmbedOptions): System {
  return new System(options);
}

/** A booted system. */
export class System {
  /** All of it: the kernel's own structures, for whoever wants to look. */
  readonly kernel: NetbsdSystem;
  readonly options: EmbedOptions;

  constructor(options: EmbedOptions) {
    const design: string = options.design ?? 'netbsd';
    if (design !== 'netbsd') throw new RangeError(`there is no design '${design}'; there is 'netbsd'`);
    this.options = options;
    this.kernel = bootNetbsd(options);
    this.kernel.sys.onMemoryFault = options.onMemoryFault ?? null;
  }

  /** Decides about faults of programs before they become signals; null for nobody. */
  get onMemoryFault(): MemoryFaultHook | null {
    return this.kernel.sys.onMemoryFault;
  }

  set onMemoryFault(hook: MemoryFaultHook | null) {
    this.kernel.sys.onMemoryFault = hook;
  }

  /**
   * Starts a process, and answers its first thread.
   *
   * @throws {Error} when its image cannot be run
   */
  spawn(name: string, options: SpawnOptions = {}): User {
    return this.thread(this.kernel.spawn(name, options).pid);
  }

  /**
   * A thread: one and the same object each time.
   *
   * @param pid of its process, as `fork` has answered it
   * @param lid its number in the process, as `lwpCreate` has; the first there is when absent
   * @throws {RangeError} when there is none
   */
  thread(pid: number, lid?: number): User {
    const process = this.process(pid);
    const lwp = lid === undefined ? process.lwps[0] : process.lwps.find((other) => other.lid === lid);
    if (lwp === undefined)
      throw new RangeError(`process ${pid} (${process.name}) has no thread${lid === undefined ? '' : ` ${lid}`}`);
    return this.kernel.sys.userOf(lwp);
  }

  /** All threads, by process and number. */
  threads(): User[] {
    return [...this.kernel.sys.processes.values()].flatMap(({ lwps }) => lwps.map((lwp) => this.kernel.sys.userOf(lwp)));
  }

  /** A process. @throws {RangeError} when there is none of that number */
  process(pid: number): Process {
    const process = this.kernel.sys.processes.get(pid);
    if (process === undefined) throw new RangeError(`there is no process ${pid}`);
    return process;
  }

  /** The memory of a process, by way of one of its threads. */
  space(user: User): Space {
    return new Space(this.kernel.sys, user);
  }

  /** Has an idle thread do something, and runs the system until it is done; answers what it gave, undefined when the thread ended over it. */
  perform<T>(user: User, job: (user: User) => Step<T>): T | undefined {
    return this.kernel.perform(user.lwp, job);
  }

  /** Runs until every thread has done its job. @throws {KernelPanic} when the kernel stops, {Deadlock} when threads wait for ever */
  run(): void {
    this.kernel.run();
  }

  /** Gives a file a name: bytes, which are copied, or whatever keeps a file. @throws {Error} when the name is taken */
  addFile(path: string, content: Uint8Array | FileStore): void {
    const store = content instanceof Uint8Array ? new RamFile(path.slice(path.lastIndexOf('/') + 1), content.slice()) : content;
    this.kernel.sys.vfs.add(path, store);
  }

  /** Gives a device a name: `addDevice('/dev/fb0', { kind: 'memory', pages: 4, device })`. @throws {Error} when the name is taken */
  addDevice<D extends DeviceSettings>(path: string, settings: D): DeviceOf<D> {
    return this.kernel.addDevice(path, settings);
  }

  /** Shows maps, objects, pages, counters … as NetBSD's tools do, and as data. */
  view(request: ViewRequest): View {
    return view(this.kernel, request);
  }

  /** Checks every invariant; an empty answer means that all hold. */
  audit(): Violation[] {
    return this.kernel.audit();
  }

  /**
   * Takes down the whole machine as it is now.
   *
   * => from outside of every thread, while no thread has a job.
   *
   * @throws {SnapshotError} when somebody is in the middle of something, or something cannot be carried
   */
  snapshot(options: SnapshotOptions = {}): Snapshot {
    return Snapshot.take(this.kernel, options);
  }

  /**
   * Goes back to a snapshot: of this system, or of another one that was booted with the same options. As often as one likes.
   *
   * => threads of the system itself (`User`) stay what they are if they existed at that time; of another system's, ask `thread`.
   *
   * @throws {SnapshotError} when the snapshot is not one of such a system
   */
  restore(snapshot: Snapshot, options: SnapshotOptions = {}): void {
    snapshot.restoreTo(this.kernel, options);
  }
}
