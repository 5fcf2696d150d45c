/**
 * NetBSD 2003: other threads of a program change its memory while a device has it. Five variants, of which one goes well.
 *
 *     thread 1: reads a tape to X            thread 2                                     what becomes of it
 *       vslock: page p at X; wire it
 *                                            munmap(X)                                    (a) the device is sent to nowhere
 *       the device is sent to p
 *                                            mmap(X) anew, and a store: page q            the device writes to a free page
 *                                            mlock(X), munlock(X)                         (b) the mapping is wired no more
 *                                            mlock(X)                                     (c) well
 *                                            munlock(X), locked before                    (d) the same
 *                                            fork(), and a store: page q                  (e) p, and what was read, is the child's
 *       vsunlock: unwire what is at X                                                     q was never wired
 */
import { PAGE_SIZE, type UserProgram } from '@faultline/kernel';
import type { Program } from '@faultline/program';
import type { CatalogueEntry, Remedy } from './entry.js';
import { OWN, READ_WRITE, readingThread, X } from './tape.js';
import { vslockHoldsPages } from './vslock-holds-pages.js';

const UNMAPPED = 'uvm_fault_unwire_locked: address not in map';
const UNWIRED = 'assertion "pg->wire_count != 0" failed';
const REMEDIES: readonly Remedy[] = [{ patch: vslockHoldsPages, history: 'a fix of our own: docs/vslock.md', cures: true }];

const mapsAnew: UserProgram = function* (user) {
  yield* user.mmap(X, PAGE_SIZE, READ_WRITE, OWN);
  yield* user.store8(X, 2);
};
const unmaps: UserProgram = function* (user) {
  yield* user.munmap(X, PAGE_SIZE);
};
const locks: UserProgram = function* (user) {
  yield* user.mlock(X, PAGE_SIZE);
};
const unlocks: UserProgram = function* (user) {
  yield* user.munlock(X, PAGE_SIZE);
};
const locksAndUnlocks: UserProgram = function* (user) {
  yield* locks(user);
  yield* unlocks(user);
};
const forks: UserProgram = function* (user) {
  // The child has nothing to do.
  yield* user.fork();
  yield* user.store8(X, 2);
};

/** A program whose kernel must not say anything on its console. */
function quietly(program: Program): Program {
  return {
    ...program,
    check: ({ system }) => system.kern.console.map((line) => `the kernel says: ${line}`),
  };
}

/** The entry: the memory is mapped anew. */
export const vslockThreads: CatalogueEntry = {
  id: 'netbsd-2003-vslock-threads',
  system: 'NetBSD',
  historical: true,
  title: 'a thread maps memory anew while a device has it, and a page is unwired that was never wired',
  story:
    'The second problem of the thread of 2003: vslock and vsunlock go by address, and so can miss each other. One thread reads a tape to ' +
    'memory of the program; meanwhile another maps something else there. The page that was wired is freed under the device, and the page ' +
    'that has taken its place is unwired although nobody has wired it.',
  program: readingThread('catalogue:netbsd-2003-vslock-threads', mapsAnew),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  also: [{ kind: 'panic', text: UNWIRED }],
  remedies: REMEDIES,
};

/** Variant (a): the memory is unmapped. */
export const vslockThreadsUnmap: CatalogueEntry = {
  id: 'netbsd-2003-vslock-threads-a',
  system: 'NetBSD',
  historical: true,
  title: 'a thread unmaps memory between its wiring and the moment at which the device is told where to go',
  story:
    'Variant (a) of the second problem. Between vslock and vmapbuf nothing keeps the memory mapped; vmapbuf asks the page table for each ' +
    'address, and ignores that it may have no answer: the device is sent to whatever is in its variable. Where the memory is unmapped ' +
    'later on, the page is freed under the device, and in the end vsunlock stops at an address where nothing is.',
  program: readingThread('catalogue:netbsd-2003-vslock-threads-a', unmaps),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  also: [{ kind: 'panic', text: UNMAPPED }],
  remedies: REMEDIES,
};

/** Variants (b) and (c): the memory is locked, and perhaps unlocked. */
export const vslockThreadsLock: CatalogueEntry = {
  id: 'netbsd-2003-vslock-threads-b',
  system: 'NetBSD',
  historical: true,
  title: 'a thread locks and unlocks memory while a device has it, and its mapping is unwired twice',
  story:
    'Variant (b) of the second problem. The count of the page is right: 1 for the device, 2 with mlock, 1 again. But whether a mapping is ' +
    'wired is no count: munlock takes the mark away, and vsunlock, which wants to take it away as well, finds it gone and says so on ' +
    'the console. Variant (c), where the memory is only locked, goes well: as long as the entry is wired, vsunlock leaves the mark alone.',
  program: quietly(readingThread('catalogue:netbsd-2003-vslock-threads-b', locksAndUnlocks)),
  defect: null,
  finds: { kind: 'check', text: 'did not change!' },
  sound: [quietly(readingThread('catalogue:netbsd-2003-vslock-threads-c', locks))],
  remedies: REMEDIES,
};

/** Variant (d): the memory is locked already, and unlocked. */
export const vslockThreadsUnlock: CatalogueEntry = {
  id: 'netbsd-2003-vslock-threads-d',
  system: 'NetBSD',
  historical: true,
  title: 'a thread unlocks memory while a device has it, and its mapping is unwired twice',
  story:
    'Variant (d) of the second problem: the memory was locked when the device was given it, and is unlocked meanwhile. The count of the ' +
    'page comes out right, 1, 2, 1, 0; but the mark of the mapping goes with munlock, and vsunlock finds it gone, as in variant (b).',
  program: quietly(readingThread('catalogue:netbsd-2003-vslock-threads-d', unlocks, locks)),
  defect: null,
  finds: { kind: 'check', text: 'did not change!' },
  remedies: REMEDIES,
};

/** Variant (e): the program forks. */
export const vslockThreadsFork: CatalogueEntry = {
  id: 'netbsd-2003-vslock-threads-e',
  system: 'NetBSD',
  historical: true,
  title: 'a thread forks while a device writes to memory, and the child has what the parent reads',
  story:
    'Variant (e) of the second problem. After a fork the parent’s memory is read-only, and who stores first gets a copy. The device does ' +
    'not fault: it goes on writing to the page that it was given, and when the parent has stored to it, that page is the child’s. The read ' +
    'succeeds, and its bytes are not there.',
  program: readingThread('catalogue:netbsd-2003-vslock-threads-e', forks),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  also: [{ kind: 'panic', text: UNWIRED }],
  remedies: REMEDIES,
};
