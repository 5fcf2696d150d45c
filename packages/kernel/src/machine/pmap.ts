/** Address spaces as the hardware knows them. The operations on them are in `pmap-operations.ts`. */
import { SPARSE_TABLE_LIMIT, SparseTable } from '../kern/sparse-table.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Va } from './address.js';
import { PTE_BITS, pteFrame } from './pte.js';

/** `pmapEnter`: the mapping counts as wired. */
export const PMAP_WIRED = 0x10;
/** `pmapEnter`: it may fail with ENOMEM instead of panicking. */
export const PMAP_CANFAIL = 0x20;

/** An address space as the hardware knows it. */
export class Pmap implements Stateful {
  /** Stands for the address that the kernel prints. */
  readonly id: number;
  /** Page number -> page-table entry. */
  readonly table = new SparseTable();
  /** Mappings that are valid. `pmap_resident_count()`. */
  residentCount = 0;
  /** Mappings that are wired. `pmap_wired_count()`. */
  wiredCount = 0;
  /** Pages whose translations processors may still hold against the table. */
  readonly pending: Va[] = [];
  /** Whether there are too many of them to name. */
  pendingAll = false;

  constructor(id: number) {
    this.id = id;
  }

  /** `pmap 3`, in the place of a kernel address. */
  get label(): string {
    return `pmap ${this.id}`;
  }

  writeState(writer: StateWriter): void {
    writer.field('residentCount', this.residentCount);
    writer.field('wiredCount', this.wiredCount);
    this.table.forEachIn(0, SPARSE_TABLE_LIMIT, (index, pte) => {
      writer.field('page', index);
      writer.frame('frame', pteFrame(pte));
      writer.field('bits', pte & PTE_BITS);
    });
    for (const va of this.pending) writer.field('pending', va);
    writer.field('pendingAll', this.pendingAll);
  }
}
