/**
 * System V shared memory: the segments, and who has attached them. sys/kern/sysv_shm.c, sys/sys/shm.h, sys/sys/ipc.h.
 *
 *     key ── segment ── memory (an anonymous object) ── mappings
 *               │                                          │
 *           attaches = for each space: the attachments, an address and a segment each
 *
 * A segment that is removed has no key any more, and goes with its last attachment; the memory with the last mapping.
 */
import type { Kern } from '../kern/kern.js';
import { Mutex } from '../kern/mutex.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import { PAGE_SIZE, type Va } from '../machine/address.js';
import type { SharedMemory, VmSpace } from '../vm/system.js';

/** The key of a segment that nobody else can find. */
export const IPC_PRIVATE = 0;
/** `shmget`: make the segment if there is none. */
export const IPC_CREAT = 0o1000;
/** `shmget`: it must not be there yet. */
export const IPC_EXCL = 0o2000;

/** `shmctl`: remove the segment. */
export const IPC_RMID = 0;
/** `shmctl`: change its owner and mode. */
export const IPC_SET = 1;
/** `shmctl`: tell of it. */
export const IPC_STAT = 2;
/** `shmctl`: wire its memory. */
export const SHM_LOCK = 3;
/** `shmctl`: unwire it. */
export const SHM_UNLOCK = 4;

/** `shmat`: for reading only. */
export const SHM_RDONLY = 0o10000;
/** `shmat`: at the address rounded down. */
export const SHM_RND = 0o20000;
/** What an address is rounded down to. */
export const SHMLBA = PAGE_SIZE;

/** May read, write, change. */
export const IPC_R = 0o400;
export const IPC_W = 0o200;
export const IPC_M = 0o10000;
/** The bits of a mode that say who may do what. */
export const ACCESSPERMS = 0o777;

// The other bits of a mode.
export const SHMSEG_FREE = 0x0200;
export const SHMSEG_REMOVED = 0x0400;
export const SHMSEG_ALLOCATED = 0x0800;
/** Someone waits for it to be made. */
export const SHMSEG_WANTED = 0x1000;
/** Its memory is wired. */
export const SHMSEG_WIRED = 0x4000;

/** Limits. `struct shminfo` */
export interface ShmLimits {
  /** Bytes in a segment, at most and at least. */
  readonly shmmax: number;
  readonly shmmin: number;
  /** Segments. */
  readonly shmmni: number;
  /** Segments that are attached to one space. */
  readonly shmseg: number;
  /** Pages in all segments. */
  readonly shmall: number;
}

/** What `shmctl` tells of a segment. `struct shmid_ds`. Times in seconds since boot. */
export interface ShmStatus {
  readonly key: number;
  readonly uid: number;
  readonly gid: number;
  readonly creatorUid: number;
  readonly creatorGid: number;
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  readonly creatorPid: number;
  /** Who attached it last. */
  readonly lastPid: number;
  readonly attaches: number;
  readonly attachTime: number;
  readonly detachTime: number;
  readonly changeTime: number;
}

/** What `shmctl` can change of a segment. */
export interface ShmSettings {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

/** A segment. `struct shmid_ds` */
export class ShmSegment implements Stateful {
  /** Its place in the table. */
  readonly index: number;
  key = IPC_PRIVATE;
  uid = 0;
  gid = 0;
  creatorUid = 0;
  creatorGid = 0;
  /** `ACCESSPERMS` and `SHMSEG_*` */
  mode = SHMSEG_FREE;
  /** How often the place was used; part of the segment's id. */
  sequence = 0;
  /** Bytes, as they were asked for. */
  size = 0;
  creatorPid = 0;
  lastPid = 0;
  /** Attachments. `shm_nattch` */
  attaches = 0;
  attachTime = 0;
  detachTime = 0;
  changeTime = 0;
  /** Its memory, null while it has none. The segment has a reference. */
  memory: SharedMemory | null = null;
  /** Waited on while it is being made. */
  readonly made: CondVar;

