/** UVM's state, told in a canonical order (D11). Statistics are left out. */
import type { StateWriter } from '../kern/state.js';
import { asOffset, asPfn, PAGE_SIZE } from '../machine/address.js';
import type { Amap } from './amap.js';
import type { MapEntry } from './map-entry.js';
import { PQ_FREE } from './page-array.js';
import type { Uvm } from './uvm.js';
import { UVMEXP_STATE } from './uvmexp.js';
import type { VmMap } from './vm-map.js';
import { UvmVnode } from './vnode.js';

/** Tells all of UVM's state. */
export function writeUvmState(uvm: Uvm, writer: StateWriter): void {
  for (const name of UVMEXP_STATE) writer.field(`uvmexp.${name}`, uvm.uvmexp[name]);
  for (const space of uvm.spaces) writer.field(`space ${space.id}`, space.references);
  for (const map of uvm.maps) writer.part(`map ${map.id}`, (part) => writeMap(map, part));
  for (const amap of uvm.amaps) writer.part(`amap ${amap.id}`, (part) => writeAmap(amap, part));
  for (const object of uvm.objects) {
    writer.part(`object ${object.id}`, (part) => {
      part.field('references', object.references);
      part.field('locked', lockText(object.lock));
      if (object instanceof UvmVnode) writeVnode(object, part);
      for (let index = object.pages.next(0, Number.MAX_SAFE_INTEGER); index >= 0; ) {
        part.field(`page ${index}`, object.lookup(asOffset(index * PAGE_SIZE)));
        index = object.pages.next(index + 1, Number.MAX_SAFE_INTEGER);
      }
    });
  }
  writePages(uvm, writer);
}

function writeMap(map: VmMap, writer: StateWriter): void {
  writer.field('flags', map.flags);
  writer.field('size', map.size);
  writer.field('references', map.references);
  writer.field('timestamp', map.timestamp);
  writer.field('hint', map.hint.id);
  writer.field('firstFree', map.firstFree.id);
  writer.field('busy', map.busy?.id ?? null);
  writer.field('lock', map.lock.state);
  for (const entry of map.entries()) writer.part(`entry ${entry.start}`, (part) => writeEntry(entry, part));
  const { table } = map.pmap;
  for (let index = table.next(0, Number.MAX_SAFE_INTEGER); index >= 0; index = table.next(index + 1, Number.MAX_SAFE_INTEGER)) {
    writer.field(`pte ${index}`, table.get(index));
  }
}

function writeEntry(entry: MapEntry, writer: StateWriter): void {
  writer.field('end', entry.end);
  writer.field('object', entry.object?.id ?? null);
  writer.field('offset', entry.offset);
  writer.field('submap', entry.submap?.id ?? null);
  writer.field('copyOnWrite', entry.copyOnWrite);
  writer.field('needsCopy', entry.needsCopy);
  writer.field('protection', entry.protection);
  writer.field('maxProtection', entry.maxProtection);
  writer.field('inheritance', entry.inheritance);
  writer.field('wiredCount', entry.wiredCount);
  writer.field('wiring', entry.wiring);
  writer.field('amap', entry.amap?.id ?? null);
  writer.field('amapOffset', entry.amapOffset);
  writer.field('advice', entry.advice);
  writer.field('flags', entry.flags);
}

function writeAmap(amap: Amap, writer: StateWriter): void {
  writer.field('references', amap.references);
  writer.field('flags', amap.flags);
  writer.field('slots', amap.slots);
  writer.field('maxSlots', amap.maxSlots);
  writer.field('locked', lockText(amap.lock));
  amap.used.forEach((slot, place) => {
    const anon = amap.at(slot);
    writer.field(`used ${place}`, slot);
    writer.field(`slot ${slot}`, `${anon?.id} ${anon?.references} ${anon?.page}`);
  });
  for (const run of amap.partial?.runs ?? []) writer.field('run', `${run.slots} ${run.references}`);
}

function writeVnode(vnode: UvmVnode, writer: StateWriter): void {
  writer.field('size', vnode.size);
  writer.field('writeSize', vnode.writeSize);
  writer.field('dirty', vnode.dirty);
  writer.field('unflushed', vnode.unflushed);
  writer.field('outputs', vnode.outputs);
  writer.field('unlinked', vnode.unlinked);
  writer.field('node lock', vnode.nodeLock.state);
}

function writePages(uvm: Uvm, writer: StateWriter): void {
  const { pages, machine } = uvm;
  for (let frame = 0; frame < pages.length; frame++) {
    const pfn = asPfn(frame);
    if (pages.pqflags(pfn) & PQ_FREE) continue;
    writer.part(`page ${frame}`, (part) => {
      part.field('flags', pages.flags(pfn));
      part.field('pqflags', pages.pqflags(pfn));
      part.field('wireCount', pages.wireCount(pfn));
      part.field('loanCount', pages.loanCount(pfn));
      part.field('object', pages.uobject(pfn)?.id ?? null);
      part.field('anon', pages.uanon(pfn)?.id ?? null);
      part.field('offset', pages.offset(pfn));
      part.field('attributes', machine.reverseMap.attrs(pfn));
      part.field('bytes', checksum(machine.ram.page(pfn)));
    });
  }
  for (const [name, list] of Object.entries({ free: uvm.freeList, active: uvm.activeQueue, inactive: uvm.inactiveQueue })) {
    writer.field(`${name} list`, list.toArray().join(' '));
  }
}

function lockText(lock: { holders(): readonly { name: string }[] }): string {
  return lock
    .holders()
    .map((lwp) => lwp.name)
    .join(' ');
}

/** Tells pages of different content apart (FNV-1a). */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
