/** How the operations are done that there are where there is swap: shared memory, sockets, a raw disk, swapping on and off. */
import {
  EACCES,
  EAGAIN,
  EBUSY,
  EFAULT,
  EINVAL,
  EIO,
  ENXIO,
  IPC_CREAT,
  IPC_RMID,
  MSG_DONTWAIT,
  SHM_RDONLY,
  SWAP_OFF,
  SWAP_ON,
} from '../../src/index.js';
import { DEV_BSIZE } from '../../src/machine/disk.js';
import type { Apply } from './apply.js';
import { DISK_FD, type Extras, OBJECT_FD, RECEIVE_FD, SEGMENT_SIZE, SEND_FD, SOCKET_LIMIT } from './extras.js';
import { store } from './instructions.js';
import { peek } from './kernel-view.js';
import { hex, resolve } from './places.js';
import * as mapping from './plain-mapping-calls.js';
import { type Fault, PAGE, PlainFile, PlainProcess, READ, WRITE } from './plain-memory.js';
import type { Seen } from './seen.js';
import type { Pair, World } from './world.js';

type Kinds = 'fill' | 'shmat' | 'shmdt' | 'shmrm' | 'mapObject' | 'send' | 'recv' | 'rawRead' | 'rawWrite' | 'swapctl';

/** The key of the first segment. */
const FIRST_KEY = 1;

function extrasOf(world: World): Extras {
  return world.extras ?? world.fail('there is no swap in this world');
}

