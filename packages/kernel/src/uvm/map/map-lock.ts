/**
 * The lock protocol of maps. sys/uvm/uvm_map.c.
 *
 * Readers (faults) and one writer, and on top of that *busy*: a writer who needs to come back marks the map busy and unlocks it;
 * readers may then come in, other writers wait. Each time the map is locked for writing, `timestamp` grows, so that whoever let
 * go of the map can tell later whether anything may have changed.
 */
import type { Step } from '../../kern/switch.js';
import type { Uvm } from '../uvm.js';
import type { VmMap } from './vm-map.js';

/** Locks a map for writing. `vm_map_lock()`. => waits while somebody else has it busy. */
export function* vmMapLock(this: Uvm, map: VmMap): Step<void> {
  for (;;) {
    yield* map.lock.enter('write');
    if (map.busy === null || map.busy === this.curlwp) break;
    yield* map.miscLock.enter();
    yield* map.lock.exit();
    while (map.busy !== null) yield* map.cv.wait(map.miscLock);
    yield* map.miscLock.exit();
  }
  map.timestamp++;
}

/** Locks a map for writing if it is neither locked nor busy; answers whether it did. `vm_map_lock_try()`. */
export function* vmMapLockTry(this: Uvm, map: VmMap): Step<boolean> {
  if (!(yield* map.lock.tryEnter('write'))) return false;
  if (map.busy !== null) {
    yield* map.lock.exit();
    return false;
  }
  map.timestamp++;
  return true;
}

/** Unlocks a map that is locked for writing. `vm_map_unlock()`. */
export function* vmMapUnlock(this: Uvm, map: VmMap): Step<void> {
  this.kern.kassert(map.lock.writeOwned, 'rw_write_held(&map->lock)');
  this.kern.kassert(map.busy === null || map.busy === this.curlwp, 'map->busy == NULL || map->busy == curlwp');
  yield* map.lock.exit();
}

/** Locks a map for reading; that it is busy is no matter. `vm_map_lock_read()`. */
export function* vmMapLockRead(this: Uvm, map: VmMap): Step<void> {
  yield* map.lock.enter('read');
}

/** Unlocks a map that is locked for reading. `vm_map_unlock_read()`. */
export function* vmMapUnlockRead(this: Uvm, map: VmMap): Step<void> {
  yield* map.lock.exit();
}

/** Marks a map busy, so that nobody else can lock it for writing until `vmMapUnbusy`. `vm_map_busy()`. => locked for writing. */
export function* vmMapBusy(this: Uvm, map: VmMap): Step<void> {
  this.kern.kassert(map.lock.writeOwned, 'rw_write_held(&map->lock)');
  yield* map.miscLock.enter();
  this.kern.kassert(map.busy === null, 'map->busy == NULL');
  map.busy = this.curlwp;
  yield* map.miscLock.exit();
}

/** Ends a map's being busy. `vm_map_unbusy()`. => by the thread that made it busy. */
export function* vmMapUnbusy(this: Uvm, map: VmMap): Step<void> {
  this.kern.kassert(map.busy === this.curlwp, 'map->busy == curlwp');
  yield* map.miscLock.enter();
  map.busy = null;
  yield* map.cv.broadcast();
  yield* map.miscLock.exit();
}
