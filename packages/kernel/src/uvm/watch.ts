/**
 * Watching UVM's structures: who reads and writes which field of a map, an entry, an amap, an anon, an object or a page.
 *
 * Left out are counters that several threads change without a lock, here as there (`struct uvmexp`), and what only remembers where
 * to look first (a map's hint). PG_WANTED, which whoever waits for a busy page sets without its owner's doing, is told as a field of its own.
 */
import { type FieldWatcher, type WatchedMethods, watchFields, watchMethods } from '../kern/field-watcher.js';
import type { Pfn } from '../machine/address.js';
import type { Amap } from './anon/amap.js';
import { UvmAobj } from './object/aobj.js';
import type { UvmObject } from './object/object.js';
import { PG_WANTED } from './page/page-array.js';
import type { Uvm } from './uvm.js';

const column = (name: string, writes: boolean) => ({ field: (pfn: Pfn) => `${name} of page ${pfn}`, writes });

const flagsColumn = {
  field: (pfn: Pfn, flags: number) => `${flags === PG_WANTED ? 'wanted' : 'flags'} of page ${pfn}`,
  writes: true,
};

const PAGE_METHODS: WatchedMethods = {
  flags: column('flags', false),
  putFlags: column('flags', true),
  setFlags: flagsColumn,
  clearFlags: flagsColumn,
  pqflags: column('pqflags', false),
  setPqflags: column('pqflags', true),
  clearPqflags: column('pqflags', true),
  wireCount: column('wireCount', false),
  setWireCount: column('wireCount', true),
  loanCount: column('loanCount', false),
  setLoanCount: column('loanCount', true),
  uobject: column('uobject', false),
  uanon: column('uanon', false),
  setOwner: column('owner', true),
};

const AMAP_METHODS: WatchedMethods = {
  at: { field: (slot: number) => `anon at slot ${slot}`, writes: false },
  put: { field: (slot: number) => `anon at slot ${slot}`, writes: true },
  remove: { field: (slot: number) => `anon at slot ${slot}`, writes: true },
};

const TABLE_METHODS: WatchedMethods = {
  get: { field: (index: number) => `page at ${index}`, writes: false },
  set: { field: (index: number) => `page at ${index}`, writes: true },
};

const SLOT_METHODS: WatchedMethods = {
  get: { field: (index: number) => `slot of page ${index}`, writes: false },
  set: { field: (index: number) => `slot of page ${index}`, writes: true },
};

/** Fields that say where to look first, and never what is there; and whether the disk has been flushed, which is the disk's to know. */
const UNTOLD = new Set(['hint', 'lookedUp', 'unflushed']);

/**
 * `vm_map_unbusy()` ends a map's being busy without the map's lock, under which everybody else looks at it. Whether a file was ever mapped
 * is looked at before its lock is taken, and never becomes false again.
 */
const LOOKED_AT_UNLOCKED = new Set(['busy', 'mapped']);

/** Watches all structures that there are, and those that are made from now on. Call it right after boot. */
export function watchUvm(uvm: Uvm, told: FieldWatcher): void {
  const watcher: FieldWatcher = {
    read: (thing, field, value) => {
      if (LOOKED_AT_UNLOCKED.has(field)) told.passed(thing, field, false);
      else if (!UNTOLD.has(field)) told.read(thing, field, value);
    },
    wrote: (thing, field) => {
      if (LOOKED_AT_UNLOCKED.has(field)) told.passed(thing, field, true);
      else if (!UNTOLD.has(field)) told.wrote(thing, field);
    },
    passed: (thing, field, writes) => told.passed(thing, field, writes),
  };
  watchMethods(uvm.pages, uvm.pages, PAGE_METHODS, watcher);
  watchMembers(uvm.maps, (map) => watchFields(map, watcher));
  watchMembers(uvm.amaps, (amap: Amap) => {
    watchMethods(amap, amap, AMAP_METHODS, watcher);
    watchFields(amap, watcher);
  });
  watchMembers(uvm.objects, (object: UvmObject) => {
    watchMethods(object.pages, object, TABLE_METHODS, watcher);
    if (object instanceof UvmAobj) watchMethods(object.swapSlots, object, SLOT_METHODS, watcher);
    watchFields(object, watcher);
  });
  const { uvmMapentAlloc, uvmAnalloc } = uvm;
  uvm.uvmMapentAlloc = (...args) => {
    const entry = uvmMapentAlloc.apply(uvm, args);
    watchFields(entry, watcher);
    return entry;
  };
  uvm.uvmAnalloc = (...args) => {
    const anon = uvmAnalloc.apply(uvm, args);
    if (anon !== null) watchFields(anon, watcher);
    return anon;
  };
}

/** Watches the members of a set, and each that comes. */
function watchMembers<T extends object>(members: Set<T>, watch: (member: T) => void): void {
  for (const member of members) watch(member);
  const { add } = members;
  members.add = (member) => {
    if (!members.has(member)) watch(member);
    return add.call(members, member);
  };
}
