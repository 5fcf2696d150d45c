/**
 * UVM's state, told in a canonical order (D11).
 *
 * Left out, because nothing depends on it: statistics, ids, and what is in free pages, since whoever is given one fills it.
 */
import type { StateWriter } from '../kern/state.js';
import { asOffset, asPfn, PAGE_SIZE, type Pfn } from '../machine/address.js';
import type { Amap } from './amap.js';
import type { MapEntry } from './map-entry.js';
import type { UvmObject } from './object.js';
import { PQ_FREE } from './page-array.js';
import type { Uvm } from './uvm.js';
import { UVMEXP_STATE } from './uvmexp.js';
import type { VmMap } from './vm-map.js';
import { UvmVnode } from './vnode.js';

/** Tells all of UVM's state, from the spaces down to the pages. */
export function writeUvmState(uvm: Uvm, writer: StateWriter): void {
  for (const name of UVMEXP_STATE) writer.field(`uvmexp.${name}`, uvm.uvmexp[name]);
  writer.parts('space', uvm.spaces, (space, part) => {
    part.reference('map', space.map);
    part.field('references', space.references);
  });
  // A thread in the kernel may remember a generation, to tell later whether anything has changed; at a quiet point nobody does.
  const generations = uvm.kern.inside > 0 || uvm.kern.scheduler.kernelThreads > 0;
  writer.parts('map', uvm.maps, (map, part) => writeMap(map, part, { generations }));
  writer.parts('amap', uvm.amaps, writeAmap);
  writer.parts('object', uvm.objects, (object, part) => writeObject(object, part, { generations }));
  writer.field('anonCount', uvm.anonCount);
  writePages(uvm, writer);
}

function writeMap(map: VmMap, writer: StateWriter, told: { generations: boolean }): void {
  const entries = map.entries();
  writer.reference('pmap', map.pmap);
  writer.field('flags', map.flags);
  writer.field('size', map.size);
  writer.field('references', map.references);
  if (told.generations) writer.field('timestamp', map.timestamp);
  // Where the hint points makes no difference to what a lookup finds, as long as it points into the map.
  writer.field('hintIsKnown', map.hint === map.header || entries.includes(map.hint));
  writer.field('firstFree', map.firstFree.start);
  writer.reference('busy', map.busy);
  writer.thing('lock', map.lock);
  writer.thing('miscLock', map.miscLock);
  writer.thing('cv', map.cv);
  for (const entry of entries) writer.part(`entry ${entry.start}`, (part) => writeEntry(entry, part));
}

function writeEntry(entry: MapEntry, writer: StateWriter): void {
  writer.field('end', entry.end);
  writer.reference('object', entry.object);
  writer.field('offset', entry.offset);
  writer.reference('submap', entry.submap);
  writer.field('copyOnWrite', entry.copyOnWrite);
  writer.field('needsCopy', entry.needsCopy);
  writer.field('protection', entry.protection);
  writer.field('maxProtection', entry.maxProtection);
  writer.field('inheritance', entry.inheritance);
  writer.field('wiredCount', entry.wiredCount);
  writer.reference('amap', entry.amap);
  writer.field('amapOffset', entry.amapOffset);
  writer.field('advice', entry.advice);
  writer.field('flags', entry.flags);
}

function writeAmap(amap: Amap, writer: StateWriter): void {
  writer.field('references', amap.references);
  writer.field('flags', amap.flags);
  writer.field('slots', amap.slots);
  writer.field('maxSlots', amap.maxSlots);
  writer.thing('lock', amap.lock);
  // In this order they are freed, so it decides which page is the next that somebody gets.
  for (const slot of amap.used) {
    writer.field('slot', slot);
    const anon = amap.at(slot);
    writer.reference('anon', anon);
    writer.field('references', anon?.references ?? null);
    writer.field('page', anon?.page ?? null);
    writer.reference('lock', anon?.lock ?? null);
  }
  writer.field('partial', amap.partial?.runs.map(({ slots, references }) => `${slots}:${references}`).join(' ') ?? null);
}

function writeObject(object: UvmObject, writer: StateWriter, told: { generations: boolean }): void {
  writer.field('references', object.references);
  writer.thing('lock', object.lock);
  const end = Number.MAX_SAFE_INTEGER;
  for (let index = object.pages.next(0, end); index >= 0; index = object.pages.next(index + 1, end)) {
    writer.field(`page ${index}`, object.lookup(asOffset(index * PAGE_SIZE)));
  }
  if (object instanceof UvmVnode) writeVnode(object, writer, told);
}

function writeVnode(vnode: UvmVnode, writer: StateWriter, told: { generations: boolean }): void {
  writer.field('size', vnode.size);
  writer.field('writeSize', vnode.writeSize);
  writer.field('executable', vnode.executable);
  writer.field('dirty', vnode.dirty);
  if (told.generations) writer.field('dirtyGeneration', vnode.dirtyGeneration);
  writer.field('unflushed', vnode.unflushed);
  writer.field('outputs', vnode.outputs);
  writer.field('executable', vnode.executable);
  writer.field('unlinked', vnode.unlinked);
  writer.thing('vnodeLock', vnode.vnodeLock);
  writer.thing('nodeLock', vnode.nodeLock);
  writer.thing('outputDone', vnode.outputDone);
  writer.field('storedSize', vnode.store.size);
  writer.part('stored', (part) => vnode.store.writeState?.(part));
}

function writePages(uvm: Uvm, writer: StateWriter): void {
  const { pages } = uvm;
  for (let frame = 0; frame < pages.length; frame++) {
    const pfn = asPfn(frame);
    if (pages.pqflags(pfn) !== PQ_FREE) writer.part(`page ${frame}`, (part) => writePage(uvm, pfn, part));
  }
  for (const [name, list] of Object.entries({ free: uvm.freeList, active: uvm.activeQueue, inactive: uvm.inactiveQueue })) {
    writer.field(`${name} list`, list.toArray().join(' '));
  }
  writer.thing('freeLock', uvm.freeLock);
  writer.thing('freeChannel', uvm.freeChannel);
  writer.thing('pageqLock', uvm.pageqLock);
}

function writePage(uvm: Uvm, pfn: Pfn, writer: StateWriter): void {
  const { pages, machine } = uvm;
  writer.field('flags', pages.flags(pfn));
  writer.field('pqflags', pages.pqflags(pfn));
  writer.field('wireCount', pages.wireCount(pfn));
  writer.field('loanCount', pages.loanCount(pfn));
  writer.reference('object', pages.uobject(pfn));
  writer.reference('anon', pages.uanon(pfn));
  writer.field('offset', pages.offset(pfn));
  writer.field('busyOwner', uvm.busyOwners.get(pfn)?.lwp ?? null);
  const channel = uvm.pageChannels.get(pfn);
  if (channel !== undefined) writer.thing('channel', channel);
  writer.bytes('bytes', machine.ram.page(pfn));
}
