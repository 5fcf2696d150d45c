/**
 * UVM's invariants (decision D7). Each is true of a sound kernel whenever no thread is inside it. The checkers are in
 * `audit-maps.ts` and `audit-pages.ts`; they look at everything, change nothing and take no lock.
 */
import type { Invariant, Report } from '../../kern/invariant.js';
import type { Uvm } from '../uvm.js';
import { checkAobjs, checkFileEnds, checkTmpfsFiles } from './audit-aobj.js';
import { checkKernelLoans, checkLoanCounts, checkLoanedPages, checkOrphans } from './audit-loans.js';
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
import { checkPagedaemon, checkPolicy } from './audit-pagedaemon.js';
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
import { checkAnonPlaces, checkSwapCopies, checkSwapCounts, checkSwapSlots } from './audit-swap.js';
import { checkTransfers, TRANSFER_RULE } from './audit-transfers.js';
import { checkUbcMappings, checkUbcWindows } from './audit-ubc.js';

const INVARIANTS: readonly (readonly [name: string, sentence: string, check: (uvm: Uvm, report: Report) => void])[] = [
  ['map-order', 'the entries of a map are page aligned, disjoint, in order and inside it, and its sums are right', checkMaps],
  ['map-tree', 'the tree of a map has the entries of its list, and knows every gap', checkTrees],
  ['entry-layers', 'an entry that needs a copy is copy-on-write, and its layers exist and cover it', checkEntries],
  ['wired-entry', 'an entry with wired_count > 0 has every resident page wired', checkWiredEntries],
  ['wire-count', "a page's wire_count equals the wirings that can be named", checkWireCounts],
  ['wired-mapping', 'a mapping is wired if and only if its entry is, or it is wired for the time being', checkWiredMappings],
  ['wired-total', 'uvmexp.wired is the number of pages whose wire_count is above 0', checkWiredTotal],
  ['free-page', 'a free page is mapped nowhere, belongs to nobody and is not wired', checkFreePages],
  [
    'page-owner',
    'a page that is neither free nor an orphan belongs to one object or one anon, and that owner knows it',
    checkOwners,
  ],
  ['loan-count', "a page's loan_count equals the loans that can be named", checkLoanCounts],
  ['loan-protected', 'a page on loan is in use, and nobody can store to it', checkLoanedPages],
  ['loan-orphan', 'a page that only its borrowers have is on no queue and mapped by no process', checkOrphans],
  ['loan-mapping', 'the kernel maps the pages that it has on loan, and cannot store to them', checkKernelLoans],
  ['page-queue', 'a page is on the queue that its flags say, and a wired page is on none', checkQueues],
  [
    'page-policy',
    'what the replacement policy remembers of pages agrees with its queues, and no scan for victims is under way',
    checkPolicy,
  ],
  ['page-daemon', 'the page daemon is asleep, nothing is being paged out, and nobody waits for memory', checkPagedaemon],
  ['page-counts', 'the counters of pages agree with the pages', checkCounts],
  ['page-idle', 'no page is busy, fake or about to be released while nobody is at work', checkIdlePages],
  ['amap-slots', 'each slot of an amap that is in use is listed once, and holds an anon under the same lock', checkAmapSlots],
  ['amap-references', "an amap's reference count equals the entries that refer to it, slot by slot", checkAmapReferences],
  ['anon-references', "an anon's reference count equals the amap slots and the borrowers that have it", checkAnonReferences],
  ['anon-place', 'the page of an anon is in memory, or in a slot, or known to be lost', checkAnonPlaces],
  ['swap-slot', 'a slot of swap has one owner, an anon or a page of an object, or is bad', checkSwapSlots],
  ['swap-counts', 'the counters of swap agree with its slots', checkSwapCounts],
  ['swap-copy', 'a page that is clean and has a slot has in it what the slot has', checkSwapCopies],
  ['map-references', "a map's reference count equals its owner and the entries that lead to it", checkMapReferences],
  ['object-references', "an object's reference count equals its referrers", checkObjectReferences],
  ['aobj-list', 'an anonymous object that is alive is on the list of them, and a page lost on swap is not in memory', checkAobjs],
  ['tmpfs-file', 'a file of tmpfs has its pages in an object under the same lock, and its size is counted', checkTmpfsFiles],
  ['file-end', 'no page and no slot of a file lies behind its end', checkFileEnds],
  ['mapping-allowed', 'a mapping lies in an entry that allows it, and leads to the page that the entry has there', checkMappings],
  ['copy-on-write', 'a page that must be copied before it is written to is not mapped writable', checkCopyOnWrite],
  ['reverse-map', 'page tables and reverse map know the same mappings, and count them right', checkReverseMap],
  ['stale-translation', 'no translation outlives its page: a TLB holds only what the page table says', checkTranslations],
  [
    TRANSFER_RULE,
    'a page that a device reads or writes was wired for it, is not free, and still belongs to whom it belonged when that began',
    checkTransfers,
  ],
  [
    'ubc-window',
    'a window onto an object is known to it, and is on the inactive queue if and only if nobody uses it',
    checkUbcWindows,
  ],
  [
    'ubc-mapping',
    'what the kernel has mapped in a window is the page that the object has there, and writable only if it may be stored to',
    checkUbcMappings,
  ],
  ['locks-free', 'no lock is held and no map is busy while nobody is at work', checkLocks],
];

/** All invariants of UVM on one machine. */
export function uvmInvariants(uvm: Uvm): Invariant[] {
  return INVARIANTS.map(([name, sentence, check]) => ({ name, sentence, check: (report) => check(uvm, report) }));
}
