/** What `vm.proc.map` tells of a mapping: `struct kinfo_vmentry`, sys/sys/sysctl.h; filled by `fill_vmentry()`, sys/uvm/uvm_map.c. */
import type { MappingUse } from '../../vm/system.js';

/** Bytes of a `struct kinfo_vmentry`. */
export const VMENTRY_BYTES = 1128;

/** Where in it the path is, which ends with a zero byte. */
const PATH_AT = 104;

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

  const bytes = new Uint8Array(VMENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const quads = (...values: number[]): void => {
    for (const value of values) {
      view.setBigUint64(at, BigInt(value), true);
      at += 8;
    }
  };
  const words = (...values: number[]): void => {
    for (const value of values) {
      view.setUint32(at, value, true);
      at += 4;
    }
  };
  quads(mapping.start, mapping.end, mapping.offset);
  words(type, flags, object?.pages ?? 0, mapping.wiredCount, mapping.advice, 0);
  words(mapping.protection, mapping.maxProtection, object?.references ?? 0, mapping.inheritance);
  quads(file?.id ?? 0, file?.size ?? 0, 0, 0);
  words(file === null ? 0 : VREG, 0);
  bytes.set(utf8(path).slice(0, VMENTRY_BYTES - PATH_AT - 1), PATH_AT);
  return bytes;
}

function utf8(text: string): number[] {
  return [...text].flatMap((character) => {
    const code = character.codePointAt(0) ?? 0;
    const last = (bits: number): number => 0x80 | ((code >>> bits) & 0x3f);
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >>> 6), last(0)];
    if (code < 0x10000) return [0xe0 | (code >>> 12), last(6), last(0)];
    return [0xf0 | (code >>> 18), last(12), last(6), last(0)];
  });
}
