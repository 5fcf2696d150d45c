/**
 * System V shared memory: the system calls, with their checks in NetBSD's order. sys/kern/sysv_shm.c, sysv_ipc.c. The picture is in
 * `sys/shm.ts`.
 *
 * Lock order: `shm_lock` -> maps.
 */
import { type Credentials, isSuperuser } from '../../kern/credentials.js';
import { EACCES, EEXIST, EFAULT, EINVAL, EIO, EMFILE, ENOENT, ENOMEM, ENOSPC, EPERM, type Errno } from '../../kern/errno.js';
import { HZ } from '../../kern/scheduler.js';
import type { Step } from '../../kern/switch.js';
import { asVa, PAGE_SIZE, roundPage } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import type { SharedMemory, VmSpace } from '../../vm/system.js';
import {
  ACCESSPERMS,
  IPC_CREAT,
  IPC_EXCL,
  IPC_M,
  IPC_PRIVATE,
  IPC_R,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  IPC_W,
  SHM_LOCK,
  SHM_RDONLY,
  SHM_RND,
  SHM_UNLOCK,
  SHMLBA,
  SHMSEG_ALLOCATED,
  SHMSEG_FREE,
  SHMSEG_REMOVED,
  SHMSEG_WANTED,
  SHMSEG_WIRED,
  type ShmAttachment,
  type ShmSegment,
  type ShmSettings,
  type ShmStatus,
} from '../shm.js';
import type { Sys } from '../sys.js';

/** Whether someone may do something with a segment. `ipcperm()`. @returns 0; EPERM when it was to be changed, else EACCES */
export function ipcperm(this: Sys, credentials: Credentials, segment: ShmSegment, wanted: number): Errno {
  if (isSuperuser(credentials)) return 0;
  const { uid, gid } = credentials;
  const isOwner = uid === segment.uid || uid === segment.creatorUid;
  if (wanted === IPC_M) return isOwner ? 0 : EPERM;
  const isMember = gid === segment.gid || gid === segment.creatorGid;
  const mask = (wanted & (IPC_R | IPC_W)) >> (isOwner ? 0 : isMember ? 3 : 6);
  return (segment.mode & mask) === mask ? 0 : EACCES;
}

/**
 * Finds a segment by its key, or makes one. `sys_shmget()`.
 *
 * @returns its id; or minus EEXIST, EACCES, EINVAL (larger than the one that there is, or than is allowed), ENOENT, ENOSPC, ENOMEM, EINTR
 */
export function* sysShmget(this: Sys, key: number, size: number, flags: number): Step<number> {
  const { shm } = this;
  yield* shm.lock.enter();
  const answer = yield* this.shmgetLocked(key, size, flags);
  yield* shm.lock.exit();
  return answer;
}

/** The body of `sys_shmget()`. => `shm_lock` held, also on return; not meanwhile */
export function* shmgetLocked(this: Sys, key: number, size: number, flags: number): Step<number> {
  const { shm } = this;
  const { limits } = shm;
  if (key !== IPC_PRIVATE) {
    const known = yield* this.shmgetExisting(key, size, flags);
    if (known !== null) return known;
    if ((flags & IPC_CREAT) === 0) return -ENOENT;
  }
  if (size < limits.shmmin || size > limits.shmmax) return -EINVAL;
  if (shm.used >= limits.shmmni) return -ENOSPC;
  const pages = roundPage(size) / PAGE_SIZE;
  if (shm.committed + pages > limits.shmall) return -ENOMEM;
  const segment = shm.takeFree();
  // It is there, and cannot be used yet: whoever asks for the same key waits. NetBSD sets the key later, and two segments may come to
  // have the same one: docs/decisions/0006-departures.md.
  segment.mode = SHMSEG_ALLOCATED | SHMSEG_REMOVED;
  segment.key = key;
  shm.committed += pages;
  shm.used++;
  yield* shm.lock.exit();

  const memory = yield* this.vm.createMemory(size, `SYSV${key.toString(16).padStart(8, '0')}`);
  const { credentials, pid } = this.processOf(this.curlwp);
  segment.memory = memory;
  segment.sequence = (segment.sequence + 1) & 0x7fff;
  segment.uid = segment.creatorUid = credentials.uid;
  segment.gid = segment.creatorGid = credentials.gid;
  segment.size = size;
  segment.creatorPid = pid;
  segment.lastPid = segment.attaches = 0;
  segment.attachTime = segment.detachTime = 0;
  segment.changeTime = this.shmTime();
  yield* shm.lock.enter();
  const wanted = (segment.mode & SHMSEG_WANTED) !== 0;
  segment.mode = (flags & ACCESSPERMS) | SHMSEG_ALLOCATED;
  if (wanted) yield* segment.made.broadcast();
  return segment.id;
}

