/** What an embedder can do about a fault that the kernel could not resolve, before it becomes a signal. */
import { type Errno, errnoName } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { hex } from '../machine/address.js';
import { PROT_EXEC, PROT_WRITE, type Protection } from '../machine/protection.js';
import { faultSignal, type SignalInfo, signalCodeName, signalName } from './signal.js';
import type { User } from './user.js';

/** A fault that could not be resolved. */
export interface MemoryFault extends SignalInfo {
  /** Whose program it was: the thread, and through it the process. Calls in its name are allowed, to mend things. */
  readonly user: User;
  /** What it tried: `PROT_READ`, `PROT_WRITE` or `PROT_EXEC`. */
  readonly access: Protection;
  /** What UVM answered: EFAULT, EACCES, EINVAL, EIO, ENOMEM … */
  readonly errno: Errno;
}

/**
 * What becomes of a fault.
 *
 *     signal   what the kernel does: the signal's handler runs, or the process ends
 *     retry    it has been mended; the access is made again
 *     skip     the access is given up: a load gives 0, a store does nothing, and the program goes on
 *     throw    the access throws a `MemoryFaultError`, and the program is where it was
 */
export type FaultDecision = 'signal' | 'retry' | 'skip' | 'throw';

/** Decides about the faults of programs. Those of the kernel on behalf of a program, such as `read(2)` into nowhere, are EFAULT and no concern of it. */
export type MemoryFaultHook = (fault: MemoryFault) => Step<FaultDecision>;

/** So often in a row a fault is taken for mended without being so. */
export const MOST_FAULT_RETRIES = 1000;

/** A fault, thrown to the embedder because its hook has said so. */
export class MemoryFaultError extends Error {
  override readonly name = 'MemoryFaultError';
  readonly fault: MemoryFault;

  constructor(fault: MemoryFault) {
    super(faultText(fault));
    this.fault = fault;
  }
}

/** A fault as its hook is told of it. */
export function memoryFault(user: User, address: number, access: Protection, errno: Errno): MemoryFault {
  return { user, access, errno, ...faultSignal(errno, address) };
}

/** `process 1 (guest) cannot write at 0x1000: EFAULT (SIGSEGV, SEGV_MAPERR)` */
export function faultText({ user, address, access, errno, signal, code }: MemoryFault): string {
  const verb = access === PROT_WRITE ? 'write' : access === PROT_EXEC ? 'execute' : 'read';
  const { pid, name } = user.process;
  const why = code === 0 ? signalName(signal) : `${signalName(signal)}, ${signalCodeName(signal, code)}`;
  return `process ${pid} (${name}) cannot ${verb} at ${hex(address)}: ${errnoName(errno)} (${why})`;
}