/** How each of them is done. */
export const TRANSFERS: { [K in Kinds]: Apply<K> } = {
  fill(world, pair, { at, length }) {
    const address = resolve(at, pair.model);
    const run = pair.model.runs().find(({ start, end }) => address >= start && address < end);
    world.withFailingIo(() => store(world, pair, address, run === undefined ? PAGE : Math.min(length, run.end - address)));
  },

  shmat(world, pair, { segment: number, at, readonly }) {
    const { segments, tally } = extrasOf(world);
    const { model } = pair;
    // Where there is no room for it, that is for others to try.
    const address = model.roomBelow(Math.floor(resolve(at, model) / PAGE) * PAGE, SEGMENT_SIZE, PAGE);
    if (address < 0) return;
    const key = FIRST_KEY + number;
    const id = world.call(pair, `shmget(${key})`, (user) => user.shmget(key, SEGMENT_SIZE, IPC_CREAT | 0o600));
    const there = segments[number] ?? { id, file: new PlainFile(`SYSV${key.toString(16).padStart(8, '0')}`, { inMemory: true }) };
    if (segments[number] === null) there.file.truncate(SEGMENT_SIZE);
    segments[number] = there;
    world.expectEqual('the segment', id, there.id, String);
    world.same(
      pair,
      `shmat(${id}, ${hex(address)}${readonly ? ', SHM_RDONLY' : ''})`,
      (user) => user.shmat(id, address, readonly ? SHM_RDONLY : 0),
      () => address,
    );
    const rights = readonly ? READ : READ | WRITE;
    for (const page of PlainProcess.addresses(address, address + SEGMENT_SIZE)) {
      model.pages.set(page, {
        place: { bytes: null, shared: false, lost: false },
        file: there.file,
        index: (page - address) / PAGE,
        toFile: true,
        protection: rights,
        maxProtection: rights,
        inheritance: 0,
        wired: false,
      });
    }
    model.attachments.push({ address, size: SEGMENT_SIZE });
    tally.attached++;
  },

  shmdt(world, pair, { which }) {
    const { attachments } = pair.model;
    const last = attachments[which % Math.max(1, attachments.length)];
    const address = last?.address ?? 0;
    world.same(
      pair,
      `shmdt(${hex(address)})`,
      (user) => user.shmdt(address),
      () => {
        if (last === undefined) return -EINVAL;
        // Of several at one address the latest goes.
        attachments.splice(attachments.map((each) => each.address).lastIndexOf(address), 1);
        pair.model.unmap(address, address + last.size);
        return 0;
      },
    );
  },

  shmrm(world, pair, { segment: number }) {
    const { segments } = extrasOf(world);
    const segment = segments[number] ?? null;
    if (segment === null) return;
    world.call(pair, `shmctl(${segment.id}, IPC_RMID)`, (user) => user.shmctl(segment.id, IPC_RMID));
    segments[number] = null;
  },

  mapObject(world, pair, { at, length, protection, flags, offset }) {
    const address = resolve(at, pair.model);
    world.same(
      pair,
      `mmap(${hex(address)}, ${length}, ${protection}, ${hex(flags)}, the object, ${offset})`,
      (user) => user.mmap(address, length, protection, flags, OBJECT_FD, offset),
      (seen) => mapping.mmap(pair.model, address, length, protection, flags, OBJECT_FD, offset, seen),
    );
  },

  send(world, pair, { at, length: wanted }) {
    const extras = extrasOf(world);
    const { sent } = extras;
    const address = resolve(at, pair.model);
    // What a program has mapped and must not read is lent all the same, where it is not copied: in NetBSD too.
    if (touches(pair, address, wanted, 'forbidden')) return;
    // What comes before memory that cannot be read may be sent although the answer is EFAULT: only where nothing comes before is it tried.
    const readable = move(pair, address, wanted, READ, () => {});
    const length = readable === 0 ? wanted : readable;
    // Of what is moved in part, or lost on the way, nobody could say how much it was.
    world.withoutFailingIo(() =>
      world.same(
        pair,
        `send(${hex(address)}, ${length})`,
        (user) => user.send(SEND_FD, address, length),
        ({ answer }) => {
          const room = SOCKET_LIMIT - sent.length;
          if (room < length && answer === -EAGAIN) return -EAGAIN;
          if (readable === 0 && room > 0) return -EFAULT;
          // A socket may wait for more room than a byte before it goes on.
          const count = answer > 0 && answer <= Math.min(length, room) && room < length ? answer : length;
          extras.sent = new Uint8Array(sent.length + count);
          extras.sent.set(sent);
          return move(pair, address, count, READ, (part, from) => extras.sent.set(part, sent.length + from));
        },
      ),
    );
  },

  recv(world, pair, { at, length }) {
    const extras = extrasOf(world);
    const { model } = pair;
    const address = resolve(at, model);
    // A transfer that fails in the middle has eaten what it moved; that is not what is looked for here.
    for (const page of PlainProcess.addresses(address - (address % PAGE), address + length)) {
      if (model.faultOf(page, WRITE) !== null) return;
    }
    const count = world.withoutFailingIo(() =>
      world.same(
        pair,
        `recv(${hex(address)}, ${length})`,
        (user) => user.recv(RECEIVE_FD, address, length, MSG_DONTWAIT),
        () => {
          const bytes = extras.sent.subarray(0, length);
          extras.sent = extras.sent.subarray(bytes.length);
          if (bytes.length === 0) return -EAGAIN;
          extras.tally.received += bytes.length;
          return move(pair, address, bytes.length, WRITE, (part, from) => part.set(bytes.subarray(from, from + part.length)));
        },
      ),
    );
    compareReceived(world, pair, address, count);
  },

  rawRead(world, pair, operation) {
    world.withoutFailingIo(() => raw(world, pair, operation, { write: false }));
  },

  rawWrite(world, pair, operation) {
    raw(world, pair, operation, { write: true });
  },

  swapctl(world, _pair, { device, on }) {
    const { swapsTo, tally } = extrasOf(world);
    const answer = world.withFailingIo(() => world.swapctl(on ? SWAP_ON : SWAP_OFF, device));
    let wanted = 0;
    if (on === swapsTo[device]) wanted = on ? -EBUSY : -ENXIO;
    if (world.ioFailed && answer < 0) return;
    world.expectEqual('the answer', answer, wanted, String);
    if (wanted !== 0) return;
    swapsTo[device] = on;
    if (on) tally.swapOn++;
    else tally.swapOff++;
  },
};

/** Goes through a range of the model's memory, page by page; answers how many bytes it got. */
function move(pair: Pair, address: number, length: number, right: number, use: (part: Uint8Array, from: number) => void): number {
  for (let done = 0; done < length; ) {
    const within = (((address + done) % PAGE) + PAGE) % PAGE;
    const found = pair.model.access(address + done, right);
    if (typeof found === 'string') return done;
    const part = Math.min(PAGE - within, length - done);
    use(found.subarray(within, within + part), done);
    done += part;
  }
  return Math.max(0, length);
}

