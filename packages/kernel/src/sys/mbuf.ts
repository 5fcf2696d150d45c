/** What lies in the buffer of a socket: bytes of the kernel's own, or pages on loan from whoever sent them. `struct mbuf`, sys/sys/mbuf.h. */
import type { Stateful, StateWriter } from '../kern/state.js';
import type { KernelLoan, VmSystem } from '../vm/system.js';

/** Where the bytes of an mbuf are: with it, or (`M_EXT_PAGES`) in pages on loan, from an offset on. */
export type MbufSource = Uint8Array | { readonly loan: KernelLoan; readonly offset: number; readonly length: number };

/** A piece of what was sent. */
export class Mbuf implements Stateful {
  readonly #bytes: Uint8Array | null;
  /** The pages on loan that it lies in, null when it has bytes of its own. Whoever frees the mbuf gives them back. */
  readonly loan: KernelLoan | null;
  /** Where it begins. `m_data` */
  #offset: number;
  /** Bytes left. `m_len` */
  #length: number;

  constructor(source: MbufSource) {
    const own = source instanceof Uint8Array;
    this.#bytes = own ? source : null;
    this.loan = own ? null : source.loan;
    this.#offset = own ? 0 : source.offset;
    this.#length = source.length;
  }

  /** Bytes left. */
  get length(): number {
    return this.#length;
  }

  /** Copies bytes from its beginning, or from `skip` on; what is on loan is read through the kernel's mapping of it. `mtod()` */
  copy(vm: VmSystem, into: Uint8Array, skip: number): void {
    if (this.loan !== null) vm.readLoan(this.loan, this.#offset + skip, into);
    else if (this.#bytes !== null) into.set(this.#bytes.subarray(this.#offset + skip, this.#offset + skip + into.length));
  }

  /** Takes bytes off its beginning. */
  trim(length: number): void {
    this.#offset += length;
    this.#length -= length;
  }

  writeState(writer: StateWriter): void {
    if (this.#bytes !== null) {
      writer.bytes('bytes', this.#bytes.subarray(this.#offset, this.#offset + this.#length));
      return;
    }
    writer.reference('loan', this.loan);
    writer.field('offset', this.#offset);
    writer.field('length', this.#length);
  }
}
