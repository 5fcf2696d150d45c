/** How each operation of `operations.ts` is done to the kernel and to the model, and what must come of it. */
import { ECHILD, MS_ASYNC, MS_INVALIDATE, RLIMIT_AS, RLIMIT_MEMLOCK, type User } from '../../src/index.js';
import { compareAtRest, compareFileAtRest } from './compare.js';
import { execute, load, store } from './instructions.js';
import { peek } from './kernel-view.js';
import type { Kind, Operation, Place } from './operations.js';
import { descriptorFor, hex, lengthFor, resolve, resolveRange, sizeFor } from './places.js';
import { pageRange } from './plain-arguments.js';
import * as calls from './plain-calls.js';
import { copyOut, fadvise, fsync, ftruncate, read, write } from './plain-file-calls.js';
import * as mapping from './plain-mapping-calls.js';
import { PAGE, type PlainLimits } from './plain-memory.js';
import * as wiring from './plain-wiring-calls.js';
import { TRANSFERS } from './transfers.js';
import type { Pair, World } from './world.js';

/** How an operation of some kind is done. */
export type Apply<K extends Kind> = (world: World, pair: Pair, operation: Operation<K>) => void;

/** Does an operation. */
export function apply(world: World, operation: Operation): void {
  world.stamp++;
  (APPLY[operation.op] as Apply<Kind>)(world, world.pair(operation.who), operation);
  world.settle();
}

