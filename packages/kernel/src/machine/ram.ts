/** RAM: one buffer of real bytes, seen as pages. */
import { BUILD } from '../kern/build.js';
import { Digest } from '../kern/digest.js';
import type { StepObject } from '../kern/lwp.js';
import { FIRST_FRAME, PAGE_SIZE, type Pfn } from './address.js';

/** The most RAM a machine can have: what one typed array spans. */
const MAX_RAM_BYTES = 2 ** 32;

/** The machine's memory. */
export class Ram implements StepObject {
  /** Number of page frames. */
  readonly pages: number;
  /** All of it, as bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** All of it, as 32-bit words. */
  readonly words: Int32Array;
  /** All of it, for values that do not lie on their boundary. Little-endian, as on x86. */
  readonly view: DataView;
  /** For each frame, counted from the first, whether it may have been written to since its digest was taken. */
  readonly changed: Uint8Array;
  readonly #digests: (Digest | undefined)[] = [];

  /**
   * @param bytes a whole number of pages, from one up to 4 GiB
   * @param memory where they are to be; what is there becomes zeros. Default: new memory
   */
  constructor(bytes: number, memory?: ArrayBuffer) {
    if (!Number.isInteger(bytes / PAGE_SIZE) || bytes < PAGE_SIZE || bytes > MAX_RAM_BYTES) {
      throw new RangeError(`RAM is a multiple of ${PAGE_SIZE} bytes from ${PAGE_SIZE} to 4 GiB, not ${bytes} bytes`);
    }
    if (memory !== undefined && memory.byteLength !== bytes) {
      throw new RangeError(`RAM of ${bytes} bytes cannot be where there are ${memory.byteLength}`);
    }
    const buffer = memory ?? new ArrayBuffer(bytes);
    this.pages = bytes / PAGE_SIZE;
    this.bytes = new Uint8Array(buffer);
    if (memory !== undefined) this.bytes.fill(0);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.changed = new Uint8Array(this.pages).fill(1);
  }

  get label(): string {
    return 'RAM';
  }

  /** What programs do to their memory is a step on all of RAM: two spaces, and two processors, may have a page in common. */
  admits(): boolean {
    return true;
  }

  /** The bytes of a frame: a window, not a copy. Write through it at once, or not at all. */
  page(pfn: Pfn): Uint8Array {
    const start = (pfn - FIRST_FRAME) * PAGE_SIZE;
    this.changed[pfn - FIRST_FRAME] = 1;
    return this.bytes.subarray(start, start + PAGE_SIZE);
  }

  /** Fills a frame with zeros. `pmap_zero_page()`. */
  zero(pfn: Pfn): void {
    const start = (pfn - FIRST_FRAME) * PAGE_SIZE;
    this.changed[pfn - FIRST_FRAME] = 1;
    this.bytes.fill(0, start, start + PAGE_SIZE);
  }

  /** Copies a frame. `pmap_copy_page()`. */
  copy(from: Pfn, to: Pfn): void {
    const start = (from - FIRST_FRAME) * PAGE_SIZE;
    this.changed[to - FIRST_FRAME] = 1;
    this.bytes.copyWithin((to - FIRST_FRAME) * PAGE_SIZE, start, start + PAGE_SIZE);
  }

  /** A digest of the bytes of a frame. */
  digest(pfn: Pfn): Digest {
    const frame = pfn - FIRST_FRAME;
    let digest = this.#digests[frame];
    // Only the watched build takes note of each store of a program.
    if (digest !== undefined && BUILD === 'watched' && this.changed[frame] === 0) return digest;
    digest ??= new Digest();
    this.#digests[frame] = digest;
    this.changed[frame] = 0;
    const start = (frame * PAGE_SIZE) / 4;
    digest.clear();
    digest.words(this.words, start, start + PAGE_SIZE / 4);
    return digest;
  }
}
