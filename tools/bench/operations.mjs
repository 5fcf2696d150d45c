/** What is measured: the operations that have a budget (DESIGN, section 6), on the direct build. `pressure.mjs` has others. */
import { asVa, bootNetbsd, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel/direct';

/** @typedef {import('./measure.mjs').Operation} Operation */
/** @typedef {import('@faultline/kernel/direct').User} User */

const MIB = 2 ** 20;
const READ_WRITE = PROT_READ | PROT_WRITE;
const ANONYMOUS = MAP_ANON | MAP_PRIVATE;
/** Pages that a batch of faults goes through. */
const PAGES = 1000;

/** A machine with a process that does what it is told. */
export class Bench {
  system;
  process;

  /** @param {Partial<import('@faultline/kernel/direct').BootOptions>} [options] */
  constructor(options = {}) {
    this.system = bootNetbsd({ ram: 64 * MIB, diagnostic: false, ...options });
    this.process = this.system.spawn('bench');
  }

  /**
   * Has the process do something, and gives what that gave.
   *
   * @template T
   * @param {(user: User) => T} job
   */
  do(job) {
    return /** @type {T} */ (this.system.perform(this.process, job));
  }

  /** Maps anonymous memory, and answers its address. */
  map(/** @type {number} */ pages) {
    return this.do((user) => succeed(user.mmap(0, pages * PAGE_SIZE, READ_WRITE, ANONYMOUS)));
  }

  /** Maps anonymous memory and stores to each of its pages. */
  mapResident(/** @type {number} */ pages) {
    const at = this.map(pages);
    this.touch(at, pages);
    return at;
  }

  /** Stores to the first word of each page. */
  touch(/** @type {number} */ at, /** @type {number} */ pages) {
    this.do((user) => {
      for (let i = 0; i < pages; i++) user.store32(at + i * PAGE_SIZE, i);
    });
  }

  unmap(/** @type {number} */ at, /** @type {number} */ pages) {
    this.do((user) => succeed(user.munmap(at, pages * PAGE_SIZE)));
  }
}

/** @param {number} answer of a call that must succeed */
export function succeed(answer) {
  if (answer < 0) throw new Error(`a call of the benchmark failed: errno ${-answer}`);
  return answer;
}

/**
 * Zeroing one page after the other, of as much memory as the faults below get. Its time is the unit Z.
 *
 * @returns {Operation}
 */
export function zeroPage() {
  const memory = new Uint8Array(PAGES * PAGE_SIZE);
  return {
    count: PAGES,
    batch: () => {
      for (let at = 0; at < memory.length; at += PAGE_SIZE) memory.fill(0, at, at + PAGE_SIZE);
    },
  };
}

/** Fewer pages than the TLB has slots. */
const LOAD_PAGES = 64;
const LOADS = 4096;
const ROUNDS = 256;

/** Offsets of words in `LOAD_PAGES` pages, in no order that a processor could guess. */
function scatteredOffsets() {
  let state = 1;
  return Int32Array.from({ length: LOADS }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return ((state >>> 8) % ((LOAD_PAGES * PAGE_SIZE) / 4)) * 4;
  });
}

/** The sums, so that the compiler cannot leave out the loads. */
const kept = { sums: 0 };

/**
 * Loads out of a plain array.
 *
 * @returns {Operation}
 */
export function plainLoad() {
  const memory = new Int32Array((LOAD_PAGES * PAGE_SIZE) / 4);
  const offsets = scatteredOffsets();
  const sum = () => {
    let total = 0;
    for (let i = 0; i < LOADS; i++) total = (total + (memory[(offsets[i] ?? 0) >>> 2] ?? 0)) | 0;
    return total;
  };
  return {
    count: LOADS * ROUNDS,
    batch: () => {
      for (let round = 0; round < ROUNDS; round++) kept.sums ^= sum();
    },
  };
}

/**
 * The same loads in the name of a thread, from outside: what the loop of an emulator does.
 *
 * @returns {Operation}
 */
export function threadLoad() {
  const bench = new Bench();
  const at = bench.mapResident(LOAD_PAGES);
  const [lwp] = bench.process.lwps;
  if (lwp === undefined) throw new Error('a process without a thread');
  const user = bench.system.sys.userOf(lwp);
  const offsets = scatteredOffsets();
  const sum = () => {
    let total = 0;
    for (let i = 0; i < LOADS; i++) total = (total + user.load32(at + (offsets[i] ?? 0))) | 0;
    return total;
  };
  return {
    count: LOADS * ROUNDS,
    batch: () => {
      for (let round = 0; round < ROUNDS; round++) kept.sums ^= sum();
    },
  };
}

/**
 * The same loads by a program, in a job: the thread is what it was given.
 *
 * @returns {Operation}
 */
export function programLoad() {
  const bench = new Bench();
  const at = bench.mapResident(LOAD_PAGES);
  const offsets = scatteredOffsets();
  const sum = (/** @type {User} */ user) => {
    let total = 0;
    for (let i = 0; i < LOADS; i++) total = (total + user.load32(at + (offsets[i] ?? 0))) | 0;
    return total;
  };
  return {
    count: LOADS * ROUNDS,
    batch: () =>
      bench.do((user) => {
        for (let round = 0; round < ROUNDS; round++) kept.sums ^= sum(user);
      }),
  };
}

/**
 * The first store to each page of fresh anonymous memory.
 *
 * @returns {Operation}
 */
