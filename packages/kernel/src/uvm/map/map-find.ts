/** Finding room in a map. `uvm_map_findspace()`, sys/uvm/uvm_map.c. */
import { asVa, type Va } from '../../machine/address.js';
import type { Uvm } from '../uvm.js';
import { UVM_FLAG_FIXED } from './map-arguments.js';
import type { MapEntry } from './map-entry.js';
import { VM_MAP_TOPDOWN, type VmMap } from './vm-map.js';

/**
 * Finds room for `length` bytes: at `hint` exactly with `UVM_FLAG_FIXED`, else as near to it as possible, below it in a map that
 * is filled from the top and above it in another.
 *
 * => map write-locked. The entry before the room becomes the hint.
 *
 * @param align what the address is to be a multiple of; a power of two, 0 for any page
 * @returns the entry before the room and where the room begins, null when there is none
 */
export function uvmMapFindspace(
  this: Uvm,
  map: VmMap,
  hint: Va,
  length: number,
  align: number,
  flags: number,
): { previous: MapEntry; start: Va } | null {
  const { kern } = this;
  const fixed = (flags & UVM_FLAG_FIXED) !== 0;
  const topdown = (map.flags & VM_MAP_TOPDOWN) !== 0;
  kern.kassert(align === 0 || Number.isInteger(Math.log2(align)), '(align & (align - 1)) == 0');
  if (hint < map.min && fixed) return null;
  // An address below zero stands for one above 2^63.
  if (hint > map.max || hint < 0) return null;
  const from = hint < map.min ? map.min : hint;

  const start = fixed
    ? fixedRoom(map, from, length)
    : topdown
      ? roomBelow(map, from, length, align)
      : roomAbove(map, from, length, align);
  if (start < 0) return null;
  kern.kassert(fixed || (topdown ? start <= from : start >= from), 'topdown ? hint <= orig_hint : hint >= orig_hint');
  const previous = map.tree.floor(start) ?? map.header;
  kern.kassert(previous === map.header || previous.end <= start, 'entry->end <= hint');
  kern.kassert(start + length <= previous.next.start, 'hint + length <= entry->next->start');
  map.hint = previous;
  return { previous, start: asVa(start) };
}

function fixedRoom(map: VmMap, start: number, length: number): number {
  return start + length <= map.max && map.tree.lowestGap(length, start) === start ? start : -1;
}

/** The highest place at or below `hint`. */
function roomBelow(map: VmMap, hint: number, length: number, align: number): number {
  let ceiling = Math.min(hint + length, map.max);
  for (;;) {
    const start = map.tree.highestGap(length, ceiling);
    if (start < 0 || align === 0) return start;
    const aligned = start - (start % align);
    if (aligned === start) return start;
    ceiling = aligned + length;
  }
}

/** The lowest place at or above `hint`. */
function roomAbove(map: VmMap, hint: number, length: number, align: number): number {
  // Below the first free gap there is nothing to be found.
  let floor = Math.max(hint, hint <= map.min && map.firstFree !== map.header ? map.firstFree.end : hint);
  for (;;) {
    const start = map.tree.lowestGap(length, floor);
    if (start < 0 || align === 0) return start;
    const aligned = Math.ceil(start / align) * align;
    if (aligned === start) return start;
    floor = aligned;
  }
}
