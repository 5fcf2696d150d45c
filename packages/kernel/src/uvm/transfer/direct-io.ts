/**
 * Direct I/O: between a program's memory and a file at rest, past the file's pages. `genfs_directio()`, sys/miscfs/genfs/genfs_io.c.
 *
 *     pages of the file written back (and freed, for a write) ── vslock ── mapped into the kernel ── the bytes move ── vsunlock
 *
 * What does not fit into this is left to the ordinary way: the caller moves the rest.
 */
import type { Errno } from '../../kern/errno.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asPa, asVa, PAGE_SIZE, type Pfn, paToPfn, roundPage, truncPage } from '../../machine/address.js';
import { DEV_BSIZE } from '../../machine/disk.js';
import { startIo, waitForIo } from '../../machine/io.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { Uio } from '../../vm/uio.js';
import type { Vmspace } from '../map/vm-map.js';
import { PGO_CLEANIT, PGO_FREE, PGO_SYNCIO } from '../object/object.js';
import type { Uvm } from '../uvm.js';
import type { UvmVnode } from '../vnode/vnode.js';
import { type DirectRequest, DirectTransfer } from './direct-transfer.js';
import { TransientWiring } from './transient-wiring.js';

/** Bytes that are moved at once. `genfs_maxdio`. */
const MAX_DIRECT_IO = 1_048_576;

/**
 * Moves as much as can be moved directly: whole blocks, up to the end of the file, between a program's memory and a file that is not
 * mapped. `genfs_directio()`.
 *
 * => `vnodeLock` held. An error ends it without being told of: who goes on in the ordinary way meets it again.
 *
 * @param length bytes to move at most
 */
export function* genfsDirectio(this: Uvm, vnode: UvmVnode, start: number, uio: Uio, length: number): Step<void> {
  const { program } = uio;
  if (program === null || vnode.mapped) return;
  for (let left = length; left > 0; ) {
    const offset = start + uio.done;
    const address = program.address + uio.done;
    const piece = blocks(Math.min(left, MAX_DIRECT_IO));
    if (piece === 0 || offset + piece > vnode.size || offset !== blocks(offset) || address !== blocks(address)) return;
    const write = uio.direction === 'write';
    const errno = yield* this.genfsDoDirectio({ vnode, space: program.space, address, offset, length: piece, write });
    if (errno !== 0) return;
    uio.done += piece;
    left -= piece;
  }
}

/** Moves a piece. `genfs_do_directio()`. => `vnodeLock` held; the memory is wired meanwhile, by address. */
export function* genfsDoDirectio(this: Uvm, request: DirectRequest): Step<Errno> {
  const { kern } = this;
  const { vnode, address, offset, length, write } = request;
  const space = request.space as Vmspace;
  const [first, last] = [asOffset(truncPage(offset)), asOffset(roundPage(offset + length))];
  yield* vnode.lock.enter();
  let errno = yield* vnode.put(this, first, last, PGO_CLEANIT | PGO_SYNCIO | (write ? PGO_FREE : 0));
  if (errno === 0 && write) errno = vnode.allocate(offset, length);
  if (errno !== 0) return errno;
  const wiring = TransientWiring.ofBuffer(space.map, address, length);
  errno = yield* this.uvmVslock(space, address, length, write ? PROT_READ : PROT_READ | PROT_WRITE, wiring);
  if (errno !== 0) return errno;

  const frames = this.genfsDirectFrames(wiring);
  const at = this.uvmMapFrames(frames, write ? PROT_READ : PROT_READ | PROT_WRITE);
  const transfer = new DirectTransfer(this, request, frames);
  this.uvmTransferBegins(transfer);
  errno = yield* waitForIo(kern, yield* startIo(kern, transfer));
  this.uvmUnmapFrames(at, frames.length);
  yield* this.uvmVsunlock(space, address, length, wiring);
  return errno;
}

/** The frames behind a buffer, as its page table has them. Part of `genfs_do_directio()`. => does not sleep */
export function genfsDirectFrames(this: Uvm, { map, start, end }: TransientWiring): Pfn[] {
  const frames: Pfn[] = [];
  for (let va: number = start; va < end; va += PAGE_SIZE) {
    const pa = this.machine.pmapExtract(map.pmap, asVa(va));
    this.kern.kassert(pa >= 0, 'rv');
    frames.push(paToPfn(asPa(pa)));
  }
  return frames;
}

/** Down to whole blocks of a disk. */
function blocks(bytes: number): number {
  return bytes - (bytes % DEV_BSIZE);
}
