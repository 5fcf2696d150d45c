/**
 * NetBSD 2003: a page that is on loan is wired, and the loan is broken.
 *
 *     thread A                                thread B                  page P                        page P'
 *     sends a page of a file                                            on loan to the network
 *     writes the same page to a tape
 *       vslock: a fault that only reads                                 on loan, and wired
 *       the device reads P
 *                                             stores to the page        nobody's, on loan, wired      the file's
 *     the network is done with it                                       free, under the device
 *       vsunlock: unwires what is at X                                                                was never wired
 *
 * B can as well be another process that has the file mapped. Where A may store to the page itself, its fault asks for that, and breaks
 * the loan before it wires: all is well.
 */
import {
  AF_LOCAL,
  MAP_FIXED,
  MAP_SHARED,
  O_RDWR,
  O_WRONLY,
  PAGE_SIZE,
  PROT_READ,
  type Protection,
  SOCK_STREAM,
} from '@faultline/kernel';
import { defineProgram, type Program } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';
import { MACHINE, opensTape, READ_WRITE, WITH_TAPE, X } from './tape.js';
import { vslockHoldsPages } from './vslock-holds-pages.js';

/** Where the page can be stored to. */
const Y = 0x200000;
/** The descriptors: the tape, the ends of the pair, and the file. */
const [TAPE, NEAR, FILE] = [0, 1, 3];

/** A thread that writes a page to the tape which it has sent, and another that stores to it, where it is mapped to be stored to. */
function lendingAndWriting(name: string, protection: Protection): Program {
  return defineProgram({
    name,
    machine: MACHINE,
    devices: WITH_TAPE,
    files: { '/file': { size: PAGE_SIZE } },
    *setUp(user) {
      yield* opensTape(user, O_WRONLY);
      yield* user.socketpair(AF_LOCAL, SOCK_STREAM);
      yield* user.open('/file', O_RDWR);
      yield* user.mmap(X, PAGE_SIZE, protection, MAP_SHARED | MAP_FIXED, FILE);
      yield* user.mmap(Y, PAGE_SIZE, READ_WRITE, MAP_SHARED | MAP_FIXED, FILE);
      yield* user.load8(X);
      yield* user.send(NEAR, X, PAGE_SIZE);
    },
    *main(user) {
      yield* user.lwpCreate(function* (other) {
        yield* other.store8(Y, 2);
      });
      yield* user.write(TAPE, X, PAGE_SIZE);
    },
  });
}

/** The entry. */
export const vslockLoan: CatalogueEntry = {
  id: 'netbsd-2003-vslock-loan',
  system: 'NetBSD',
  historical: true,
  title: 'a page that is on loan to the network is wired for a tape, and a store that breaks the loan takes it away',
  story:
    'The third problem of the thread of 2003. A page that is wired is not lent; but a page on loan is wired, if whoever wires it only ' +
    'wants to read. When somebody stores to it, the loan is broken: the file has a new page, all mappings of the old one go, and the old ' +
    'one belongs to nobody but the network, which frees it when it is done, whether a tape still reads it or not. The wiring stays with ' +
    'the old page, and vsunlock does not find it. Where whoever wires could store to the page, the fault breaks the loan first, and nothing goes wrong.',
  program: lendingAndWriting('catalogue:netbsd-2003-vslock-loan', PROT_READ),
  defect: null,
  finds: { kind: 'invariant', text: 'device-page' },
  also: [{ kind: 'invariant', text: 'wire-count' }],
  sound: [lendingAndWriting('catalogue:netbsd-2003-vslock-loan, writable', READ_WRITE)],
  remedies: [{ patch: vslockHoldsPages, history: 'a fix of our own: docs/vslock.md', cures: true }],
};
