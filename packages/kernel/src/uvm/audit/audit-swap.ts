/** Checkers of swap. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asOffset, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import type { Anon } from '../anon/anon.js';
import { UvmAobj } from '../object/aobj.js';
import { NO_PAGE, PG_CLEAN } from '../page/page-array.js';
import { showPage } from '../show/show-page.js';
import { SWSLOT_BAD } from '../swap/swap.js';
import type { Uvm } from '../uvm.js';

/** Something whose page may be on swap. */
interface SlotOwner {
  /** For a sentence: `anon 7`. */
  readonly name: string;
  /** Its page in memory, `NO_PAGE` for none. */
  readonly page: Pfn;
  /** Its slot, 0 for none, `SWSLOT_BAD` for one that was lost. */
  readonly slot: number;
}

function allAnons(uvm: Uvm): Set<Anon> {
  const anons = new Set<Anon>(uvm.anonLoans);
  for (const amap of uvm.amaps) {
    for (const slot of amap.used) {
      const anon = amap.at(slot);
      if (anon !== null) anons.add(anon);
    }
  }
  return anons;
}

/** Everything whose page may be on swap, anons and pages of objects that have a slot. */
function allOwners(uvm: Uvm): SlotOwner[] {
  const owners: SlotOwner[] = [];
  for (const anon of allAnons(uvm)) owners.push({ name: `anon ${anon.id}`, page: anon.page, slot: anon.swapSlot });
  for (const object of uvm.objects) {
    if (!(object instanceof UvmAobj)) continue;
    object.swapSlots.forEachIn(0, object.size / PAGE_SIZE, (index) => {
      const name = `page ${index} of object ${object.id}`;
      owners.push({ name, page: object.lookup(asOffset(index * PAGE_SIZE)), slot: uvm.uaoFindSwslot(object, index) });
    });
  }
  return owners;
}

export function checkAnonPlaces(uvm: Uvm, report: Report): void {
  for (const anon of allAnons(uvm)) {
    if (anon.page === NO_PAGE && anon.swapSlot === 0) report(`anon ${anon.id} has neither a page nor a slot`);
    if (anon.page !== NO_PAGE && anon.swapSlot === SWSLOT_BAD) report(`anon ${anon.id} is lost, but has page ${anon.page}`);
  }
}

export function checkSwapSlots(uvm: Uvm, report: Report): void {
  const owned = new Map<number, string>();
  for (const { name, slot } of allOwners(uvm)) {
    if (slot <= 0) continue;
    const other = owned.get(slot);
    if (other !== undefined) report(`slot ${slot} belongs to ${other} and to ${name}`);
    owned.set(slot, name);
    if (uvm.swap.deviceOf(slot)?.isTaken(slot) !== true) report(`${name} has slot ${slot}, which is not in use`);
  }
  for (const device of uvm.swap.devices) {
    const unowned = device.takenSlots().filter((slot) => !owned.has(slot));
    if (unowned.length === device.bad) continue;
    report(`${unowned.length} slots of ${device.label} are in use and belong to nobody; ${device.bad} are bad`);
  }
}

export function checkSwapCounts(uvm: Uvm, report: Report): void {
  const { swap, uvmexp } = uvm;
  const counted = { nswapdev: 0, swpages: 0, swpgavail: 0, swpginuse: 0, swpgonly: 0 };
  for (const device of swap.devices) {
    const taken = device.takenSlots().length;
    counted.nswapdev++;
    counted.swpages += device.slots;
    if (device.enabled) counted.swpgavail += device.slots;
    counted.swpginuse += taken;
    if (taken !== device.inUse) report(`${device.label} counts ${device.inUse} slots in use; there are ${taken}`);
    if (device.bad > device.inUse) report(`${device.label} counts ${device.bad} bad slots, more than are in use`);
    if (!device.enabled) report(`${device.label} takes no pages, although nobody is at work on it`);
  }
  for (const { page, slot } of allOwners(uvm)) if (slot > 0 && page === NO_PAGE) counted.swpgonly++;
  for (const [name, count] of Object.entries(counted)) {
    const says = uvmexp[name as keyof typeof counted];
    if (says !== count) report(`uvmexp.${name} is ${says}; there are ${count}`);
  }
}

export function checkSwapCopies(uvm: Uvm, report: Report): void {
  const { machine, pages, swap } = uvm;
  const inSlot = new Uint8Array(PAGE_SIZE);
  for (const { name, page, slot } of allOwners(uvm)) {
    if (slot <= 0 || page === NO_PAGE || (pages.flags(page) & PG_CLEAN) === 0 || machine.pmapIsModified(page)) continue;
    const device = swap.deviceOf(slot);
    if (device?.medium.inMemory !== true || device.look(slot, inSlot) !== 0) continue;
    const start = (page - pages.first) * PAGE_SIZE;
    const inPage = machine.ram.bytes.subarray(start, start + PAGE_SIZE);
    if (inPage.some((byte, i) => byte !== inSlot[i]))
      report(`page ${page} of ${name} is clean, but slot ${slot} has other bytes`, showPage(uvm, page));
  }
}
