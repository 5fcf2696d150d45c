/**
 * Reading files ahead of who reads them. sys/uvm/uvm_readahead.c.
 *
 *                    request        window: where the next request is looked for, which makes it a hit
 *     ───────────[───────────)[──────────────────────)───────────────────────>  offsets of the file
 *                             ^ windowStart           ^ + windowSize
 *                                         ^ next: up to here it has been read ahead
 *
 * Each hit makes the window larger, up to a limit, and what is missing of it is read once that is worth an I/O. A miss begins anew.
 */
import type { Stateful, StateWriter } from '../../kern/state.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, type ByteOffset, PAGE_SIZE, roundPage, truncPage } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import { MADV_RANDOM, MADV_SEQUENTIAL } from '../../vm/mman.js';
import { type PageSlot, PGO_DONTCARE, PGO_WANTED_PAGE } from '../object/object.js';
import { NO_PAGE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import type { UvmVnode } from './vnode.js';

/** Bytes of one I/O at most. `MAXPHYS` */
const MAXPHYS = 65_536;
/** The window of the first hit. `RA_WINSIZE_INIT` */
const WINDOW_AT_FIRST = MAXPHYS;
/** The largest window, and the only one for who says that he reads in order. `RA_WINSIZE_MAX`, `RA_WINSIZE_SEQENTIAL` */
const WINDOW_AT_MOST = 8 * MAXPHYS;
/** Fewer bytes are not read ahead: they would make many small I/Os. `RA_MINSIZE` */
const LEAST = 2 * MAXPHYS;

/** How a file has been read so far. `struct uvm_ractx`. Without a lock: the worst that can come of it is a bad guess. */
export class ReadaheadContext implements Stateful {
  /** Whether anything is known. `RA_VALID` */
  valid = false;
  /** Where the next request is looked for, in bytes. */
  windowStart = 0;
  windowSize = 0;
  /** Up to where the file has been read ahead, in bytes. */
  next = 0;

  writeState(writer: StateWriter): void {
    writer.field('valid', this.valid);
    writer.field('windowStart', this.windowStart);
    writer.field('windowSize', this.windowSize);
    writer.field('next', this.next);
  }
}

/**
 * Takes note of a request for [offset, offset + size), and starts to read ahead if that seems worth while. `uvm_ra_request()`.
 *
 * => does not sleep; what is to be read is read by threads of its own.
 *
 * @param advice `MADV_NORMAL`, `MADV_RANDOM` or `MADV_SEQUENTIAL`
 */
export function uvmRaRequest(this: Uvm, vnode: UvmVnode, advice: number, offset: number, size: number): void {
  const { raContext } = vnode;
  if (advice === MADV_RANDOM) return;
  if (advice === MADV_SEQUENTIAL) {
    if (!raContext.valid) Object.assign(raContext, { valid: true, windowStart: 0, next: 0 });
    if (offset < raContext.windowStart) raContext.next = offset;
    raContext.windowSize = WINDOW_AT_MOST;
  } else if (!isHit(raContext, offset)) {
    // Who reads the same again is taken for one who will go on from there.
    if (raContext.valid && offset + size === raContext.windowStart) return;
    const start = offset + size;
    Object.assign(raContext, { valid: true, windowStart: start, windowSize: WINDOW_AT_FIRST, next: start });
    return;
  }

  raContext.next = Math.max(raContext.next, offset);
  const missing = offset + raContext.windowSize - raContext.next;
  if (missing >= LEAST) raContext.next = this.raStartio(vnode, raContext.next, missing, vnode.size);
  raContext.windowStart = offset + size;
  raContext.windowSize = Math.min(WINDOW_AT_MOST, raContext.windowSize + size);
}

function isHit({ valid, windowStart, windowSize }: ReadaheadContext, offset: number): boolean {
  return valid && offset >= windowStart && offset <= windowStart + windowSize;
}

/**
 * Starts to read a range, in pieces that end at multiples of `MAXPHYS`: the last one beyond it, if `limit` allows. `ra_startio()`.
 *
 * @returns up to where
 */
export function raStartio(this: Uvm, vnode: UvmVnode, offset: number, size: number, limit: number): number {
  const last = Math.min(roundPage(vnode.size), roundPage(limit));
  let at = truncPage(offset);
  while (at < Math.min(offset + size, last)) {
    const from = asOffset(at);
    at = Math.min(at - (at % MAXPHYS) + MAXPHYS, last);
    const count = (at - from) / PAGE_SIZE;
    this.kern.scheduler.spawn(() => this.uvmReadaheadPages(vnode, from, count));
  }
  return at;
}

/**
 * Starts to read what is missing of a range that somebody says he will use, and does not wait for it. `uvm_readahead()`. => object unlocked
 *
 * => no more than was asked for. NetBSD reads to the end of the last I/O: docs/decisions/0006-departures.md.
 */
export function uvmReadahead(this: Uvm, vnode: UvmVnode, offset: ByteOffset, length: number): void {
  const size = Math.min(length, WINDOW_AT_MOST);
  if (size > 0) this.raStartio(vnode, offset, size, offset + size);
}

/**
 * Reads what is missing of some pages, in a thread of its own. Part of `ra_startio()`.
 *
 * => whole blocks: so the file system need not ask for pages beyond these, which somebody may have busy.
 */
export function* uvmReadaheadPages(this: Uvm, vnode: UvmVnode, offset: ByteOffset, count: number): Step<void> {
  const block = this.blockSize;
  const from = asOffset(offset - (offset % block));
  const end = Math.ceil((offset + count * PAGE_SIZE) / block) * block;
  const slots: PageSlot[] = Array.from({ length: (end - from) / PAGE_SIZE }, () => PGO_WANTED_PAGE);
  yield* vnode.lock.enter();
  for (let i = 0; i < slots.length; i++) {
    if (vnode.lookup(asOffset(from + i * PAGE_SIZE)) !== NO_PAGE) slots[i] = PGO_DONTCARE;
  }
  const request = { offset: from, slots, center: 0, access: PROT_READ, advice: MADV_RANDOM, flags: 0 };
  if ((yield* this.uvnGet(vnode, request)) !== 0) return;
  yield* this.genfsGiveUp(vnode, slots);
}
