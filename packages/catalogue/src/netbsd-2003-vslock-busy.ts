/**
 * NetBSD 2003: what becomes of it when the pages of a buffer are kept busy for a device, as was proposed first.
 *
 *     a buffer that maps one page of a file twice         a buffer that maps a file backwards
 *       vslock: page 0 at X: busy                           vslock: page 1 at X: busy
 *       page 0 at X + 1: busy, wait until it is not                                              a read of the file: page 0 busy
 *       ... by nobody but myself                            page 0 at X + 1: busy, wait          page 1: busy, wait
 */
import { MAP_FIXED, MAP_SHARED, O_RDWR, PAGE_SIZE, type UserProgram } from '@faultline/kernel';
import { defineProgram, type Program } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';
import { MACHINE, OWN, opensTape, READ_WRITE, WITH_TAPE, X } from './tape.js';
import { pagesKeptBusy } from './vslock-busy.js';

const FILE = 1;
/** Where the other thread reads the file to. */
const Y = 0x200000;

/** A program that reads the tape to a buffer of two pages of a file, the first of which has this offset, and the second is the first. */
function toTwoPages(name: string, first: number, other?: UserProgram): Program {
  return defineProgram({
    name,
    machine: MACHINE,
    devices: WITH_TAPE,
    files: { '/file': { size: 2 * PAGE_SIZE } },
    *setUp(user) {
      yield* opensTape(user);
      yield* user.open('/file', O_RDWR);
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, FILE, first);
      yield* user.mmap(X + PAGE_SIZE, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, FILE, 0);
      yield* user.mmap(Y, 2 * PAGE_SIZE, READ_WRITE, OWN);
      yield* user.store8(X, 1);
      yield* user.store8(X + PAGE_SIZE, 2);
      yield* user.storeBytes(Y, new Uint8Array(2 * PAGE_SIZE));
    },
    *main(user) {
      if (other !== undefined) yield* user.lwpCreate(other);
      yield* user.read(0, X, 2 * PAGE_SIZE);
    },
  });
}

/** The entry: a page that is mapped twice. */
export const vslockBusy: CatalogueEntry = {
  id: 'netbsd-2003-vslock-busy',
  system: 'NetBSD',
  historical: false,
  title: 'the pages of a buffer are kept busy for a device, and a buffer that maps a page twice waits for itself',
  story:
    'The remedy that was proposed first in the thread of 2003: nobody frees a page that is busy, nor takes it from its owner, so let the ' +
    'pages of a buffer be busy until the device is done. But a page is busy for one: a buffer that maps one page of a file at two addresses ' +
    'finds it busy the second time, and waits for ever, for nobody but itself. No release had it.',
  program: toTwoPages('catalogue:netbsd-2003-vslock-busy', 0),
  defect: pagesKeptBusy,
  finds: { kind: 'sleeps-for-ever', text: 'sleeps on' },
  remedies: [],
};

/** The entry: pages in descending order. */
export const vslockBusyOrder: CatalogueEntry = {
  id: 'netbsd-2003-vslock-busy-order',
  system: 'NetBSD',
  historical: false,
  title:
    'the pages of a buffer are kept busy for a device, and a buffer that maps a file backwards and a read of the file wait for each other',
  story:
    'What else is wrong with the remedy that was proposed first. Whoever has several pages of a file busy takes them in the order of their ' +
    'offsets, so that two of them never wait for each other. A buffer is wired in the order of its addresses, and a file can be mapped ' +
    'backwards: the buffer has the second page busy and waits for the first, and who reads the file has the first and waits for the second.',
  program: toTwoPages('catalogue:netbsd-2003-vslock-busy-order', PAGE_SIZE, function* (user) {
    yield* user.pread(FILE, Y, 2 * PAGE_SIZE, 0);
  }),
  defect: pagesKeptBusy,
  finds: { kind: 'sleeps-for-ever', text: 'sleeps on' },
  remedies: [],
};