const APPLY: { [K in Kind]: Apply<K> } = {
  ...TRANSFERS,
  mapAnon(world, pair, operation) {
    APPLY.mmap(world, pair, { ...operation, op: 'mmap', offset: 0 });
  },
  mmap(world, pair, { at, length, protection, source, offset }) {
    const address = resolve(at, pair.model);
    const { flags, fd } = source;
    world.same(
      pair,
      `mmap(${hex(address)}, ${length}, ${protection}, ${hex(flags)}, ${fd}, ${offset})`,
      (user) => user.mmap(address, length, protection, flags, fd, offset),
      (seen) => mapping.mmap(pair.model, address, length, protection, flags, fd, offset, seen),
    );
  },
  munmap(world, pair, range) {
    const [address, length] = resolveRange(range, pair.model);
    world.same(
      pair,
      `munmap(${hex(address)}, ${length})`,
      (user) => user.munmap(address, length),
      () => mapping.munmap(pair.model, address, length),
    );
  },
  mprotect(world, pair, { protection, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    const bytes = calls.protectionIsOpen(pair.model, address, length, protection) ? 1 : length;
    world.same(
      pair,
      `mprotect(${hex(address)}, ${bytes}, ${protection})`,
      (user) => user.mprotect(address, bytes, protection),
      () => calls.mprotect(pair.model, address, bytes, protection),
    );
  },
  minherit(world, pair, { inheritance, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    world.same(
      pair,
      `minherit(${hex(address)}, ${length}, ${inheritance})`,
      (user) => user.minherit(address, length, inheritance),
      () => calls.minherit(pair.model, address, length, inheritance),
    );
  },
  madvise(world, pair, { advice, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    world.same(
      pair,
      `madvise(${hex(address)}, ${length}, ${advice})`,
      (user) => user.madvise(address, length, advice),
      (seen) => calls.madvise(pair.model, address, length, advice, seen),
    );
  },
  msync(world, pair, { flags, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    const sync = (): number =>
      world.same(
        pair,
        `msync(${hex(address)}, ${length}, ${flags})`,
        (user) => user.msync(address, length, flags),
        (seen) => calls.msync(pair.model, address, length, flags, seen),
      );
    // What is thrown away although it could not be written is anybody's guess.
    const answer = flags & MS_INVALIDATE ? world.withoutFailingIo(sync) : world.withFailingIo(sync);
    const synced = pageRange(pair.model, address, length);
    // The answer tells only of the last file.
    if (answer !== 0 || world.ioFailed || synced === null || flags & MS_ASYNC) return;
    compareAtRest(world, pair.model, synced.start, synced.end);
  },
  mincore(world, pair, { vector, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    const into = resolve(vector, pair.model);
    const { model, kernel } = pair;
    let expected: ReturnType<typeof calls.mincore> = 0;
    world.withoutFailingIo(() =>
      world.same(
        pair,
        `mincore(${hex(address)}, ${length}, ${hex(into)})`,
        (user) => user.mincore(address, length, into),
        () => {
          expected = calls.mincore(model, address, length, into, world);
          return typeof expected === 'number' ? expected : 0;
        },
      ),
    );
    if (typeof expected === 'number') return;
    const wanted = expected as (0 | 1 | null)[];
    const found = wanted.map((_, i) => peek(world.system, kernel, into + i)?.[(into + i) % PAGE] ?? -1);
    // Where it is open whether a page is in memory, either answer will do.
    const told = wanted.map((each, i) => each ?? (found[i] === 1 ? 1 : 0));
    world.expectEqual('the vector', found, told, String);
    copyOut(model, into, Uint8Array.from(told));
  },
  mlock(world, pair, range) {
    const [address, length] = resolveRange(range, pair.model);
    world.withFailingIo(() =>
      world.same(
        pair,
        `mlock(${hex(address)}, ${length})`,
        (user) => user.mlock(address, length),
        (seen) => wiring.mlock(pair.model, address, length, seen),
      ),
    );
  },
  munlock(world, pair, range) {
    const [address, length] = resolveRange(range, pair.model);
    world.same(
      pair,
      `munlock(${hex(address)}, ${length})`,
      (user) => user.munlock(address, length),
      () => wiring.munlock(pair.model, address, length),
    );
  },
  mlockall(world, pair, { flags }) {
    world.same(
      pair,
      `mlockall(${flags})`,
      (user) => user.mlockall(flags),
      (seen) => wiring.mlockall(pair.model, flags, seen),
    );
  },
  munlockall(world, pair) {
    world.same(
      pair,
      'munlockall()',
      (user) => user.munlockall(),
      () => wiring.munlockall(pair.model),
    );
  },
  mremap(world, pair, { to, newLength, flags, ...range }) {
    const [address, length] = resolveRange(range, pair.model);
    const target = resolve(to, pair.model);
    if (mapping.mremapIsOpen(pair.model, address, length, target, newLength, flags)) return;
    world.same(
      pair,
      `mremap(${hex(address)}, ${length}, ${hex(target)}, ${newLength}, ${hex(flags)})`,
      (user) => user.mremap(address, length, target, newLength, flags),
      (seen) => mapping.mremap(pair.model, [address, length, target, newLength, flags], seen),
    );
  },
  brk(world, pair, { at }) {
    const address = resolve(at, pair.model);
    world.same(
      pair,
      `brk(${hex(address)})`,
      (user) => user.brk(address),
      () => mapping.brk(pair.model, address),
    );
  },
  limit(world, pair, { which, pages }) {
    const name: keyof PlainLimits = which === RLIMIT_AS ? 'addressSpace' : which === RLIMIT_MEMLOCK ? 'wired' : 'data';
    world.same(
      pair,
      `setrlimit(${name}, ${pages} pages)`,
      function* (user) {
        const old = yield* user.getrlimit(which);
        return typeof old === 'number' ? old : yield* user.setrlimit(which, { current: pages * PAGE, maximum: old.maximum });
      },
      () => 0,
    );
    pair.model.limits[name] = pages * PAGE;
  },
  load(world, pair, { at, size }) {
    world.withFailingIo(() => load(world, pair, resolve(at, pair.model), size));
  },
  store(world, pair, { at, size }) {
    world.withFailingIo(() => store(world, pair, resolve(at, pair.model), size));
  },
  poke(world, pair, { at, size }) {
    store(world, pair, resolve(at, pair.model), size);
  },
  execute(world, pair, { at }) {
    world.withFailingIo(() => execute(world, pair, resolve(at, pair.model)));
  },
  read(world, pair, { fd, at, length }) {
    world.withoutFailingIo(() => moveBytes(world, pair, 'read', { fd, at, length, offset: null }));
  },
  write(world, pair, { fd, at, length }) {
    world.withoutFailingIo(() => moveBytes(world, pair, 'write', { fd, at, length, offset: null }));
  },
  pread(world, pair, { fd, at, length, offset }) {
    world.withoutFailingIo(() => moveBytes(world, pair, 'read', { fd, at, length, offset }));
  },
  pwrite(world, pair, { fd, at, length, offset }) {
    world.withoutFailingIo(() => moveBytes(world, pair, 'write', { fd, at, length, offset }));
  },
  ftruncate(world, pair, { fd: which, size: wanted }) {
    const fd = descriptorFor(world, which);
    const size = sizeFor(world, wanted);
    world.withoutFailingIo(() =>
      world.same(
        pair,
        `ftruncate(${fd}, ${size})`,
        (user) => user.ftruncate(fd, size),
        () => ftruncate(pair.model, fd, size),
      ),
    );
  },
  fsync(world, pair, { fd: which }) {
    const fd = descriptorFor(world, which);
    const answer = world.withFailingIo(() =>
      world.same(
        pair,
        `fsync(${fd})`,
        (user) => user.fsync(fd),
        (seen) => fsync(pair.model, fd, seen),
      ),
    );
    const file = pair.model.files[fd]?.file;
    if (answer === 0 && file !== undefined && file !== 'pipe' && !file.inMemory) compareFileAtRest(world, file);
  },
  fadvise(world, pair, { fd: which, offset, length, advice }) {
    const fd = descriptorFor(world, which);
    // What it starts to read or to write may fail, and nobody is told.
    world.withFailingIo(() =>
      world.same(
        pair,
        `posix_fadvise(${fd}, ${offset}, ${length}, ${advice})`,
        (user) => user.posixFadvise(fd, offset, length, advice),
        () => fadvise(pair.model, fd, length, advice),
      ),
    );
  },
  fork(world, pair) {
    if (world.pairs.length >= world.maxProcesses) return;
    const pid = world.call(pair, 'fork()', (user) => user.fork());
    world.forked(pair, pid);
  },
  exit(world, pair) {
    if (world.pairs.length > 1) world.exit(pair);
  },
  wait(world, pair) {
    const { children } = pair;
    const ended = children.find(({ end }) => end !== null);
    const result = world.call(pair, 'wait4(-1, WNOHANG)', (user) => user.wait(-1, { nohang: true }));
    if (ended === undefined) {
      world.expectEqual<unknown>('the answer', result, children.length === 0 ? -ECHILD : 0, String);
      return;
    }
    const wanted = { pid: ended.kernel.pid, reason: ended.end };
    world.expectEqual<unknown>('the answer', result, wanted, (value) => JSON.stringify(value));
    children.splice(children.indexOf(ended), 1);
  },
};

/** `read(2)`, `write(2)`, and with an offset `pread(2)` and `pwrite(2)`. */
function moveBytes(
  world: World,
  pair: Pair,
  what: 'read' | 'write',
  { fd: which, at, length: wanted, offset }: { fd: number; at: Place; length: number; offset: number | null },
): void {
  const fd = descriptorFor(world, which);
  const address = resolve(at, pair.model);
  const move = what === 'read' ? read : write;
  const file = pair.model.files[fd]?.file;
  // Whether a page that is lost has to be read depends on how much of it is written.
  if (what === 'write' && file !== undefined && file !== 'pipe' && file.lost.size > 0) return;
  const length = what === 'read' ? wanted : lengthFor(world, pair.model.files[fd], wanted, offset);
  world.same(
    pair,
    `${what}(${fd}, ${hex(address)}, ${length}${offset === null ? '' : `, at ${offset}`})`,
    (user) => system(user, what, fd, address, length, offset),
    () => move(pair.model, fd, address, length, offset),
  );
}

function system(user: User, what: 'read' | 'write', fd: number, address: number, length: number, offset: number | null) {
  if (offset === null) return what === 'read' ? user.read(fd, address, length) : user.write(fd, address, length);
  return what === 'read' ? user.pread(fd, address, length, offset) : user.pwrite(fd, address, length, offset);
}
