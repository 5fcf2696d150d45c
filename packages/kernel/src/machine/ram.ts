/** RAM: one buffer of real bytes, seen as pages. */
import type { StepObject } from '../kern/lwp.js';
import { PAGE_SIZE, type Pfn } from './address.js';

/** The most RAM a machine can have: what one typed array spans. */
const MAX_RAM_BYTES = 2 ** 32;

/** The machine's memory. */
export class Ram implements StepObject {
  /** Number of page frames. */
  readonly pages: number;
  /** All of it, as bytes. */
  readonly bytes: Uint8Array;
  /** All of it, as 32-bit words. */
  readonly words: Int32Array;
  /** All of it, for values that do not lie on their boundary. Little-endian, as on x86. */
  readonly view: DataView;

  /** @param bytes a whole number of pages, from one up to 4 GiB */
  constructor(bytes: number) {
    if (!Number.isInteger(bytes / PAGE_SIZE) || bytes < PAGE_SIZE || bytes > MAX_RAM_BYTES) {
      throw new RangeError(`RAM is a multiple of ${PAGE_SIZE} bytes from ${PAGE_SIZE} to 4 GiB, not ${bytes} bytes`);
    }
    const buffer = new ArrayBuffer(bytes);
    this.pages = bytes / PAGE_SIZE;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }

  get label(): string {
    return 'RAM';
  }

  /** What programs do to their memory is a step on all of RAM: two spaces, and two processors, may have a page in common. */
  admits(): boolean {
    return true;
  }

  /** The bytes of a frame: a window, not a copy. */
  page(pfn: Pfn): Uint8Array {
    const start = pfn * PAGE_SIZE;
    return this.bytes.subarray(start, start + PAGE_SIZE);
  }

  /** Fills a frame with zeros. `pmap_zero_page()`. */
  zero(pfn: Pfn): void {
    const start = pfn * PAGE_SIZE;
    this.bytes.fill(0, start, start + PAGE_SIZE);
  }

  /** Copies a frame. `pmap_copy_page()`. */
  copy(from: Pfn, to: Pfn): void {
    const start = from * PAGE_SIZE;
    this.bytes.copyWithin(to * PAGE_SIZE, start, start + PAGE_SIZE);
  }
}
