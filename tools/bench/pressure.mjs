/** What is measured besides: swap, shared memory, loans, and wiring for devices, on the direct build. */
import { asVa, IPC_PRIVATE, IPC_RMID, PAGE_SIZE, PROT_WRITE } from '@faultline/kernel/direct';
import { Bench, succeed } from './operations.mjs';

/** @typedef {import('./measure.mjs').Operation} Operation */

const PAGES = 1000;

/**
 * A store to a page that is on swap, for which a page that was stored to has to go there: a page in, and a page out.
 *
 * @returns {Operation}
 */
export function pageOutAndIn() {
  const resident = 4 * PAGES;
  const bench = new Bench({ ram: resident * PAGE_SIZE, swap: [{ name: 'wd0', pages: 3 * resident }] });
  const pages = 2 * resident;
  const at = bench.mapResident(pages);
  let next = 0;
  return {
    count: PAGES,
    batch: () => {
      // Always the page that was used longest ago.
      bench.touch(at + next * PAGE_SIZE, PAGES);
      next = (next + PAGES) % pages;
    },
  };
}

/**
 * The first store to each page of a fresh System V segment.
 *
 * @returns {Operation}
 */
export function aobjFault() {
  const bench = new Bench();
  let id = 0;
  let at = 0;
  return {
    count: PAGES,
    before: () => {
      id = bench.do((user) => succeed(user.shmget(IPC_PRIVATE, PAGES * PAGE_SIZE, 0o600)));
      at = bench.do((user) => succeed(user.shmat(id, 0, 0)));
    },
    batch: () => bench.touch(at, PAGES),
    after: () => {
      bench.do((user) => succeed(user.shmdt(at)));
      bench.do((user) => user.shmctl(id, IPC_RMID));
    },
  };
}

/**
 * Lending a page of a process to the kernel, as a large send does, and giving it back.
 *
 * @returns {Operation}
 */
export function loanUnloan() {
  const bench = new Bench();
  const at = bench.mapResident(PAGES);
  const { uvm } = bench.system;
  const map = mapOf(bench);
  return {
    count: PAGES,
    batch: () =>
      bench.do(() => {
        for (let i = 0; i < PAGES; i++) {
          const start = asVa(at + i * PAGE_SIZE);
          const loan = uvm.uvmKernelBorrow(map, start, asVa(start + PAGE_SIZE));
          if (typeof loan === 'number') throw new Error(`a page cannot be lent: errno ${loan}`);
          uvm.uvmKernelReturn(loan);
        }
      }),
  };
}

/**
 * Wiring a resident page for a device that will write to it, and unwiring it.
 *
 * @returns {Operation}
 */
export function vslockVsunlock() {
  const bench = new Bench();
  const at = bench.mapResident(PAGES);
  const { uvm } = bench.system;
  const [space] = [...uvm.spaces].slice(-1);
  if (space === undefined) throw new Error('a process without a space');
  return {
    count: PAGES,
    batch: () =>
      bench.do(() => {
        for (let i = 0; i < PAGES; i++) {
          succeed(-uvm.uvmVslock(space, at + i * PAGE_SIZE, PAGE_SIZE, PROT_WRITE));
          uvm.uvmVsunlock(space, at + i * PAGE_SIZE, PAGE_SIZE);
        }
      }),
  };
}

/** The map of the only process. */
function mapOf(/** @type {Bench} */ { system }) {
  const map = [...system.uvm.maps].at(-1);
  if (map === undefined) throw new Error('a process without a map');
  return map;
}
