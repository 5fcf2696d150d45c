/** Checkers of anonymous objects, files of tmpfs, and of who holds objects. See `audit.ts`. */
import type { Report } from '../../kern/invariant.js';
import { asOffset, hex, PAGE_SIZE, roundPage } from '../../machine/address.js';
import { UvmAobj } from '../object/aobj.js';
import type { UvmObject } from '../object/object.js';
import { type TmpfsMount, TmpfsVnode } from '../object/tmpfs-vnode.js';
import { NO_PAGE } from '../page/page-array.js';
import { SWSLOT_BAD } from '../swap/swap.js';
import type { Uvm } from '../uvm.js';
import { UvmFile } from '../vnode/vnode.js';

/** References to an object that are not those of map entries: of names, open files and segments; and of the file whose memory it is. */
export function otherReferences(uvm: Uvm, object: UvmObject): number {
  let held = 0;
  if (object instanceof UvmFile || object instanceof UvmAobj) {
    held = uvm.vnodeReferrers.reduce((sum, referrer) => sum + referrer.heldReferences(object), 0);
  }
  for (const file of uvm.objects) if (file instanceof TmpfsVnode && file.aobj === object) held++;
  return held;
}

export function checkAobjs(uvm: Uvm, report: Report): void {
  for (const aobj of uvm.aobjs) if (!uvm.objects.has(aobj)) report(`object ${aobj.id} is on the list of objects, but gone`);
  for (const object of uvm.objects) {
    if (!(object instanceof UvmAobj)) continue;
    if (!uvm.aobjs.has(object)) report(`object ${object.id} is not on the list of objects`);
    const end = object.size / PAGE_SIZE;
    const beyond = object.pages.next(end, Number.MAX_SAFE_INTEGER);
    if (beyond >= 0) report(`object ${object.id} has a page at ${hex(beyond * PAGE_SIZE)}, but ends at ${hex(object.size)}`);
    object.swapSlots.forEachIn(0, end, (index, slot) => {
      const page = object.lookup(asOffset(index * PAGE_SIZE));
      if ((slot | 0) === SWSLOT_BAD && page !== NO_PAGE) {
        report(`page ${index} of object ${object.id} is lost, but in memory as page ${page}`);
      }
    });
  }
}

export function checkTmpfsFiles(uvm: Uvm, report: Report): void {
  const used = new Map<TmpfsMount, number>();
  for (const file of uvm.objects) {
    if (!(file instanceof TmpfsVnode)) continue;
    const name = `object ${file.id} (${file.label})`;
    const { aobj, mount } = file;
    if (!uvm.aobjs.has(aobj)) report(`${name} has its pages in object ${aobj.id}, which is gone`);
    if (aobj.lock !== file.lock) report(`${name} and object ${aobj.id}, which has its pages, have different locks`);
    if (file.pages.count > 0) report(`${name} has ${file.pages.count} pages of its own`);
    if (file.bytesUsed !== roundPage(file.size)) report(`${name} counts ${file.bytesUsed} bytes; its size is ${file.size}`);
    used.set(mount, (used.get(mount) ?? 0) + file.bytesUsed);
  }
  for (const [mount, bytes] of used) {
    if (mount.bytesUsed !== bytes) report(`a file system of memory counts ${mount.bytesUsed} bytes; its files have ${bytes}`);
  }
}

export function checkFileEnds(uvm: Uvm, report: Report): void {
  for (const file of uvm.objects) {
    if (!(file instanceof UvmFile)) continue;
    const end = roundPage(Math.max(file.size, file.writeSize));
    const { pages, slots } =
      file instanceof TmpfsVnode ? { pages: file.aobj.pages, slots: file.aobj.swapSlots } : { pages: file.pages, slots: null };
    const where = `behind the end of object ${file.id} (${file.label}), which is at ${hex(end)}`;
    const page = pages.next(end / PAGE_SIZE, Number.MAX_SAFE_INTEGER);
    if (page >= 0) report(`there is a page at ${hex(page * PAGE_SIZE)}, ${where}`);
    const slot = slots?.next(end / PAGE_SIZE, Number.MAX_SAFE_INTEGER) ?? -1;
    if (slot >= 0) report(`there is a slot for the page at ${hex(slot * PAGE_SIZE)}, ${where}`);
  }
}
