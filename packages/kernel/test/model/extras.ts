/** What a world has besides processes and two files, where there is swap: disks, segments, an object of shared memory, two sockets. */
import {
  AF_LOCAL,
  IPC_RMID,
  type NetbsdSystem,
  O_CREAT,
  O_RDWR,
  type Process,
  ROOT,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  type Step,
  type User,
} from '../../src/index.js';
import { DEV_BSIZE, MemoryDisk } from '../../src/machine/disk.js';
import type { UvmEvent } from '../../src/uvm/events.js';
import type { UvmAobj } from '../../src/uvm/object/aobj.js';
import { fileMemory, isObjectPageLost, segmentMemory } from './kernel-view.js';
import { PAGE, PlainFile } from './plain-memory.js';

/** The descriptors of all this: an object of POSIX shared memory, a socket to send on and one to receive on, a raw disk. */
export const OBJECT_FD = 7;
export const SEND_FD = 8;
export const RECEIVE_FD = 9;
export const DISK_FD = 10;

/** Bytes of a segment, and of the object at first. */
export const SEGMENT_SIZE = 3 * PAGE;
/** Bytes that may be on their way between the sockets. */
export const SOCKET_LIMIT = 5 * PAGE;
/** Blocks of the raw disk. */
const DISK_BLOCKS = 32;
/** Pages of each disk that is swapped to: none is ever full, however many slots become bad. */
const SWAP_PAGES = 600;
/** Disks to swap to that come and go, besides the one that stays. */
const SWAP_DISKS = ['/dev/wd1', '/dev/wd2'];
const OBJECT_NAME = '/object';

/** A segment of System V shared memory. */
export interface PlainSegment {
  readonly id: number;
  readonly file: PlainFile;
}

/** How often something happened that the operations are there for. */
export interface Tally {
  /** Pages that came from swap, and that went there. */
  swappedIn: number;
  swappedOut: number;
  /** Segments that were attached. */
  attached: number;
  /** Bytes that were received from a socket. */
  received: number;
  /** Pages that were lent, and loans that were broken. */
  lent: number;
  broken: number;
  /** Chunks that the raw disk moved. */
  chunks: number;
  /** Disks that began to be swapped to, and that ended being. */
  swapOn: number;
  swapOff: number;
  /** Pages that could not be read back from swap. */
  lost: number;
}

/** A count of nothing. */
export function newTally(): Tally {
  return {
    swappedIn: 0,
    swappedOut: 0,
    attached: 0,
    received: 0,
    lent: 0,
    broken: 0,
    chunks: 0,
    swapOn: 0,
    swapOff: 0,
    lost: 0,
  };
}

/** The swap disks of a world, for its boot: one that stays, and two that come and go. */
export const SWAP_OPTIONS = [
  { name: 'wd0', pages: SWAP_PAGES, priority: 1 },
  { name: 'wd1', pages: SWAP_PAGES },
  { name: 'wd2', pages: SWAP_PAGES, on: false },
];

/** All of it, of the kernel and of the model. */
export class Extras {
  /** Who may say what is swapped to. */
  readonly root: Process;
  readonly object: PlainFile;
  /** By the number of their keys; null for one that there is not. */
  readonly segments: (PlainSegment | null)[] = [null, null];
  /** What was sent, and not yet received. */
  sent: Uint8Array<ArrayBufferLike> = new Uint8Array();
  /** What should be on the raw disk, and the disk. */
  readonly plainDisk = new Uint8Array(DISK_BLOCKS * DEV_BSIZE);
  readonly disk = new MemoryDisk('rwd9', { blockCount: DISK_BLOCKS });
  /** Whether each of the disks that come and go is swapped to. */
  readonly swapsTo = [true, false];
  readonly tally = newTally();
  readonly #system: NetbsdSystem;
  /** Pages that could not be read from swap, or written to it, since somebody has asked. */
  #failures = { read: 0, written: 0 };

