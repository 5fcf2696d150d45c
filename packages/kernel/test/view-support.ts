/** What tests of the views start with: a process whose memory is small enough to be printed, and known to the byte. */
import { expect } from 'vitest';
import {
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  MAP_SHARED,
  type NetbsdSystem,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  type Process,
  RamFile,
  type View,
  type ViewRequest,
  view,
} from '../src/index.js';
import { type VmMap, Vmspace } from '../src/uvm/map/vm-map.js';
import { UvmVnode } from '../src/uvm/vnode/vnode.js';
import { act, boot } from './harness.js';

export const WIRED = 0x10000;
export const TOUCHED = 0x11000;
export const FILE = 0x14000;

/**
 * A process of this memory. Each page of the first two was written to, and the first page of the file was read.
 *
 *     0x10000   0x11000   0x12000   0x14000                       0x17000
 *       |  wired  |         |         |         |         |         |
 *       +---------+---------+  hole   +---------+---------+---------+
 *       |  anonymous, rw-   |         |  file /data, shared, rw-    |
 */
export function smallProcess(): { system: NetbsdSystem; process: Process; map: VmMap; vnode: UvmVnode } {
  const system = boot();
  const file = system.sys.vfs.add('/data', new RamFile('data', new Uint8Array(3 * 4096).fill(1)));
  const process = system.spawn('small');
  act(system, process, function* (user) {
    const fd = yield* user.open('/data', O_RDWR);
    yield* user.mmap(WIRED, 2 * 4096, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.mmap(FILE, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    yield* user.mlock(WIRED, 4096);
    yield* user.store32(WIRED, 1);
    yield* user.store32(TOUCHED, 2);
    yield* user.load32(FILE);
  });
  expect(process.space).toBeInstanceOf(Vmspace);
  expect(file).toBeInstanceOf(UvmVnode);
  return { system, process, map: (process.space as Vmspace).map, vnode: file as UvmVnode };
}

/** A view, which JSON must be able to hold as it is. */
export function see(system: NetbsdSystem, request: ViewRequest): View {
  const seen = view(system, request);
  expect(JSON.parse(JSON.stringify(seen.data))).toEqual(seen.data);
  return seen;
}

/** The text of a view. */
export function lines(system: NetbsdSystem, request: ViewRequest): string[] {
  return see(system, request).text.split('\n');
}

/** What a view says is wrong, as `subject: what (seen)`. */
export function problems(system: NetbsdSystem, request: ViewRequest): string[] {
  const { data } = see(system, request) as { data: { problems: { subject: string; what: string; seen: string }[] } };
  return data.problems.map(({ subject, what, seen }) => `${subject}: ${what} (${seen})`);
}

/** The lines of a view that mark what is wrong. */
export function marks(system: NetbsdSystem, request: ViewRequest): string[] {
  return lines(system, request).filter((line) => line.includes('>>>'));
}