export function zeroFill() {
  const bench = new Bench();
  let at = 0;
  return {
    count: PAGES,
    before: () => {
      at = bench.map(PAGES);
    },
    batch: () => bench.touch(at, PAGES),
    after: () => bench.unmap(at, PAGES),
  };
}

/**
 * Stores of a parent to pages that it shares with a child since a fork.
 *
 * @returns {Operation}
 */
export function copyOnWrite() {
  const bench = new Bench();
  const at = bench.mapResident(PAGES);
  let child = 0;
  return {
    count: PAGES,
    before: () => {
      child = bench.do((user) => succeed(user.fork()));
    },
    batch: () => bench.touch(at, PAGES),
    after: () => {
      const process = bench.system.sys.processes.get(child);
      if (process !== undefined) bench.system.perform(process, (user) => user.exit(0));
      bench.do((user) => user.wait(child));
    },
  };
}

/**
 * mmap and munmap of a page that is never touched.
 *
 * @returns {Operation}
 */
export function mapUnmap() {
  const bench = new Bench();
  const count = 1000;
  return {
    count,
    batch: () =>
      bench.do((user) => {
        for (let i = 0; i < count; i++) user.munmap(user.mmap(0, PAGE_SIZE, READ_WRITE, ANONYMOUS), PAGE_SIZE);
      }),
  };
}

/**
 * mlock and munlock of a page in the middle of a large resident entry.
 *
 * @returns {Operation}
 */
export function lockUnlock() {
  const bench = new Bench();
  const count = 1000;
  const middle = bench.mapResident(PAGES) + (PAGES / 2) * PAGE_SIZE;
  return {
    count,
    batch: () =>
      bench.do((user) => {
        for (let i = 0; i < count; i++) succeed(user.mlock(middle, PAGE_SIZE) || user.munlock(middle, PAGE_SIZE));
      }),
  };
}

/**
 * fork, exit of the child, and wait, with 1,000 resident pages. Counted by the page.
 *
 * @returns {Operation}
 */
export function forkExit() {
  const bench = new Bench();
  bench.mapResident(PAGES);
  return {
    count: PAGES,
    batch: () => bench.do((user) => user.wait(succeed(user.fork((child) => child.exit(0))))),
  };
}

/** Where the entries of the large maps begin, and how far apart they are. */
const ENTRIES_AT = 2 ** 32;
const SPACING = 8 * PAGE_SIZE;
const ENTRY_PAGES = 3;

/**
 * A map with many entries, no two of which touch, and places in it in no particular order.
 *
 *     at                              at + SPACING
 *     [===|===|===).......................[===|===|===)......
 *
 * @param {number} entries
 */
function largeMap(entries) {
  const bench = new Bench();
  bench.do((user) => {
    for (let i = 0; i < entries; i++) {
      succeed(user.mmap(ENTRIES_AT + i * SPACING, ENTRY_PAGES * PAGE_SIZE, READ_WRITE, ANONYMOUS | MAP_FIXED));
    }
  });
  let state = 1;
  const anywhere = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return ENTRIES_AT + ((state >>> 3) % entries) * SPACING;
  };
  return { bench, anywhere };
}

/**
 * Looking up addresses in a map with many entries.
 *
 * @param {number} entries
 * @returns {Operation}
 */
export function lookup(entries) {
  const { bench, anywhere } = largeMap(entries);
  const { uvm } = bench.system;
  const map = [...uvm.maps].at(-1);
  if (map === undefined) throw new Error('a process without a map');
  const count = 10_000;
  return {
    count,
    batch: () => {
      for (let i = 0; i < count; i++) uvm.uvmMapLookupEntry(map, asVa(anywhere() + PAGE_SIZE));
    },
  };
}

/**
 * What a map with many entries is for: looking up, inserting, clipping and removing. A page is mapped in a gap and unmapped, the
 * middle page of an entry gets another protection, and the entry is made anew.
 *
 * @param {number} entries
 * @returns {Operation}
 */
export function lookupInsertClip(entries) {
  const { bench, anywhere } = largeMap(entries);
  const count = 1000;
  return {
    count,
    batch: () =>
      bench.do((user) => {
        for (let i = 0; i < count; i++) {
          const at = anywhere();
          const gap = at + (ENTRY_PAGES + 1) * PAGE_SIZE;
          succeed(user.mmap(gap, PAGE_SIZE, READ_WRITE, ANONYMOUS | MAP_FIXED));
          succeed(user.munmap(gap, PAGE_SIZE));
          succeed(user.mprotect(at + PAGE_SIZE, PAGE_SIZE, PROT_READ));
          succeed(user.mmap(at, ENTRY_PAGES * PAGE_SIZE, READ_WRITE, ANONYMOUS | MAP_FIXED));
        }
      }),
  };
}

/** RAM of the machine that is booted to see how long that takes. */
const LARGE_RAM = 4 * 2 ** 30;

/**
 * Booting with 4 GiB of RAM.
 *
 * @returns {Operation}
 */
export function bootLarge() {
  return { count: 1, batch: () => void bootNetbsd({ ram: LARGE_RAM }) };
}

/** Bytes that a machine with 4 GiB of RAM keeps for each frame, besides the frame itself. */
export function bookkeepingBytes() {
  const used = () => {
    globalThis.gc?.();
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };
  const before = used();
  const system = bootNetbsd({ ram: LARGE_RAM });
  const bytes = used() - before - system.machine.ram.bytes.length;
  return bytes / (LARGE_RAM / PAGE_SIZE);
}
