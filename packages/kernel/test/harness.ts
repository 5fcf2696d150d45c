/** What tests of the kernel start with: a booted system, a process, and an audit at the end. */
import { expect } from 'vitest';
import { type BootOptions, bootNetbsd, type NetbsdSystem, type Process, type Step, type User } from '../src/index.js';

/** Pages of RAM of a test machine unless told otherwise. */
const RAM_PAGES = 256;

/** A system with a small machine. */
export function boot(options: Partial<BootOptions> = {}): NetbsdSystem {
  return bootNetbsd({ ram: RAM_PAGES * 4096, ...options });
}

/** A system with one process that waits for jobs. */
export function bootProcess(options: Partial<BootOptions> = {}): { system: NetbsdSystem; process: Process } {
  const system = boot(options);
  return { system, process: system.spawn('test') };
}

/** Has a process do something; fails when it ends over it. */
export function act<T>(system: NetbsdSystem, process: Process, job: (user: User) => Step<T>): T {
  const outcome: { value?: T; done?: true } = {};
  system.perform(process, function* (user) {
    outcome.value = yield* job(user);
    outcome.done = true;
  });
  expect(outcome.done, `process ${process.pid} ended: ${JSON.stringify(process.ending)}`).toBe(true);
  return outcome.value as T;
}

/** The child with that pid. */
export function childOf(system: NetbsdSystem, pid: number): Process {
  const child = system.sys.processes.get(pid);
  expect(child, `there is no process ${pid}`).toBeDefined();
  return child as Process;
}

/** Runs a job in a new process of a new system, and expects the kernel to be sound afterwards. */
export function run<T>(job: (user: User, system: NetbsdSystem) => Step<T>, options: Partial<BootOptions> = {}): T {
  const { system, process } = bootProcess(options);
  const value = act(system, process, (user) => job(user, system));
  expectSound(system);
  return value;
}

/** Expects that no invariant is broken. */
export function expectSound(system: NetbsdSystem): void {
  expect(system.audit()).toEqual([]);
}

/** Ends all processes, and expects that they have given everything back but the pages of files. */
export function expectNoLeak(system: NetbsdSystem): void {
  for (const process of [...system.sys.processes.values()]) {
    if (!process.zombie && process.lwps.length > 0) system.perform(process, (user) => user.exit(0));
  }
  expectSound(system);
  const { uvm } = system;
  const left = {
    spaces: uvm.spaces.size,
    maps: uvm.maps.size,
    amaps: uvm.amaps.size,
    anons: uvm.anonCount,
    wired: uvm.uvmexp.wired,
    loans: uvm.kernelLoans.size + uvm.anonLoans.length,
  };
  expect(left).toEqual({ spaces: 0, maps: 0, amaps: 0, anons: 0, wired: 0, loans: 0 });
  // The page of zeros, once it was lent, stays.
  const kept = uvm.uvmexp.filepages + uvm.uvmexp.execpages + uvm.loanzero.pages.count;
  expect(uvm.uvmexp.free + kept).toBe(uvm.uvmexp.npages);
}
