/** What an entry has at an address: its upper layer's page, or else its lower layer's. */
import { asOffset, PAGE_SIZE, type Pfn, type Va } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { NO_PAGE } from '../page/page-array.js';
import type { MapEntry } from './map-entry.js';

/** The page that an entry has at an address, `NO_PAGE` when none is in memory, and the anon that has it. Looks only. */
export function pageAt(entry: MapEntry, va: Va): { page: Pfn; anon: Anon | null } {
  const anon = entry.amap?.at(entry.amapOffset + (va - entry.start) / PAGE_SIZE) ?? null;
  if (anon !== null) return { page: anon.page, anon };
  const page = entry.object?.lookup(asOffset(entry.offset + (va - entry.start))) ?? NO_PAGE;
  return { page, anon: null };
}
