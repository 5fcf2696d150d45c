/** What the cases with known answers have in common: mapping, filling, counting resident pages, children that die. */
import { expect } from 'vitest';
import {
  type ExitReason,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  type NetbsdSystem,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Process,
  RamFile,
  SIGBUS,
  SIGSEGV,
  type Step,
  type User,
  type UserProgram,
} from '../../src/index.js';
import type { MapEntry } from '../../src/uvm/map/map-entry.js';

export const PAGE = PAGE_SIZE;
export const RW = PROT_READ | PROT_WRITE;
export const PRIVATE_ANON = MAP_ANON | MAP_PRIVATE;

/** The ends of a child that a fault ended. */
export const SEGV: ExitReason = { kind: 'signaled', signal: SIGSEGV };
export const BUS: ExitReason = { kind: 'signaled', signal: SIGBUS };
/** The end of a child that did all it was to do. */
export const DONE: ExitReason = { kind: 'exited', status: 0 };

/** Where `residentPages` puts its vector: far from everything else, so that asking makes nobody a neighbour. */
const VECTOR = 0x1000_0000;

/** Maps anonymous memory, private and writable unless told otherwise; fails the test when that fails. */
export function* mapAnon(user: User, pages: number, protection = RW, flags = PRIVATE_ANON): Step<number> {
  const address = yield* user.mmap(0, pages * PAGE, protection, flags);
  expect(address, 'mmap of anonymous memory').toBeGreaterThan(0);
  return address;
}

/** Maps the beginning of a file; fails the test when that fails. */
export function* mapFile(user: User, fd: number, length: number, protection: number, flags: number): Step<number> {
  const address = yield* user.mmap(0, length, protection, flags, fd, 0);
  expect(address, 'mmap of a file').toBeGreaterThan(0);
  return address;
}

/** Opens a file; fails the test when that fails. */
export function* open(user: User, path: string, flags: number): Step<number> {
  const fd = yield* user.open(path, flags);
  expect(fd, `open of ${path}`).toBeGreaterThanOrEqual(0);
  return fd;
}

/** `memset(3)` */
export function* fill(user: User, address: number, length: number, byte: number): Step<void> {
  expect(yield* user.storeBytes(address, new Uint8Array(length).fill(byte)), 'memset').toBe(0);
}

/** The bytes of a range. */
export function* bytesAt(user: User, address: number, length: number): Step<Uint8Array> {
  const bytes = new Uint8Array(length);
  expect(yield* user.loadBytes(address, bytes), 'load of a range').toBe(0);
  return bytes;
}

/** Expects that every byte is the same; quick for long ranges, and says where the first other one is. */
export function expectAll(bytes: Uint8Array, byte: number): void {
  const at = bytes.findIndex((found) => found !== byte);
  expect(at, at < 0 ? '' : `byte ${at} is ${bytes[at]}, not ${byte}`).toBe(-1);
}

/** How many of these pages are in memory, as `mincore(2)` says. */
export function* residentPages(user: User, address: number, pages: number): Step<number> {
  expect(yield* user.mmap(VECTOR, pages, RW, PRIVATE_ANON | MAP_FIXED)).toBe(VECTOR);
  expect(yield* user.mincore(address, pages * PAGE, VECTOR), 'mincore').toBe(0);
  const vector = yield* bytesAt(user, VECTOR, pages);
  expect(yield* user.munmap(VECTOR, pages)).toBe(0);
  return vector.filter((byte) => byte !== 0).length;
}

/** Forks a child that runs `program`, waits for it, and tells how it ended. */
export function* endOfChild(user: User, program: UserProgram): Step<ExitReason> {
  const pid = yield* user.fork(program);
  expect(pid, 'fork').toBeGreaterThan(0);
  const result = yield* user.wait(pid);
  if (typeof result === 'number') throw new Error(`wait4 for process ${pid} answers ${result}`);
  return result.reason;
}

/** A file of that size, all of it stored, whose byte at each offset tells the number of its page. */
export function makeFile(system: NetbsdSystem, path: string, size: number): void {
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at++) content[at] = 1 + (Math.floor(at / PAGE) % 255);
  system.sys.vfs.add(path, new RamFile(path, content));
}

/** The entries of a process's map, in order of address. */
export function entriesOf(system: NetbsdSystem, process: Process): MapEntry[] {
  const map = [...system.uvm.maps].find((candidate) => candidate.pmap === process.space?.pmap);
  expect(map, `process ${process.pid} has no map`).toBeDefined();
  return map?.entries() ?? [];
}

/** An entry for a comparison: pages from `base` on, and how often it is wired. */
export function rangesOf(
  system: NetbsdSystem,
  process: Process,
  base: number,
): { from: number; to: number; wiredCount: number }[] {
  return entriesOf(system, process).map(({ start, end, wiredCount }) => ({
    from: (start - base) / PAGE,
    to: (end - base) / PAGE,
    wiredCount,
  }));
}
