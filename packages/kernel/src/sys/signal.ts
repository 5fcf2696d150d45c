/** Signals, as far as memory needs them. sys/sys/signal.h, sys/sys/siginfo.h: the numbers are the same in both BSDs. */
import { EACCES, EFAULT, EINVAL, ENOMEM, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import type { User } from './user.js';

export const SIGKILL = 9;
export const SIGBUS = 10;
export const SIGSEGV = 11;
export const SIGPIPE = 13;
export const SIGTERM = 15;
export const SIGCHLD = 20;
export const SIGXFSZ = 25;

/** Nothing is mapped at the address. */
export const SEGV_MAPERR = 1;
/** The mapping does not allow the access. */
export const SEGV_ACCERR = 2;
/** The address is beyond the end of the file. */
export const BUS_ADRERR = 2;
/** The page could not be read, or there is no room for it in the file. */
export const BUS_OBJERR = 3;

const NAMES: ReadonlyMap<number, string> = new Map([
  [SIGKILL, 'SIGKILL'],
  [SIGBUS, 'SIGBUS'],
  [SIGSEGV, 'SIGSEGV'],
  [SIGPIPE, 'SIGPIPE'],
  [SIGTERM, 'SIGTERM'],
  [SIGCHLD, 'SIGCHLD'],
  [SIGXFSZ, 'SIGXFSZ'],
]);

const CODES: ReadonlyMap<string, string> = new Map([
  [`${SIGSEGV} ${SEGV_MAPERR}`, 'SEGV_MAPERR'],
  [`${SIGSEGV} ${SEGV_ACCERR}`, 'SEGV_ACCERR'],
  [`${SIGBUS} ${BUS_ADRERR}`, 'BUS_ADRERR'],
  [`${SIGBUS} ${BUS_OBJERR}`, 'BUS_OBJERR'],
]);

/** `SIGSEGV`; `signal N` for one that has no name here. */
export function signalName(signal: number): string {
  return NAMES.get(signal) ?? `signal ${signal}`;
}

/** `SEGV_MAPERR`; the number for a code that has no name here. */
export function signalCodeName(signal: number, code: number): string {
  return CODES.get(`${signal} ${code}`) ?? String(code);
}

/** What came, why, and about which address. */
export interface SignalInfo {
  readonly signal: number;
  readonly code: number;
  readonly address: number;
}

/**
 * What a program does about a signal. For a fault it answers whether the instruction is tried again (`retry`), or passed over as if
 * the handler had jumped out of it (`skip`).
 *
 * @param user the thread that runs it, of whichever process: a child has its parent's handlers
 */
export type SignalHandler = (info: SignalInfo, user: User) => Step<'retry' | 'skip'>;

/** The signal for a fault that could not be resolved. sys/arch/amd64/amd64/trap.c */
export function faultSignal(errno: Errno, address: number): SignalInfo {
  switch (errno) {
    case EFAULT:
      return { signal: SIGSEGV, code: SEGV_MAPERR, address };
    case EACCES:
      return { signal: SIGSEGV, code: SEGV_ACCERR, address };
    case EINVAL:
      return { signal: SIGBUS, code: BUS_ADRERR, address };
    case ENOMEM:
      // Out of memory, and of swap.
      return { signal: SIGKILL, code: 0, address };
    default:
      return { signal: SIGBUS, code: BUS_OBJERR, address };
  }
}
