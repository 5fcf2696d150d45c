/** What `vm.proc.map` tells of a mapping: `struct kinfo_vmentry`, sys/sys/sysctl.h; filled by `fill_vmentry()`, sys/uvm/uvm_map.c. */
import type { MappingUse } from '../../vm/system.js';
import { quads, utf8, words } from './sysctl-bytes.js';

/** Bytes of a `struct kinfo_vmentry`. */
export const VMENTRY_BYTES = 1128;

const KVME_TYPE_OBJECT = 1;
const KVME_TYPE_VNODE = 2;
const KVME_TYPE_DEVICE = 4;
const KVME_TYPE_ANON = 5;
const TYPES: Readonly<Record<string, number>> = { vnode: KVME_TYPE_VNODE, device: KVME_TYPE_DEVICE, aobj: KVME_TYPE_ANON };

const KVME_FLAG_COW = 1;
const KVME_FLAG_NEEDS_COPY = 2;
const KVME_FLAG_PAGEABLE = 8;

/** A file. `VREG` */
const VREG = 1;

/**
 * A mapping as bytes. Device numbers and modes are 0: files here have none.
 *
 * @param path of the file that is mapped, empty for none
 */
export function vmentryBytes(mapping: MappingUse, path: string): Uint8Array {
  const { object } = mapping;
  const type = object === null ? KVME_TYPE_ANON : (TYPES[object.kind] ?? KVME_TYPE_OBJECT);
  const file = type === KVME_TYPE_VNODE ? object : null;
  const flags = (mapping.copyOnWrite ? KVME_FLAG_COW : 0) | (mapping.needsCopy ? KVME_FLAG_NEEDS_COPY : 0) | KVME_FLAG_PAGEABLE;

  const fields = [
    ...quads([mapping.start, mapping.end, mapping.offset]),
    ...words([type, flags, object?.pages ?? 0, mapping.wiredCount, mapping.advice, 0]),
    ...words([mapping.protection, mapping.maxProtection, object?.references ?? 0, mapping.inheritance]),
    ...quads([file?.id ?? 0, file?.size ?? 0, 0, 0]),
    ...words([file === null ? 0 : VREG, 0]),
  ];
  const bytes = new Uint8Array(VMENTRY_BYTES);
  bytes.set(fields);
  // A path that is too long is cut; a zero byte always ends it.
  bytes.set(utf8(path).slice(0, VMENTRY_BYTES - fields.length - 1), fields.length);
  return bytes;
}