/** Looks for a segment that has this key. `shmget_existing()`. => `shm_lock` held. @returns its id, or minus an errno; null for none */
export function* shmgetExisting(this: Sys, key: number, size: number, flags: number): Step<number | null> {
  const { shm } = this;
  for (;;) {
    const segment = shm.segments.find(({ mode, key: known }) => (mode & SHMSEG_ALLOCATED) !== 0 && known === key);
    if (segment === undefined) return null;
    if (segment.mode & SHMSEG_REMOVED) {
      // It is being made.
      segment.mode |= SHMSEG_WANTED;
      const errno = yield* segment.made.waitInterruptibly(shm.lock);
      if (errno !== 0) return -errno;
      continue;
    }
    if ((flags & (IPC_CREAT | IPC_EXCL)) === (IPC_CREAT | IPC_EXCL)) return -EEXIST;
    const errno = this.ipcperm(this.processOf(this.curlwp).credentials, segment, flags & ACCESSPERMS);
    if (errno !== 0) return -errno;
    // A size below zero is a very large one.
    return size < 0 || size > segment.size ? -EINVAL : segment.id;
  }
}

/**
 * Attaches a segment to the running process. `sys_shmat()`.
 *
 * @param address where to; 0 for wherever there is room
 * @returns the address; or minus EINVAL (no such segment, or an address inside of a page), EACCES, EMFILE, ENOMEM
 */
export function* sysShmat(this: Sys, id: number, address: number, flags: number): Step<number> {
  const { shm } = this;
  yield* shm.lock.enter();
  const answer = yield* this.shmatLocked(id, address, flags);
  yield* shm.lock.exit();
  return answer;
}

/** The body of `sys_shmat()`. => `shm_lock` held */
export function* shmatLocked(this: Sys, id: number, address: number, flags: number): Step<number> {
  const { shm } = this;
  const process = this.processOf(this.curlwp);
  const space = this.spaceOf(process);
  const segment = shm.find(id);
  if (segment === null) return -EINVAL;
  const readOnly = (flags & SHM_RDONLY) !== 0;
  const errno = this.ipcperm(process.credentials, segment, readOnly ? IPC_R : IPC_R | IPC_W);
  if (errno !== 0) return -errno;
  if (shm.attachments(space).length >= shm.limits.shmseg) return -EMFILE;
  let at = address;
  if (address === 0) at = this.defaultAddress(process, roundPage(segment.size));
  else if (flags & SHM_RND) at = Math.floor(address / SHMLBA) * SHMLBA;
  else if (address % SHMLBA !== 0) return -EINVAL;
  segment.lastPid = process.pid;
  const memory = segment.memory ?? this.kern.panic('sys_shmat: shmseg->_shm_internal == NULL');
  const protection = readOnly ? PROT_READ : PROT_READ | PROT_WRITE;
  const start = yield* this.vm.attach(space, memory, { at: asVa(at), fixed: address !== 0, protection });
  if (start < 0) return start;
  shm.attached.set(space, [{ va: asVa(start), segment }, ...shm.attachments(space)]);
  segment.attaches++;
  segment.attachTime = this.shmTime();
  return start;
}

/** Detaches what is attached at an address. `sys_shmdt()`. @returns 0 or minus EINVAL */
export function* sysShmdt(this: Sys, address: number): Step<number> {
  const { shm } = this;
  const space = this.spaceOf(this.processOf(this.curlwp));
  yield* shm.lock.enter();
  const attachment = shm.attachments(space).find(({ va }) => va === address);
  if (attachment === undefined) {
    yield* shm.lock.exit();
    return -EINVAL;
  }
  const size = roundPage(attachment.segment.size);
  const dead = this.shmDeleteMapping(space, attachment);
  yield* shm.lock.exit();
  yield* this.vm.unmap(space, attachment.va, asVa(attachment.va + size));
  if (dead !== null) yield* this.vm.releaseMemory(dead);
  return 0;
}

/**
 * Forgets an attachment; with the last one a removed segment goes. `shm_delete_mapping()`. => `shm_lock` held
 *
 * @returns the memory that is now the caller's to release, or null
 */
export function shmDeleteMapping(this: Sys, space: VmSpace, attachment: ShmAttachment): SharedMemory | null {
  const { shm } = this;
  const { segment } = attachment;
  const left = shm.attachments(space).filter((other) => other !== attachment);
  if (left.length > 0) shm.attached.set(space, left);
  else shm.attached.delete(space);
  segment.detachTime = this.shmTime();
  segment.attaches--;
  this.kern.kassert(segment.attaches >= 0, 'shmseg->shm_nattch >= 0');
  return segment.attaches === 0 && segment.mode & SHMSEG_REMOVED ? this.shmFreeSegment(segment) : null;
}

/** Makes the place of a segment free. `shm_free_segment()`. => `shm_lock` held. @returns its memory, which is now the caller's to release */
export function shmFreeSegment(this: Sys, segment: ShmSegment): SharedMemory | null {
  const { shm } = this;
  const { memory } = segment;
  segment.memory = null;
  segment.mode = SHMSEG_FREE;
  shm.committed -= roundPage(segment.size) / PAGE_SIZE;
  shm.used--;
  shm.lastFree = segment.index;
  return memory;
}

