/** A page that a device was given, as it was then. */
import type { Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import type { UvmObject } from '../object/object.js';

export interface TransferredPage {
  readonly page: Pfn;
  /** Whom it belonged to. */
  readonly owner: UvmObject | Anon | null;
  /** Whether it had been wired for the buffer at this place. */
  readonly wired: boolean;
}
