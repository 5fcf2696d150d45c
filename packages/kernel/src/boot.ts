/** Booting a whole system: machine, virtual memory, system calls. */
import { type Credentials, USER } from './kern/credentials.js';
import { type Errno, errnoName } from './kern/errno.js';
import type { Violation } from './kern/invariant.js';
import { Kern, type KernOptions } from './kern/kern.js';
import type { Lwp } from './kern/lwp.js';
import { applyPatches, type Patch as PatchOf } from './kern/patch.js';
import type { StateWriter } from './kern/state.js';
import type { Step } from './kern/switch.js';
import { createMachine, type Machine, type MachineOptions } from './machine/machine.js';
import { shmInvariants } from './sys/audit-shm.js';
import { type DeviceOf, type DeviceSettings, makeDevice } from './sys/devices.js';
import type { ExecImage } from './sys/exec-image.js';
import { FileTable } from './sys/file.js';
import type { Process } from './sys/process.js';
import { addSwap, type SwapOption } from './sys/swap-options.js';
import { bootSys, type Sys, type SysOptions } from './sys/sys.js';
import type { User, UserProgram } from './sys/user.js';
import { uvmInvariants } from './uvm/audit/audit.js';
import { uvmAdvisories } from './uvm/audit/audit-advice.js';
import { UvmSystem } from './uvm/system.js';
import { bootUvm, type Uvm, type UvmOptions } from './uvm/uvm.js';

/** The modules of a NetBSD kernel whose functions a patch can replace. */
export interface NetbsdModules {
  readonly machine: Machine;
  readonly uvm: Uvm;
  readonly sys: Sys;
}

/** A change to a NetBSD kernel that is made at boot. */
export type NetbsdPatch = PatchOf<NetbsdModules>;

/** Checks a patch's types; gives it back as it is. */
export function definePatch(patch: NetbsdPatch): NetbsdPatch {
  return patch;
}

/** How a NetBSD system is booted. */
export interface BootOptions extends KernOptions, UvmOptions, SysOptions, MachineOptions {
  /** What there is to swap to. Default: nothing. */
  readonly swap?: readonly SwapOption[];
  /** Devices, by path: `{ '/dev/rst0': { kind: 'tape' } }`. */
  readonly devices?: Readonly<Record<string, DeviceSettings>>;
  /** Changes to the kernel, applied in order. */
  readonly patches?: readonly NetbsdPatch[];
}

/** How a process is started. */
export interface SpawnOptions {
  /** What its first thread runs; without it the thread waits for `perform`. */
  readonly program?: UserProgram;
  /** What is mapped from the start; nothing when absent. */
  readonly image?: ExecImage;
  readonly credentials?: Credentials;
}

/** A NetBSD system: one machine with UVM and its system calls. */
export class NetbsdSystem {
  readonly kern: Kern;
  readonly machine: Machine;
  readonly uvm: Uvm;
  readonly vm: UvmSystem;
  readonly sys: Sys;
  /** The changes that it was booted with, by name. */
  readonly patches: readonly string[];

  /** @throws {RangeError} for options that make no sense, {PatchError} for patches that do not fit */
  constructor(options: BootOptions) {
    this.kern = new Kern(options);
    this.machine = createMachine(this.kern, options);
    this.uvm = bootUvm(this.kern, this.machine, options);
    this.vm = new UvmSystem(this.uvm);
    this.sys = bootSys(this.kern, this.machine, this.vm, options);
    addSwap(this.sys, options.swap ?? []);
    for (const [path, settings] of Object.entries(options.devices ?? {})) this.addDevice(path, settings);
    this.kern.auditor.register(uvmInvariants(this.uvm));
    this.kern.auditor.registerAdvisories(uvmAdvisories(this.uvm));
    this.kern.auditor.register(shmInvariants(this.sys));
    applyPatches({ machine: this.machine, uvm: this.uvm, sys: this.sys }, options.patches ?? []);
    this.patches = (options.patches ?? []).map(({ id }) => id);
  }

  /** Gives the machine a device under a name: `/dev/rst0`. */
  addDevice<D extends DeviceSettings>(path: string, settings: D): DeviceOf<D> {
    const device = makeDevice(this.sys, path, settings);
    this.sys.addDevice(path, device);
    return device;
  }