/**
 * Tells of a segment, changes or removes it. `sys___shmctl50()`, `shmctl1()`.
 *
 * @param settings with `IPC_SET`
 * @returns what there is to tell with `IPC_STAT`, else 0; or minus EFAULT, EINVAL (no such segment or command), EACCES, EPERM, EIO (it
 *   cannot be wired)
 */
export function* sysShmctl(this: Sys, id: number, command: number, settings: ShmSettings | null): Step<ShmStatus | number> {
  if (command === IPC_SET && settings === null) return -EFAULT;
  const { shm } = this;
  yield* shm.lock.enter();
  const segment = shm.find(id);
  let dead: SharedMemory | null = null;
  let answer: ShmStatus | number = -EINVAL;
  if (segment !== null) {
    answer = yield* this.shmctlLocked(segment, command, settings);
    if (command === IPC_RMID && answer === 0 && segment.attaches === 0) dead = this.shmFreeSegment(segment);
  }
  yield* shm.lock.exit();
  if (dead !== null) yield* this.vm.releaseMemory(dead);
  return answer;
}

/** The body of `shmctl1()`. => `shm_lock` held */
export function* shmctlLocked(
  this: Sys,
  segment: ShmSegment,
  command: number,
  settings: ShmSettings | null,
): Step<ShmStatus | number> {
  const { credentials } = this.processOf(this.curlwp);
  if (command === SHM_LOCK || command === SHM_UNLOCK) {
    if (!isSuperuser(credentials)) return -EPERM;
    return -(yield* this.shmMemlock(segment, command));
  }
  if (command !== IPC_STAT && command !== IPC_SET && command !== IPC_RMID) return -EINVAL;
  const errno = this.ipcperm(credentials, segment, command === IPC_STAT ? IPC_R : IPC_M);
  if (errno !== 0) return -errno;
  if (command === IPC_STAT) return statusOf(segment);
  if (command === IPC_SET && settings !== null) {
    segment.uid = settings.uid;
    segment.gid = settings.gid;
    segment.mode = (segment.mode & ~ACCESSPERMS) | (settings.mode & ACCESSPERMS);
    segment.changeTime = this.shmTime();
    return 0;
  }
  segment.key = IPC_PRIVATE;
  segment.mode |= SHMSEG_REMOVED;
  return 0;
}

/** Wires or unwires the memory of a segment. `shm_memlock()`. => `shm_lock` held. @returns 0 or EIO */
export function* shmMemlock(this: Sys, segment: ShmSegment, command: number): Step<Errno> {
  const memory = segment.memory ?? this.kern.panic('shm_memlock: shmseg->_shm_internal == NULL');
  const wired = (segment.mode & SHMSEG_WIRED) !== 0;
  if (command === SHM_LOCK && !wired) {
    if ((yield* this.vm.wireMemory(memory)) !== 0) return EIO;
    segment.mode |= SHMSEG_WIRED;
  } else if (command === SHM_UNLOCK && wired) {
    yield* this.vm.unwireMemory(memory);
    segment.mode &= ~SHMSEG_WIRED;
  }
  return 0;
}

function statusOf(segment: ShmSegment): ShmStatus {
  const { key, uid, gid, creatorUid, creatorGid, size, creatorPid, lastPid, attaches } = segment;
  const { attachTime, detachTime, changeTime } = segment;
  const mode = segment.mode & ACCESSPERMS;
  return { key, uid, gid, creatorUid, creatorGid, mode, size, creatorPid, lastPid, attaches, attachTime, detachTime, changeTime };
}

/** A child has all that its parent has attached. `shmfork()`. => nothing locked */
export function* shmfork(this: Sys, parent: VmSpace, child: VmSpace): Step<void> {
  const { shm } = this;
  yield* shm.lock.enter();
  const attachments = shm.attachments(parent);
  for (const { segment } of attachments) segment.attaches++;
  if (attachments.length > 0) shm.attached.set(child, [...attachments]);
  yield* shm.lock.exit();
}

/** Detaches all that is attached to a space which is about to be emptied. `shmexit()`. => nothing locked */
export function* shmexit(this: Sys, space: VmSpace): Step<void> {
  const { shm } = this;
  for (;;) {
    yield* shm.lock.enter();
    const [attachment] = shm.attachments(space);
    if (attachment === undefined) break;
    const size = roundPage(attachment.segment.size);
    const dead = this.shmDeleteMapping(space, attachment);
    yield* shm.lock.exit();
    yield* this.vm.unmap(space, attachment.va, asVa(attachment.va + size));
    if (dead !== null) yield* this.vm.releaseMemory(dead);
  }
  yield* shm.lock.exit();
}

/** The time of day as segments note it, in seconds. `time_second` */
export function shmTime(this: Sys): number {
  return Math.floor(this.kern.scheduler.tick / HZ);
}
