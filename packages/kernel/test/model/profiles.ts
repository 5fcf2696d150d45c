/** What there is most of in a sequence: see `sequences` in `operations.ts`. */
import type { Profile } from './operations.js';

const EVERYTHING: Profile = {
  mmap: 9,
  store: 26,
  load: 10,
  munmap: 3,
  mprotect: 6,
  minherit: 2,
  madvise: 4,
  msync: 3,
  mincore: 2,
  mlock: 4,
  munlock: 3,
  mlockall: 1,
  munlockall: 1,
  mremap: 6,
  brk: 2,
  limit: 1,
  execute: 1,
  read: 2,
  write: 2,
  pread: 3,
  pwrite: 3,
  ftruncate: 3,
};
/** Mappings come and go, and are cut in pieces. */
const LAYOUT: Profile = { mmap: 8, munmap: 4, mremap: 8, mprotect: 3, brk: 3, store: 10, load: 3 };
/** Memory is wired and unwired, while what it maps changes. */
const WIRING: Profile = {
  mlock: 6,
  munlock: 4,
  mlockall: 2,
  munlockall: 1,
  mmap: 2,
  munmap: 2,
  mprotect: 4,
  mremap: 3,
  madvise: 2,
  msync: 2,
  ftruncate: 3,
  limit: 1,
  store: 8,
  load: 4,
};
/** Files are read, written, cut and extended, through descriptors and through memory. */
const FILES: Profile = {
  mmap: 3,
  mprotect: 2,
  msync: 4,
  madvise: 3,
  mincore: 2,
  ftruncate: 5,
  read: 2,
  write: 2,
  pread: 3,
  pwrite: 4,
  store: 12,
  load: 5,
};

/** One file: mapped shared and privately by two processes who also read and write it, and everything that befalls it meanwhile. */
export const COHERENCE: readonly Profile[] = [
  {
    mmap: 3,
    store: 10,
    load: 4,
    read: 3,
    write: 3,
    pread: 5,
    pwrite: 6,
    ftruncate: 6,
    msync: 4,
    fsync: 3,
    fadvise: 3,
    madvise: 2,
    fork: 2,
  },
];

/** For one process. */
export const ALONE: readonly Profile[] = [EVERYTHING, EVERYTHING, LAYOUT, WIRING, FILES];

const FAMILY: Profile = { fork: 8, exit: 2, wait: 2, minherit: 6 };
/** Memory is inherited in all ways, and everybody stores to it. */
const SHARING: Profile = { ...FAMILY, store: 20, load: 4, mprotect: 2, madvise: 3, mremap: 3, munmap: 1, mmap: 1 };

/**
 * Anonymous memory is used up. A process is killed only over an access by one instruction: of a range, what it has done before that
 * would stay in shared memory. Files and wiring are left out: nothing takes the pages of files back, and a fork copies wired
 * pages at once; both would wait for memory for ever.
 */
export const SCARCITY: readonly Profile[] = [
  {
    mapAnon: 6,
    poke: 40,
    load: 6,
    munmap: 1,
    mprotect: 2,
    mremap: 1,
    brk: 1,
    fork: 8,
    exit: 1,
    wait: 4,
    minherit: 4,
    madvise: 1,
  },
];

/** For several. */
export const TOGETHER: readonly Profile[] = [
  { ...EVERYTHING, ...FAMILY, limit: 0 },
  SHARING,
  { ...SHARING, mlock: 5, munlock: 3, mlockall: 1, munlockall: 1 },
  { ...FILES, ...FAMILY },
];

/** All that there is where memory goes to swap and comes back. */
const PRESSURE: Profile = {
  fill: 8,
  store: 6,
  load: 6,
  send: 5,
  recv: 4,
  rawRead: 4,
  rawWrite: 4,
  shmat: 5,
  shmdt: 2,
  shmrm: 1,
  mapObject: 4,
  mmap: 2,
  munmap: 2,
  mprotect: 1,
  minherit: 2,
  madvise: 2,
  mremap: 2,
  mincore: 1,
  msync: 1,
  ftruncate: 1,
  pread: 2,
  pwrite: 2,
  fork: 3,
  exit: 1,
  wait: 1,
};

/** With so little RAM that everything swaps. */
export const SWAPPING: readonly Profile[] = [
  PRESSURE,
  { fill: 8, store: 4, load: 4, send: 8, recv: 6, fork: 3, exit: 1, mmap: 2, munmap: 2, mremap: 2, minherit: 2 },
  {
    fill: 8,
    store: 4,
    load: 4,
    shmat: 8,
    shmdt: 3,
    shmrm: 2,
    mapObject: 6,
    ftruncate: 1,
    pread: 3,
    pwrite: 3,
    fork: 3,
    exit: 1,
    madvise: 2,
  },
  { fill: 8, store: 4, load: 4, rawRead: 8, rawWrite: 8, mlock: 2, munlock: 2, shmat: 3, mapObject: 2, mprotect: 1, fork: 2 },
];

/** … while swapping to this disk and that begins and ends. */
export const UNSTEADY: readonly Profile[] = SWAPPING.map((profile) => ({ ...profile, swapctl: 6 }));