  constructor(system: NetbsdSystem) {
    this.#system = system;
    this.root = system.spawn('root', { credentials: ROOT });
    this.object = new PlainFile('', { inMemory: true });
    system.addDevice('/dev/rwd9', { kind: 'disk', disk: this.disk });
    this.#count();
  }

  /** Opens everything, in a process whose next descriptor is the object's. */
  *open(user: User): Step<void> {
    yield* user.shmOpen(OBJECT_NAME, O_RDWR | O_CREAT);
    yield* user.ftruncate(OBJECT_FD, SEGMENT_SIZE);
    yield* user.socketpair(AF_LOCAL, SOCK_STREAM | SOCK_NONBLOCK);
    yield* user.setsockopt(SEND_FD, SOL_SOCKET, SO_SNDBUF, SOCKET_LIMIT);
    yield* user.setsockopt(RECEIVE_FD, SOL_SOCKET, SO_RCVBUF, SOCKET_LIMIT);
    yield* user.open('/dev/rwd9', O_RDWR);
    this.object.truncate(SEGMENT_SIZE);
    this.object.name = [...this.#system.sys.vfs.entries()].find(([path]) => path.includes('object'))?.[1].label ?? '';
  }

  /** Begins or ceases to swap to one of the disks that come and go; answers what the kernel does. */
  swapctl(command: number, disk: number): number {
    const answer = this.#system.perform(this.root, (user) => user.swapctl(command, SWAP_DISKS[disk] ?? null, disk));
    return typeof answer === 'number' ? answer : Number.NaN;
  }

  /** What has a name, and is memory itself: in the model, and in the kernel. */
  get memories(): { file: PlainFile; aobj: UvmAobj | null }[] {
    const memories = [{ file: this.object, aobj: fileMemory(this.#system, this.object.name) }];
    for (const segment of this.segments) {
      if (segment !== null) memories.push({ file: segment.file, aobj: segmentMemory(this.#system, segment.id) });
    }
    return memories;
  }

  /** Takes note of the pages of shared memory that cannot be read back any more, whether or not they are mapped; answers how many. */
  noteLost(): number {
    let lost = 0;
    for (const { file, aobj } of this.memories) {
      if (aobj === null) continue;
      for (let index = 0; index < file.pages.length; index++) {
        if (file.lost.has(index) || !isObjectPageLost(this.#system, aobj, index)) continue;
        file.lost.add(index);
        lost++;
      }
    }
    return lost;
  }

  /** How many pages could not be read from swap, or written to it, since this was last asked. */
  takeFailures(): { read: number; written: number } {
    const failures = this.#failures;
    this.#failures = { read: 0, written: 0 };
    return failures;
  }

  /** Takes all names away: what is left goes with those that use it. */
  end(): void {
    const { segments } = this;
    this.#system.perform(this.root, function* (user) {
      for (const segment of segments) if (segment !== null) yield* user.shmctl(segment.id, IPC_RMID);
      yield* user.shmUnlink(OBJECT_NAME);
    });
  }

  /** What has happened so far. */
  result(): Tally {
    const { pgswapin, pgswapout } = this.#system.uvm.uvmexp;
    return { ...this.tally, swappedIn: pgswapin, swappedOut: pgswapout };
  }

  /** Counts what the kernel tells. */
  #count(): void {
    const { tally } = this;
    const { kern, sys } = this.#system;
    kern.log.on = true;
    kern.log.emit = (told) => {
      const event = told as UvmEvent;
      if (event.kind === 'loan') tally.lent++;
      else if (event.kind === 'loan-break') tally.broken++;
      else if (event.kind === 'swap-in' && event.errno !== 0) this.#failures.read++;
      else if (event.kind === 'swap-out' && event.errno !== 0) this.#failures.written += event.pages;
    };
    const add = sys.physios.add.bind(sys.physios);
    sys.physios.add = (chunk) => {
      tally.chunks++;
      return add(chunk);
    };
  }
}
