/** Programs as exec sees them: a description of what goes where, in the place of an ELF file. */
import type { Va } from '../machine/address.js';

/** A part of a program that comes from a file. */
export interface ImageSegment {
  /** Where it goes; page aligned. */
  readonly at: Va;
  /** Bytes; rounded up to whole pages. */
  readonly size: number;
  /** The file it comes from, and where in it; none for a segment of zeros. */
  readonly file?: { readonly path: string; readonly offset: number };
}

/** A program. */
export interface ExecImage {
  readonly name: string;
  /** Mapped private, readable and executable. */
  readonly text?: ImageSegment;
  /** Mapped private, readable and writable. */
  readonly data?: ImageSegment;
  /** Bytes of zeros behind the data; the break begins behind them. */
  readonly bss?: number;
  /** Where the break begins when there is no data. */
  readonly breakAt?: Va;
  /** Whether it gets a stack. Default true. */
  readonly stack?: boolean;
}
