/**
 * UVM's invariants (decision D7). Each is true of a sound kernel whenever no thread is inside it. The checkers are in
 * `audit-maps.ts` and `audit-pages.ts`; they look at everything, change nothing and take no lock.
 */
import type { Invariant, Report } from '../kern/invariant.js';
import {
  checkAmapReferences,
  checkAmapSlots,
  checkAnonReferences,
  checkEntries,
  checkLocks,
  checkMapReferences,
  checkMaps,
  checkObjectReferences,
  checkTrees,
  checkWiredEntries,
} from './audit-maps.js';
import {
  checkCopyOnWrite,
  checkCounts,
  checkFreePages,
  checkIdlePages,
  checkMappings,
  checkOwners,
  checkQueues,
  checkReverseMap,
  checkTranslations,
  checkWireCounts,
  checkWiredMappings,
  checkWiredTotal,
} from './audit-pages.js';
import type { Uvm } from './uvm.js';

const INVARIANTS: readonly (readonly [name: string, sentence: string, check: (uvm: Uvm, report: Report) => void])[] = [
  ['map-order', 'the entries of a map are page aligned, disjoint, in order and inside it, and its sums are right', checkMaps],
  ['map-tree', 'the tree of a map has the entries of its list, and knows every gap', checkTrees],
  ['entry-layers', 'an entry that needs a copy is copy-on-write, and its layers exist and cover it', checkEntries],
  ['wired-entry', 'an entry with wired_count > 0 has every resident page wired', checkWiredEntries],
  ['wire-count', "a page's wire_count equals the wirings that can be named", checkWireCounts],
  ['wired-mapping', 'a mapping is wired if and only if its entry is', checkWiredMappings],
  ['wired-total', 'uvmexp.wired is the number of pages whose wire_count is above 0', checkWiredTotal],
  ['free-page', 'a free page is mapped nowhere, belongs to nobody and is not wired', checkFreePages],
  ['page-owner', 'a page that is not free belongs to one object or one anon, and that owner knows it', checkOwners],
  ['page-queue', 'a page is on the queue that its flags say, and a wired page is on none', checkQueues],
  ['page-counts', 'the counters of pages agree with the pages', checkCounts],
  ['page-idle', 'no page is busy, fake or about to be released while nobody is at work', checkIdlePages],
  ['amap-slots', 'each slot of an amap that is in use is listed once, and holds an anon under the same lock', checkAmapSlots],
  ['amap-references', "an amap's reference count equals the entries that refer to it, slot by slot", checkAmapReferences],
  ['anon-references', "an anon's reference count equals the amap slots that hold it", checkAnonReferences],
  ['map-references', "a map's reference count equals its owner and the entries that lead to it", checkMapReferences],
  ['object-references', "an object's reference count equals its referrers", checkObjectReferences],
  ['mapping-allowed', 'a mapping lies in an entry that allows it, and leads to the page that the entry has there', checkMappings],
  ['copy-on-write', 'a page that must be copied before it is written to is not mapped writable', checkCopyOnWrite],
  ['reverse-map', 'page tables and reverse map know the same mappings, and count them right', checkReverseMap],
  ['stale-translation', 'no translation outlives its page: a TLB holds only what the page table says', checkTranslations],
  ['locks-free', 'no lock is held and no map is busy while nobody is at work', checkLocks],
];

/** All invariants of UVM on one machine. */
export function uvmInvariants(uvm: Uvm): Invariant[] {
  return INVARIANTS.map(([name, sentence, check]) => ({ name, sentence, check: (report) => check(uvm, report) }));
}
