/** Addresses of the kernel's own space that are given out: room for mappings, without memory. sys/uvm/uvm_km.c. */
import type { Stateful, StateWriter } from '../../kern/state.js';
import { asVa, type Va } from '../../machine/address.js';

/** Where they begin: above all that a process can map. */
const KERNEL_BASE = 0x7f80_0000_0000;

/** Which addresses are in use. The lowest that are free are given out first. */
export class KernelAddresses implements Stateful {
  /** Ascending, disjoint. */
  readonly #used: { readonly start: Va; readonly size: number }[] = [];

  /** Bytes in use. */
  get size(): number {
    return this.#used.reduce((sum, { size }) => sum + size, 0);
  }

  /** Gives out so many bytes, whole pages. `uvm_km_alloc()` with UVM_KMF_VAONLY. */
  allocate(size: number): Va {
    let start: number = KERNEL_BASE;
    let place = 0;
    for (const range of this.#used) {
      if (range.start - start >= size) break;
      start = range.start + range.size;
      place++;
    }
    this.#used.splice(place, 0, { start: asVa(start), size });
    return asVa(start);
  }

  /** Takes back what begins there; answers whether anything did. `uvm_km_free()` */
  free(start: Va): boolean {
    const place = this.#used.findIndex((range) => range.start === start);
    if (place >= 0) this.#used.splice(place, 1);
    return place >= 0;
  }

  writeState(writer: StateWriter): void {
    for (const { start, size } of this.#used) {
      writer.field('start', start);
      writer.field('size', size);
    }
  }
}
