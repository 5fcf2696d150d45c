/** Historical BSD virtual memory defects: programs, patches, remedies. */
import type { CatalogueEntry } from './entry.js';
import { mlockZero } from './netbsd-2019-mlock-zero.js';

export type { CatalogueEntry, Remedy } from './entry.js';

/** All entries, oldest system first, then by year. */
export const CATALOGUE: readonly CatalogueEntry[] = [mlockZero];

/** The entry of that name, null for none. */
export function findEntry(id: string): CatalogueEntry | null {
  return CATALOGUE.find((entry) => entry.id === id) ?? null;
}
