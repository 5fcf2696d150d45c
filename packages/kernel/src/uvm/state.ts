/**
 * UVM's state, told in a canonical order (D11).
 *
 * Left out, because nothing depends on it: statistics, ids, what is in free pages, since whoever is given one fills it, and which frame
 * is which: of two free pages one is as good as the other, unless somebody still knows one of them.
 */
import type { StateWriter } from '../kern/state.js';
import { asPfn, type Pfn } from '../machine/address.js';
import { NO_PAGE, PQ_FREE } from './page/page-array.js';
import type { Uvm } from './uvm.js';
import { UVMEXP_STATE } from './uvmexp.js';
import { UvmVnode } from './vnode/vnode.js';

/** Tells UVM's structures, from the spaces down to the objects; the pages come last of all, by `writeUvmPages`. */
export function writeUvmState(uvm: Uvm, writer: StateWriter): void {
  const { uvmexp } = uvm;
  for (const name of UVMEXP_STATE) writer.field(name, uvmexp[name]);
  writer.parts('space', uvm.spaces, (space) => space.writeState(writer));
  // A thread in the kernel may remember a generation, to tell later whether anything has changed; at a quiet point nobody does.
  const told = { generations: uvm.kern.inside > 0 || uvm.kern.scheduler.kernelThreads > 0 };
  writer.parts('map', uvm.maps, (map) => map.writeState(writer, told));
  writer.parts('amap', uvm.amaps, (amap) => amap.writeState(writer));
  writer.parts('object', uvm.objects, (object) => {
    if (object instanceof UvmVnode) object.writeState(writer, told);
    else object.writeState(writer);
  });
  writer.told('loanzero', uvm.loanzero, (object, part) => object.writeState(part));
  writer.parts('kernelLoan', uvm.kernelLoans, (loan, part) => loan.writeState(part));
  for (const anon of uvm.anonLoans) writer.reference('anonLoan', anon);
  writer.part('kernelAddresses', (part) => uvm.kernelAddresses.writeState(part));
  writer.field('anonCount', uvm.anonCount);
  writer.thing('aobjListLock', uvm.aobjListLock);
  for (const { object, start, end } of uvm.objectWirings) {
    writer.reference('wiredObject', object);
    writer.field('start', start);
    writer.field('end', end);
  }
  for (const object of uvm.deviceObjects) writer.reference('device', object);
  writer.thing('udvLock', uvm.udvLock);
  writer.parts('wiring', uvm.vslocks, (wiring) => wiring.writeState(writer));
  for (const [transfer, given] of uvm.transfers) {
    writer.reference('transfer', transfer);
    for (const { owner, wired } of given) {
      writer.reference('owner', owner);
      writer.field('wired', wired);
    }
  }
  writer.thing('swap', uvm.swap);
  writer.thing('ubc', uvm.ubc);
  writer.thing('freeLock', uvm.freeLock);
  writer.thing('freeChannel', uvm.freeChannel);
  writer.thing('pageqLock', uvm.pageqLock);
  writer.thing('policy', uvm.policy);
  writer.thing('pagedaemon', uvm.pagedaemon);
}

/** Tells the pages: in the order in which the rest of the state has spoken of them, then in that of the queues. => told last */
export function writeUvmPages(uvm: Uvm, writer: StateWriter): void {
  const { pages } = uvm;
  uvm.policy.writeQueues(writer);
  writeFreeList(uvm, writer);
  for (let i = 0; i < writer.frames.length; i++) writePage(uvm, asPfn(writer.frames[i] as number), writer);
  // What nobody speaks of, and is in use all the same.
  for (let frame = pages.first; frame < pages.end; frame++) {
    const pfn = asPfn(frame);
    if (writer.hasFrame(pfn) || isBlank(uvm, pfn)) continue;
    writer.frame('lost', pfn);
    writePage(uvm, pfn, writer);
  }
}

/** Tells how many pages are free; and of those that are not like all others, which is given out when. */
function writeFreeList(uvm: Uvm, writer: StateWriter): void {
  const { pages, freeList } = uvm;
  let place = 0;
  for (let pfn = freeList.head; pfn !== NO_PAGE && place < pages.length; pfn = pages.next(pfn), place++) {
    if (!writer.hasFrame(pfn) && isBlank(uvm, pfn)) continue;
    writer.field('place', place);
    writer.frame('free', pfn);
  }
  writer.field('free', place);
}

/** Whether a page is free, and like all others that are. */
function isBlank({ pages, machine }: Uvm, pfn: Pfn): boolean {
  return (
    pages.pqflags(pfn) === PQ_FREE &&
    pages.flags(pfn) === 0 &&
    pages.wireCount(pfn) === 0 &&
    pages.loanCount(pfn) === 0 &&
    machine.reverseMap.isBlank(pfn)
  );
}

function writePage(uvm: Uvm, pfn: Pfn, writer: StateWriter): void {
  const { pages, machine } = uvm;
  writer.field('flags', pages.flags(pfn));
  writer.field('pqflags', pages.pqflags(pfn));
  writer.field('wireCount', pages.wireCount(pfn));
  writer.field('loanCount', pages.loanCount(pfn));
  writer.reference('object', pages.uobject(pfn));
  const anon = pages.uanon(pfn);
  // When nobody refers to it any more, only its page knows it.
  if (anon?.references === 0) writer.thing('anon', anon);
  else writer.reference('anon', anon);
  writer.field('offset', pages.offset(pfn));
  writer.field('busyOwner', uvm.busyOwners.get(pfn)?.lwp ?? null);
  const channel = uvm.pageChannels.get(pfn);
  if (channel !== undefined) writer.thing('channel', channel);
  machine.reverseMap.writeFrame(pfn, writer);
  machine.ram.digest(pfn).writeState(writer);
}
