/**
 * NetBSD 2003: a file is cut while a device has one of its pages.
 *
 *     thread 1: reads a tape to X            thread 2: cuts the file that is mapped at X
 *       vslock: page p is there; wire it
 *       the device is sent to p
 *                                              p is behind the end: free it, wired or not
 *       the device writes to p                                                              <- whose page is p by now?
 *                                              the file grows, a store to X finds page q
 *       vsunlock: unwire what is at X                                                       <- q, which nobody has wired
 */
import { MAP_FIXED, MAP_SHARED, O_RDWR, PAGE_SIZE, type UserProgram } from '@faultline/kernel';
import { defineProgram, type Program } from '@faultline/program';
import type { CatalogueEntry, Remedy } from './entry.js';
import { MACHINE, opensTape, READ_WRITE, readsTape, WITH_TAPE, X } from './tape.js';
import { pagesKeptBusy } from './vslock-busy.js';
import { vslockHoldsPages } from './vslock-holds-pages.js';

const FILE = 1;

/** A program that reads the tape to a page of a file, while another thread of it does something to the file. */
function cutting(name: string, other: UserProgram): Program {
  return defineProgram({
    name,
    machine: MACHINE,
    devices: WITH_TAPE,
    files: { '/file': { size: PAGE_SIZE } },
    *setUp(user) {
      yield* opensTape(user);
      yield* user.open('/file', O_RDWR);
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, FILE);
      yield* user.store8(X, 1);
    },
    *main(user) {
      yield* user.lwpCreate(other);
      yield* readsTape(user);
    },
  });
}

const cuts: UserProgram = function* (user) {
  yield* user.ftruncate(FILE, 0);
};
const cutsAndGrows: UserProgram = function* (user) {
  yield* user.ftruncate(FILE, 0);
  yield* user.ftruncate(FILE, PAGE_SIZE);
  yield* user.store8(X, 2);
};
const REMEDIES: readonly Remedy[] = [
  { patch: vslockHoldsPages, history: 'a fix of our own: docs/vslock.md', cures: true },
  { patch: pagesKeptBusy, history: 'proposed in the thread; but see what it does in netbsd-2003-vslock-busy', cures: true },
];

/** The entry: the file is cut. */
export const vslockTruncate: CatalogueEntry = {
  id: 'netbsd-2003-vslock-truncate',
  system: 'NetBSD',
  historical: true,
  title: 'a file is cut while a device has one of its pages, and the device writes to a page that is free',
  story:
    'The first problem of the thread of 2003. Raw I/O wires the pages of a buffer, so that they stay where they are while the device ' +
    'uses them. But wiring keeps a page from the page daemon only. Where the buffer is a mapped file, and somebody cuts the file, ' +
    'its pages are freed, wired or not, and the device goes on writing to a page that is free, or somebody else’s by then.',
  program: cutting('catalogue:netbsd-2003-vslock-truncate', cuts),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  remedies: REMEDIES,
};

/** The entry: the file is cut, grows again, and is used. */
export const vslockRegrow: CatalogueEntry = {
  id: 'netbsd-2003-vslock-regrow',
  system: 'NetBSD',
  historical: true,
  title: 'a file is cut and grows again while a device has one of its pages, and a page is unwired that was never wired',
  story:
    'The first problem of the thread of 2003, with another end. When the file has grown again, and a fault has put a new page at the ' +
    'address, it is this page that is unwired when the device is done, though nobody has ever wired it: uvm_vsunlock goes by address.',
  program: cutting('catalogue:netbsd-2003-vslock-regrow', cutsAndGrows),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  also: [{ kind: 'panic', text: 'assertion "pg->wire_count != 0" failed' }],
  remedies: REMEDIES,
};
