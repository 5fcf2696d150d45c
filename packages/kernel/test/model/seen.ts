/**
 * What the plain model is told about the kernel. Where NetBSD leaves something open, the model looks at what the kernel did, checks
 * that this was allowed, and follows.
 */
import type { Page } from './plain-memory.js';

/** What the kernel did where it had a choice. */
export interface Seen {
  /** What the call answered. */
  readonly answer: number;
  /** Whether I/O failed meanwhile, for no reason that the model knows. */
  readonly ioFailed: boolean;
  /** Whether it was refused for want of memory that was there. */
  readonly noMemory: boolean;
  /** Whether the kernel has a page of its own, not of a file, at this address of the calling process. */
  hasOwnPage(address: number): boolean;
  /** The mapping that the kernel has at this address. */
  mappingAt(address: number): { start: number; end: number };
  /** Whether so many bytes more than all processes have wired, if each page counts for all who have it, are more than the machine allows. */
  mayExceedMachine(bytes: number): boolean;
  /** How many pages of all processes have this place. */
  holders(page: Page): number;
}