/** Whether some page of a range may not be read for this reason. */
function touches({ model }: Pair, address: number, length: number, fault: Fault): boolean {
  const pages = PlainProcess.addresses(address - (address % PAGE), address + length);
  return pages.some((page) => model.faultOf(page, READ) === fault);
}

/** Expects what was received to be in memory at once, page by page. */
function compareReceived(world: World, { kernel, model }: Pair, address: number, length: number): void {
  for (const at of PlainProcess.addresses(address - (address % PAGE), address + length)) {
    const found = peek(world.system, kernel, at);
    const wanted = model.access(at, WRITE);
    if (found === null || typeof wanted === 'string') continue;
    const differs = wanted.findIndex((byte, i) => byte !== found[i]);
    if (differs >= 0)
      world.fail(`byte ${differs} of page ${hex(at)} is ${found[differs]} in the kernel, ${wanted[differs]} in the model`);
  }
}

/** Reads or writes blocks of the raw disk. */
function raw(
  world: World,
  pair: Pair,
  { at, blocks, block }: { at: Parameters<typeof resolve>[0]; blocks: number; block: number },
  { write }: { write: boolean },
): void {
  const { plainDisk } = extrasOf(world);
  const { model } = pair;
  const address = resolve(at, model);
  const offset = block * DEV_BSIZE;
  const length = Math.min(blocks * DEV_BSIZE, plainDisk.length - offset);
  world.same(
    pair,
    `${write ? 'write' : 'read'} of the raw disk(${hex(address)}, ${length}, at ${offset})`,
    (user) => (write ? user.pwrite(DISK_FD, address, length, offset) : user.pread(DISK_FD, address, length, offset)),
    (seen) => {
      if (write && seen.ioFailed && seen.answer === -EIO) {
        followFailedWrite(world, pair, seen, { address, offset, length });
        return -EIO;
      }
      for (let done = 0; done < length; ) {
        // Chunks are as long as a page, whatever pages they lie in.
        const chunk = Math.min(PAGE, length - done);
        const fault = rawChunk(model, plainDisk, { address: address + done, offset: offset + done, length: chunk, write });
        if (fault !== null) return -ERRNOS[fault];
        done += chunk;
      }
      return length;
    },
  );
}

/** A write to the raw disk has failed: of its blocks, each has been written or not; and some of its pages were wired. */
function followFailedWrite(
  world: World,
  pair: Pair,
  seen: Seen,
  { address, offset, length }: { address: number; offset: number; length: number },
): void {
  const { plainDisk, disk } = extrasOf(world);
  for (const page of PlainProcess.addresses(address - (address % PAGE), address + length)) {
    if (seen.hasOwnPage(page)) pair.model.accessWired(page, READ);
  }
  const bytes = new Uint8Array(length);
  const readable = move(pair, address, length, READ, (part, from) => bytes.set(part, from));
  const found = new Uint8Array(plainDisk.length);
  disk.read(0, found);
  for (let done = 0; done + DEV_BSIZE <= readable; done += DEV_BSIZE) {
    const now = found.subarray(offset + done, offset + done + DEV_BSIZE);
    if (Buffer.compare(now, bytes.subarray(done, done + DEV_BSIZE)) === 0) plainDisk.set(now, offset + done);
  }
}

/** What the raw disk answers where the memory cannot be wired. */
const ERRNOS: Record<Fault, number> = { unmapped: EFAULT, forbidden: EACCES, 'beyond the file': EINVAL, unreadable: EIO };

/** Moves a chunk in the model; answers why not all of its memory could be wired, null when it could. */
function rawChunk(
  model: PlainProcess,
  plainDisk: Uint8Array,
  { address, offset, length, write }: { address: number; offset: number; length: number; write: boolean },
): Fault | null {
  const right = write ? READ : WRITE;
  for (const page of PlainProcess.addresses(address - (address % PAGE), address + length)) {
    const found = model.accessWired(page, right);
    if (typeof found === 'string') return found;
  }
  for (let done = 0; done < length; ) {
    const within = (address + done) % PAGE;
    const part = Math.min(PAGE - within, length - done);
    const found = model.accessWired(address + done, right);
    if (typeof found === 'string') return found;
    const place = found.subarray(within, within + part);
    const there = plainDisk.subarray(offset + done, offset + done + part);
    if (write) there.set(place);
    else place.set(there);
    done += part;
  }
  return null;
}
