/**
 * Sockets that lend: what a program sends in large pieces is not copied, but lent to the kernel, and given back by a thread of its own
 * once it has been received. sys/kern/uipc_socket.c.
 *
 *     sosendLoan ── pages on loan, mapped ──> Mbuf ── in the peer's buffer ── received ──> mFree: soloanfree
 *                                                                                               │ pendfree
 *                                                            returned <── sopendfreeThread <────┘
 *
 * So a loan always ends later than the call that received it.
 */
import { ENOMEM, type Errno } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { asVa, PAGE_MASK, roundPage, truncPage } from '../machine/address.js';
import type { KernelLoan } from '../vm/system.js';
import { Mbuf } from './mbuf.js';
import type { Sys } from './sys.js';

/** Bytes that are lent at once. */
const SOCK_LOAN_CHUNK = 65_536;

/**
 * Lends what the running program sends. `sosend_loan()`. => nothing locked; may sleep.
 *
 * @param space bytes, as many as there is room for
 * @returns an mbuf with the first of them; null when they cannot be lent: they are copied then, which tells what is wrong with them
 */
export function* sosendLoan(this: Sys, address: number, space: number): Step<Mbuf | null> {
  const length = Math.min(space, SOCK_LOAN_CHUNK);
  const start = truncPage(asVa(address));
  const end = roundPage(asVa(address + length));
  if ((yield* this.sokvareserve(end - start)) !== 0) return null;
  const loan = yield* this.vm.borrow(this.spaceOf(this.processOf(this.curlwp)), start, end);
  if (typeof loan === 'number') {
    yield* this.sokvaunreserve(end - start);
    return null;
  }
  return new Mbuf({ loan, offset: address & PAGE_MASK, length });
}

/**
 * Reserves kernel addresses. `sokvareserve()`. => sleeps while there are none, but some are about to be given back
 *
 * => NetBSD sleeps in any case, so who is to receive and never does could hold everybody up: docs/decisions/0006-departures.md.
 *
 * @returns 0; ENOMEM or EINTR when there are none
 */
export function* sokvareserve(this: Sys, length: number): Step<Errno> {
  yield* this.pendfreeLock.enter();
  let errno: Errno = 0;
  while (errno === 0 && this.socurkva + length > this.somaxkva) {
    errno = this.pendfreeRuns ? yield* this.socurkvaChanged.waitInterruptibly(this.pendfreeLock) : ENOMEM;
  }
  if (errno === 0) this.socurkva += length;
  yield* this.pendfreeLock.exit();
  return errno;
}

/** Gives kernel addresses back. `sokvaunreserve()` */
export function* sokvaunreserve(this: Sys, length: number): Step<void> {
  yield* this.pendfreeLock.enter();
  this.socurkva -= length;
  yield* this.socurkvaChanged.broadcast();
  yield* this.pendfreeLock.exit();
}

/** Frees an mbuf. `m_free()`. => a socket may be locked: so what is on loan is given back later */
export function* mFree(this: Sys, mbuf: Mbuf): Step<void> {
  if (mbuf.loan !== null) yield* this.soloanfree(mbuf.loan);
}

/** Leaves a loan to the thread that gives it back. `soloanfree()`. => a socket may be locked */
export function* soloanfree(this: Sys, loan: KernelLoan): Step<void> {
  yield* this.pendfreeLock.enter();
  this.pendfree.push(loan);
  if (!this.pendfreeRuns) {
    this.pendfreeRuns = true;
    this.kern.scheduler.spawn(() => this.sopendfreeThread());
  }
  yield* this.pendfreeLock.exit();
}

/** Gives loans back, the last first, until there are none. `sopendfree_thread()`. A thread of the kernel's own. */
export function* sopendfreeThread(this: Sys): Step<void> {
  yield* this.pendfreeLock.enter();
  for (let loan = this.pendfree.pop(); loan !== undefined; loan = this.pendfree.pop()) {
    yield* this.pendfreeLock.exit();
    yield* this.sodoloanfree(loan);
    yield* this.pendfreeLock.enter();
  }
  this.pendfreeRuns = false;
  yield* this.socurkvaChanged.broadcast();
  yield* this.pendfreeLock.exit();
}

/** Gives one loan back. `sodoloanfree()`. => nothing locked */
export function* sodoloanfree(this: Sys, loan: KernelLoan): Step<void> {
  yield* this.vm.returnLoan(loan);
  yield* this.sokvaunreserve(loan.size);
}
