/** The zero page, which is lent in the place of memory that nobody has stored to. `uvm_loanzero_object`, sys/uvm/uvm_loan.c. */
import { EINVAL, type Errno } from '../../kern/errno.js';
import type { Mutex } from '../../kern/mutex.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, type Pfn } from '../../machine/address.js';
import type { FaultContext } from '../fault/fault-context.js';
import { type GetRequest, PGO_FREE, PGO_LOCKED, UvmObject } from '../object/object.js';
import { NO_PAGE, PG_BUSY, PG_FAKE, PG_RDONLY, UVM_PGA_ZERO } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { LoanOutput, LoanStep } from './loan-output.js';

/** Where in its object the zero page lies. */
const ZERO = asOffset(0);

/** The object that owns the zero page, and has it from the first such loan on for ever. Nobody maps it. */
export class LoanZeroObject extends UvmObject {
  readonly pagerName = 'loanzero';
  readonly counter = null;
  readonly label = 'zero page';
  readonly needsWriteFault = false;

  constructor(lock: Mutex) {
    super(0, lock);
  }

  /** The zero page, -1 when there is none yet. */
  get page(): Pfn {
    return this.lookup(ZERO);
  }

  *reference(): Step<void> {}

  *detach(): Step<void> {}

  /** Nobody maps it, so nobody asks. */
  *get(_uvm: Uvm, request: GetRequest): Step<Errno> {
    if ((request.flags & PGO_LOCKED) === 0) yield* this.lock.exit();
    return EINVAL;
  }

  /** The page is never freed: it is taken off its queue instead. `ulz_put()` */
  *put(uvm: Uvm, _start: ByteOffset, _end: ByteOffset, flags: number): Step<Errno> {
    const { page } = this;
    if (flags & PGO_FREE && page !== NO_PAGE) {
      yield* uvm.pageqLock.enter();
      if (uvm.pages.uanon(page) === null) uvm.uvmPagedequeue(page);
      else uvm.uvmPageactivate(page);
      yield* uvm.pageqLock.exit();
    }
    yield* this.lock.exit();
    return 0;
  }

  readAhead(): void {}
}

/**
 * Lends the zero page. `uvm_loanzero()`. => map and amap locked; still so when it was lent, else nothing. May sleep for memory.
 */
export function* uvmLoanzero(this: Uvm, fault: FaultContext, output: LoanOutput): Step<LoanStep> {
  const { loanzero, pages } = this;
  const { amap } = fault.entry;
  yield* loanzero.lock.enter();
  if (loanzero.page === NO_PAGE) {
    const fresh = yield* this.uvmPagealloc(loanzero, ZERO, null, UVM_PGA_ZERO);
    if (fresh === NO_PAGE) {
      yield* this.uvmfaultUnlockall(fault, amap, loanzero);
      if (!this.uvmReclaimable()) return 'refused';
      yield* this.uvmWait('loanzero');
      return 'again';
    }
    pages.clearFlags(fresh, PG_BUSY | PG_FAKE);
    pages.setFlags(fresh, PG_RDONLY);
    this.uvmPageOwn(fresh, null);
    yield* this.pageqLock.enter();
    this.uvmPageactivate(fresh);
    yield* this.pageqLock.exit();
  }
  const { page } = loanzero;
  if (output.to === 'anon') return yield* this.uvmLoanuobjAnon(fault, loanzero, page, output);
  yield* this.pageqLock.enter();
  this.uvmPageCountLoan(page);
  yield* this.pageqLock.exit();
  if (this.kern.log.on) this.log({ kind: 'loan', page, count: pages.loanCount(page) });
  output.pages.push(page);
  yield* loanzero.lock.exit();
  return 'lent';
}