  constructor(kern: Kern, index: number) {
    this.index = index;
    this.made = new CondVar(kern.scheduler, 'shmwait', `shm segment ${index}`);
  }

  /** What programs know it by. `IXSEQ_TO_IPCID()` */
  get id(): number {
    return this.sequence * 0x10000 + this.index;
  }

  writeState(writer: StateWriter): void {
    writer.field('key', this.key);
    writer.field('uid', this.uid);
    writer.field('gid', this.gid);
    writer.field('creatorUid', this.creatorUid);
    writer.field('creatorGid', this.creatorGid);
    writer.field('mode', this.mode);
    writer.field('sequence', this.sequence);
    writer.field('size', this.size);
    writer.field('creatorPid', this.creatorPid);
    writer.field('lastPid', this.lastPid);
    writer.field('attaches', this.attaches);
    writer.field('attachTime', this.attachTime);
    writer.field('detachTime', this.detachTime);
    writer.field('changeTime', this.changeTime);
    writer.reference('memory', this.memory);
    writer.thing('made', this.made);
  }
}

/** A segment in a space. `struct shmmap_entry` */
export interface ShmAttachment {
  readonly va: Va;
  readonly segment: ShmSegment;
}

/** All segments. With `lock`. */
export class ShmTable implements Stateful {
  /** `shm_lock` */
  readonly lock: Mutex;
  readonly limits: ShmLimits;
  /** The places that were used so far; there are `shmmni`. */
  readonly segments: ShmSegment[] = [];
  /** The place that was given back last, to be used next; -1 for none. `shm_last_free` */
  lastFree = -1;
  /** Segments that there are. `shm_nused` */
  used = 0;
  /** Pages in them. `shm_committed` */
  committed = 0;
  /** What is attached to each space, the latest first. `vm_shm` */
  readonly attached = new Map<VmSpace, ShmAttachment[]>();
  readonly #kern: Kern;

  constructor(kern: Kern, ramPages: number, limits: Partial<ShmLimits>) {
    this.#kern = kern;
    this.lock = new Mutex(kern, kern.lockClass('shm_lock'));
    const shmmax = Math.max(Math.floor(ramPages / 4), 1024) * PAGE_SIZE;
    this.limits = { shmmax, shmmin: 1, shmmni: 128, shmseg: 128, shmall: shmmax / PAGE_SIZE, ...limits };
  }

  /** The segment of that id, null when there is none, or it is removed. `shm_find_segment_by_shmid()`. => locked */
  find(id: number): ShmSegment | null {
    const segment = this.segments[id & 0xffff];
    if (segment === undefined || segment.id !== id) return null;
    return (segment.mode & (SHMSEG_ALLOCATED | SHMSEG_REMOVED)) === SHMSEG_ALLOCATED ? segment : null;
  }

  /** A free place, of which there is one. => locked */
  takeFree(): ShmSegment {
    const last = this.segments[this.lastFree];
    this.lastFree = -1;
    const known = last ?? this.segments.find(({ mode }) => (mode & SHMSEG_FREE) !== 0);
    if (known !== undefined) return known;
    const segment = new ShmSegment(this.#kern, this.segments.length);
    this.segments.push(segment);
    return segment;
  }

  /** What is attached to a space. => locked */
  attachments(space: VmSpace): readonly ShmAttachment[] {
    return this.attached.get(space) ?? [];
  }

  /** References to memory that segments have. */
  heldReferences(memory: object): number {
    return this.segments.filter((segment) => segment.memory === memory).length;
  }

  writeState(writer: StateWriter): void {
    writer.thing('lock', this.lock);
    for (const segment of this.segments) writer.thing('segment', segment);
    writer.field('lastFree', this.lastFree);
    writer.field('used', this.used);
    writer.field('committed', this.committed);
    writer.parts('attached', this.attached.keys(), (space, part) => {
      part.reference('space', space);
      for (const { va, segment } of this.attachments(space)) {
        part.field('va', va);
        part.reference('segment', segment);
      }
    });
  }
}
