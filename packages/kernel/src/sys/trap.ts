/** Faults of programs. `trap()`, sys/arch/amd64/amd64/trap.c. */
import type { Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { hex, type Va } from '../machine/address.js';
import type { Cpu } from '../machine/cpu.js';
import type { Protection } from '../machine/protection.js';
import { mixIn } from './boundary.js';
import { type FaultDecision, MemoryFaultError, MOST_FAULT_RETRIES, memoryFault } from './memory-fault.js';
import { LwpExit } from './process.js';
import { faultSignal, SIGKILL, type SignalInfo } from './signal.js';
import type { Sys } from './sys.js';

/**
 * A program could not use an address.
 *
 * => a fault that cannot be resolved becomes a signal, unless the kernel was copying: then it answers the errno.
 *
 * @returns 0 to have the access tried again, an errno to have it given up
 */
export function* trapPageFault(this: Sys, cpu: Cpu, va: Va, access: Protection): Step<Errno> {
  const { kern, curlwp } = this;
  // A program in plain JavaScript can pass anything; most of all the generator of a call that it has not made.
  if (typeof va !== 'number') throw new TypeError(`the address is ${va}, not a number; a yield* may be missing in front of it`);
  const process = this.processOf(curlwp);
  if (process.space === null) return kern.panic(`trap: lwp ${curlwp.name} has no address space`);
  const user = !curlwp.onFault;
  for (let retries = 0; ; retries++) {
    if (user) {
      if (process.leaves(curlwp)) throw new LwpExit();
      kern.enter();
      kern.announce('trap', va, access);
    }
    const errno = yield* this.vm.fault(this.spaceOf(process), va, access);
    // Others may have run on this processor meanwhile.
    if (process.space !== null) cpu.activate(process.space.pmap, curlwp);
    if (user) kern.leave();
    if (errno === 0 || !user) return errno;
    const decision = yield* this.decideFault(va, access, errno);
    if (decision === 'skip') return errno;
    if (decision === 'signal') return yield* this.trapFailed(va, errno);
    if (retries === MOST_FAULT_RETRIES) throw new RangeError(neverMended(va));
  }
}

/** Asks the embedder about a fault, if it wants to be asked. @returns what is to be done; never `throw`, which it does itself */
export function* decideFault(this: Sys, va: Va, access: Protection, errno: Errno): Step<Exclude<FaultDecision, 'throw'>> {
  const { onMemoryFault, curlwp } = this;
  if (onMemoryFault === null) return 'signal';
  const decision = yield* onMemoryFault(memoryFault(this.userOf(curlwp), va, access, errno));
  if (decision === 'throw') throw new MemoryFaultError(memoryFault(this.userOf(curlwp), va, access, errno));
  return decision;
}

/** A fault becomes a signal. @returns 0 to have the access tried again, the errno to have it given up */
export function* trapFailed(this: Sys, va: Va, errno: Errno): Step<Errno> {
  const { kern, curlwp } = this;
  const process = this.processOf(curlwp);
  const info = faultSignal(errno, va);
  if (info.signal === SIGKILL) {
    kern.printf(`UVM: pid ${process.pid} (${process.name}), uid ${process.credentials.uid} killed: out of swap`);
  }
  return (yield* this.trapsignal(info)) === 'retry' ? 0 : errno;
}

/**
 * Delivers the signal of a fault to the running thread: to its handler, or by ending its process. `trapsignal()`,
 * sys/kern/kern_sig.c.
 */
export function* trapsignal(this: Sys, info: SignalInfo): Step<'retry' | 'skip'> {
  const process = this.processOf(this.curlwp);
  if (this.kern.log.on) this.kern.log.emit({ kind: 'signal', pid: process.pid, ...info } as SignalEvent);
  const handler = process.handlers.get(info.signal);
  // A fault cannot be ignored: it would come again for ever.
  if (handler !== undefined && handler !== 'ignore' && info.signal !== SIGKILL) {
    mixIn(this.curlwp.history, info);
    return yield* handler(info, this.userOf(this.curlwp));
  }
  process.fatalFault = info;
  this.endProcess(process, { kind: 'signaled', signal: info.signal });
  throw new LwpExit();
}

function neverMended(va: Va): string {
  return `${MOST_FAULT_RETRIES} times in a row onMemoryFault has answered 'retry', and ${hex(va)} still cannot be used`;
}

/** A signal was sent. */
export interface SignalEvent extends SignalInfo {
  readonly kind: 'signal';
  readonly pid: number;
}
