/**
 * Random work on a whole machine, a call at a time from outside: processes that map, store, fork, swap, read and write files and pipes. For tests
 * of snapshots, so all that it remembers can be copied.
 */
import fc from 'fast-check';
import {
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  O_NONBLOCK,
  O_RDWR,
  PROT_READ,
  PROT_WRITE,
  type Step,
  type System,
  type User,
} from '../src/index.js';
import { PAGE_SIZE } from '../src/machine/address.js';

/** Something that is done; numbers are taken modulo what there is. */
export interface Deed {
  readonly do:
    | 'map'
    | 'mapFile'
    | 'store'
    | 'load'
    | 'unmap'
    | 'fork'
    | 'exit'
    | 'wait'
    | 'thread'
    | 'lock'
    | 'read'
    | 'write'
    | 'pipe'
    | 'send'
    | 'receive'
    | 'truncate'
    | 'protect';
  readonly who: number;
  readonly where: number;
  readonly much: number;
}

const MOST_PAGES = 24;
const FILE = '/data';

/** A deed. */
export const deeds: fc.Arbitrary<Deed> = fc.record({
  do: fc.constantFrom(
    ...(['map', 'store', 'store', 'store', 'load', 'fork'] as const),
    ...(['mapFile', 'unmap', 'exit', 'wait', 'thread', 'lock', 'read', 'write'] as const),
    ...(['pipe', 'send', 'receive', 'truncate', 'protect'] as const),
  ),
  who: fc.nat(7),
  where: fc.nat(1000),
  much: fc.integer({ min: 1, max: MOST_PAGES }),
});

interface Mapped {
  readonly pid: number;
  readonly at: number;
  readonly pages: number;
}

/** What the work remembers between two deeds: plain data. */
export interface Memory {
  pids: number[];
  mapped: Mapped[];
  files: { readonly pid: number; readonly fd: number }[];
  pipes: { readonly pid: number; readonly read: number; readonly write: number }[];
}

/** Begins: a process, a file. */
export function begin(system: System): Memory {
  system.addFile(
    FILE,
    new Uint8Array(3 * PAGE_SIZE + 100).map((_, i) => i),
  );
  const first = system.spawn('first');
  const fd = system.perform(first, (user) => user.open(FILE, O_RDWR)) ?? -1;
  return { pids: [first.process.pid], mapped: [], files: [{ pid: first.process.pid, fd }], pipes: [] };
}

/** Does something, and tells what came of it. */
export function perform(system: System, memory: Memory, deed: Deed): string {
  const pid = memory.pids[deed.who % Math.max(1, memory.pids.length)];
  if (pid === undefined) return 'nobody is left';
  const answer = system.perform(system.thread(pid), (user) => work(user, memory, deed));
  if (!system.kernel.sys.processes.get(pid)?.lwps.length) forget(memory, pid);
  return `${pid} ${deed.do} ${JSON.stringify(answer) ?? 'ended'}`;
}

function* work(user: User, memory: Memory, { do: what, where, much }: Deed): Step<unknown> {
  const { pid } = user.process;
  const mapped = memory.mapped.filter((one) => one.pid === pid);
  const place = mapped[where % Math.max(1, mapped.length)];
  const file = memory.files.find((one) => one.pid === pid);
  const pipe = memory.pipes.find((one) => one.pid === pid);
  switch (what) {
    case 'map':
    case 'mapFile':
      return yield* map(user, memory, what === 'map' ? undefined : file?.fd, { pages: much, shared: where % 2 === 0 });
    case 'fork':
      return yield* fork(user, memory);
    case 'exit':
      return memory.pids.length > 1 ? yield* user.exit(where) : 'the last one stays';
    case 'wait':
      return yield* user.wait(-1, { nohang: true });
    case 'thread':
      return yield* user.lwpCreate();
    case 'pipe':
      return yield* makePipe(user, memory);
    case 'read':
    case 'write': {
      if (file === undefined || place === undefined) return 'nothing';
      const bytes = Math.min(much * 97, place.pages * PAGE_SIZE);
      if (what === 'read') return yield* user.pread(file.fd, place.at, bytes, where * 13);
      return yield* user.pwrite(file.fd, place.at, bytes, where * 13);
    }
    case 'truncate':
      return file === undefined ? 'nothing' : yield* user.ftruncate(file.fd, where * 13);
    case 'send':
      return pipe === undefined || place === undefined ? 'nothing' : yield* user.write(pipe.write, place.at, much * 31);
    case 'receive':
      return pipe === undefined || place === undefined ? 'nothing' : yield* user.read(pipe.read, place.at, much * 17);
    default:
      return place === undefined ? 'nothing' : yield* touch(user, memory, place, { do: what, where, much });
  }
}

function* touch(
  user: User,
  memory: Memory,
  place: Mapped,
  { do: what, where, much }: Pick<Deed, 'do' | 'where' | 'much'>,
): Step<unknown> {
  const at = place.at + (where % place.pages) * PAGE_SIZE;
  const pages = Math.min(much, place.pages - (where % place.pages));
  switch (what) {
    case 'store':
      for (let i = 0; i < pages; i++) yield* user.store32(at + i * PAGE_SIZE + 4 * (where & 1023), where * 1000 + much);
      return 'stored';
    case 'load': {
      let sum = 0;
      for (let i = 0; i < pages; i++) sum = (sum * 31 + (yield* user.load32(at + i * PAGE_SIZE + 4 * (where & 1023)))) | 0;
      return sum;
    }
    case 'lock':
      return much % 2 === 0 ? yield* user.mlock(at, PAGE_SIZE) : yield* user.munlock(at, PAGE_SIZE);
    case 'protect':
      return yield* user.mprotect(at, PAGE_SIZE, PROT_READ | PROT_WRITE);
    default:
      memory.mapped = memory.mapped.filter((one) => one !== place);
      return yield* user.munmap(place.at, place.pages * PAGE_SIZE);
  }
}

function* map(
  user: User,
  memory: Memory,
  fd: number | undefined,
  { pages, shared }: { pages: number; shared: boolean },
): Step<unknown> {
  const flags = (shared ? MAP_SHARED : MAP_PRIVATE) | (fd === undefined ? MAP_ANON : 0);
  const at = yield* user.mmap(0, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, flags, fd ?? -1);
  if (at >= 0) memory.mapped.push({ pid: user.process.pid, at, pages });
  return at;
}

function* fork(user: User, memory: Memory): Step<unknown> {
  if (memory.pids.length > 4) return 'enough';
  const child = yield* user.fork();
  const { pid } = user.process;
  const inherit = <T extends { readonly pid: number }>(list: T[]): T[] =>
    list.concat(list.filter((one) => one.pid === pid).map((one) => ({ ...one, pid: child })));
  memory.pids.push(child);
  memory.mapped = inherit(memory.mapped);
  memory.files = inherit(memory.files);
  memory.pipes = inherit(memory.pipes);
  return child;
}

function* makePipe(user: User, memory: Memory): Step<unknown> {
  if (memory.pipes.some(({ pid }) => pid === user.process.pid)) return 'enough';
  const ends = yield* user.pipe(O_NONBLOCK);
  if (typeof ends !== 'number') memory.pipes.push({ pid: user.process.pid, ...ends });
  return ends;
}

function forget(memory: Memory, pid: number): void {
  memory.pids = memory.pids.filter((one) => one !== pid);
  memory.mapped = memory.mapped.filter((one) => one.pid !== pid);
  memory.files = memory.files.filter((one) => one.pid !== pid);
  memory.pipes = memory.pipes.filter((one) => one.pid !== pid);
}
