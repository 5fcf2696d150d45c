/**
 * A fault on a file brings in a page from beyond its end, because it measured the file before the file was cut off.
 *
 *     thread 1: load from X                thread 2: ftruncate(fd, 0)
 *       the file has one page: go on
 *       unlock the object
 *                                            lock the node; free the page; size 0; unlock the node
 *       lock the node                                                     <- nobody measures the file once more
 *       bring in the page: zeros
 */
import { definePatch, MAP_FIXED, MAP_SHARED, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { CheckFailed, defineProgram } from '@faultline/program';
import type { CatalogueEntry } from './entry.js';

const X = 0x100000;
const FD = 0;
/** What the file holds. */
const BYTE = 7;

const defect = definePatch({
  id: 'netbsd-race-getpages-size',
  summary: 'genfs_getpages does not measure the file once more when it has the node locked',
  replace: { uvm: { genfsHasShrunk: () => () => false } },
});

const measuredAgain = definePatch({
  id: 'netbsd-getpages-measures-again',
  summary: 'genfs_getpages begins once more when the file has become shorter before the node was locked',
  replace: {
    uvm: {
      genfsHasShrunk: () => (vnode, measured) => vnode.size < measured,
    },
  },
});

const program = defineProgram({
  name: 'catalogue:netbsd-race-getpages-size',
  machine: { ramPages: 32, blockSize: PAGE_SIZE },
  files: { file: new Uint8Array(PAGE_SIZE).fill(BYTE) },
  *setUp(user) {
    const fd = yield* user.open('file', O_RDWR);
    yield* user.mmap(X, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd);
  },
  *main(user) {
    yield* user.lwpCreate(function* (other) {
      yield* other.ftruncate(FD, 0);
    });
    // From an empty file nothing can be loaded: that is SIGBUS.
    const loaded = yield* user.load8(X);
    if (loaded !== BYTE) throw new CheckFailed('a load from a mapped file gives a byte that the file never had');
  },
});

/** The entry. */
export const getpagesSize: CatalogueEntry = {
  id: 'netbsd-race-getpages-size',
  system: 'NetBSD',
  historical: false,
  title: 'a fault maps a page beyond the end of a file that is being truncated',
  story:
    'No release had it. genfs_getpages measures the file before it has the lock of the node, which excludes truncation, and once more ' +
    'when it has it. Without the second look, a fault that began before a truncation brings in a page beyond the new end: where the ' +
    'program should get SIGBUS, it gets zeros, or what another writes there when the file grows again.',
  program,
  defect,
  finds: { kind: 'check', text: 'a byte that the file never had' },
  also: [{ kind: 'invariant', text: 'file-end' }],
  remedies: [{ patch: measuredAgain, history: 'what the kernel does', cures: true }],
};