  /**
   * Starts a process. Its program runs when the system does: `run`.
   *
   * @throws {Error} when its image cannot be run
   */
  spawn(name: string, options: SpawnOptions = {}): Process {
    const { sys } = this;
    const { image, program } = options;
    if (image !== undefined) refuseImage(image, sys.checkImage(image));
    const space = this.vm.createSpace(sys.userSpace);
    const process = sys.addProcess({
      name,
      parent: null,
      space,
      layout: sys.newLayout(space),
      files: new FileTable(),
      limits: sys.defaultLimits,
      credentials: options.credentials ?? USER,
    });
    if (image !== undefined) refuseImage(image, this.perform(process, () => sys.mapImage(process, image)) ?? 0);
    const [first] = process.lwps;
    if (program !== undefined && first !== undefined) this.startProgram(first, program);
    return process;
  }

  /** Starts an idle thread on a program; when the program returns, the thread is gone. */
  startProgram(lwp: Lwp, program: UserProgram): void {
    const user = this.sys.userOf(lwp);
    this.sys.startThread(lwp, () => program(user));
  }

  /**
   * Runs until every thread has done its job.
   *
   * @throws {KernelPanic} when the kernel stops, {Deadlock} when threads wait for ever
   */
  run(): void {
    this.kern.scheduler.run();
  }

  /**
   * Has an idle thread do something, and runs the system until it is done and nobody else has anything to do either.
   *
   * @param on the thread, or the process whose first thread is meant
   * @returns what the job gave; undefined when the thread ended over it
   */
  perform<T>(on: Process | Lwp, job: (user: User) => Step<T>): T | undefined {
    const lwp = 'lwps' in on ? on.lwps[0] : on;
    if (lwp === undefined) throw new Error(`process ${'pid' in on ? on.pid : ''} has ended`);
    const user = this.sys.userOf(lwp);
    const outcome: { value?: T } = {};
    this.sys.performOn(lwp, function* () {
      outcome.value = yield* job(user);
    });
    this.run();
    return outcome.value;
  }

  /**
   * As `perform`, but returns as well when the job cannot go on for now.
   *
   * @returns whether the job is done
   */
  performUntilBlocked(lwp: Lwp, job: (user: User) => Step<void>): boolean {
    const user = this.sys.userOf(lwp);
    this.sys.performOn(lwp, () => job(user));
    return this.kern.scheduler.runUntilIdle(lwp);
  }

  /** Checks every invariant; an empty answer means that all hold. */
  audit(): Violation[] {
    return this.kern.auditor.audit();
  }

  /**
   * Tells the state of the whole system. What programs remember in their own variables is in it in the watched build only, and there as
   * a digest of all that they were given.
   */
  writeState(writer: StateWriter): void {
    const { kern, machine, uvm, vm, sys } = this;
    writer.interchangeable(uvm.pages.first, uvm.pages.length);
    // Of these there is one each, and what is in them is told below or never changes.
    writer.known(this, kern, kern.scheduler, kern.faults, kern.witness, kern.log, kern.auditor, machine, machine.ram);
    writer.known(
      machine.reverseMap,
      uvm,
      uvm.pages,
      uvm.freeList,
      ...uvm.policy.queues.map(({ list }) => list),
      uvm.uvmexp,
      uvm.objectWirings,
      uvm.swap.devices,
      vm,
      sys,
      sys.vfs,
      sys.shm,
    );
    // From the names that programs use down to what these lead to: so numbers do not depend on the order in which things were made.
    writer.part('sys', (part) => sys.writeState(part));
    writer.part('kern', (part) => kern.writeState(part));
    writer.part('vm', (part) => vm.writeState(part));
    writer.part('machine', (part) => machine.writeState(part));
    // What threads have in their variables may be any of that, or something that only they know of; and so it is with pages.
    writer.part('frames', (part) => kern.scheduler.writeFrames(part));
    writer.part('pages', (part) => vm.writePages(part));
  }
}

/** Tells the host of an image that cannot be run. */
function refuseImage({ name }: ExecImage, errno: Errno): void {
  if (errno !== 0) throw new Error(`the image ${name} cannot be run: ${errnoName(errno)}`);
}

/** Boots a NetBSD system. */
export function bootNetbsd(options: BootOptions): NetbsdSystem {
  return new NetbsdSystem(options);
}
