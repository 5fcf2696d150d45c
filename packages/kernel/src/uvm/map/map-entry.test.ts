import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { asOffset, asVa } from '../../machine/address.js';
import { PROT_READ } from '../../machine/protection.js';
import { MADV_RANDOM, MAP_INHERIT_SHARE } from '../../vm/mman.js';
import { Amap } from '../anon/amap.js';
import { headerEntry, isCompatible, MapEntry, type MappingKind, UVM_MAP_NOMERGE } from './map-entry.js';

describe('a map entry', () => {
  it('holds its start, and not its end', () => {
    const entry = new MapEntry(1, asVa(0x2000), asVa(0x4000));
    expect([0x1fff, 0x2000, 0x3fff, 0x4000].map((va) => entry.contains(asVa(va)))).toEqual([false, true, true, false]);
    expect(entry.size).toBe(0x2000);
  });

  it('copies everything of another but its place in the map, its identity and its flags', () => {
    const bench = new Bench();
    const from = new MapEntry(1, asVa(0x2000), asVa(0x4000));
    Object.assign(from, {
      object: bench.newFile(1),
      submap: bench.map,
      offset: asOffset(0x3000),
      copyOnWrite: true,
      needsCopy: true,
      protection: PROT_READ,
      maxProtection: PROT_READ,
      inheritance: MAP_INHERIT_SHARE,
      wiredCount: 3,
      amap: new Amap(1, bench.map.miscLock, { slots: 4, padding: 0 }),
      amapOffset: 2,
      advice: MADV_RANDOM,
      flags: UVM_MAP_NOMERGE,
      leaf: 5,
    });
    const copy = new MapEntry(2, asVa(0), asVa(0x1000));
    const { prev, next, leaf } = copy;
    copy.copyFrom(from);
    expect(copy).toEqual({ ...from, id: 2, flags: 0, leaf, prev, next });
  });

  it('is the header of a map with the bounds the other way round, so that the gaps at both ends are ordinary ones', () => {
    const header = headerEntry(asVa(0x1000), asVa(0x9000));
    expect([header.end, header.start]).toEqual([0x1000, 0x9000]);
    expect([header.prev, header.next]).toEqual([header, header]);
    expect(header.contains(asVa(0x5000))).toBe(false);
  });
});

describe('a new mapping can be one entry with an old one', () => {
  const bench = new Bench();
  const entry = new MapEntry(1, asVa(0x2000), asVa(0x4000));
  const same: MappingKind = entry;

  it('when both are of one kind and equally wired', () => {
    expect(isCompatible(entry, same, 0)).toBe(true);
  });

  it('but not when they differ in anything', () => {
    const others: Partial<MappingKind>[] = [
      { object: bench.newFile(1) },
      { copyOnWrite: true },
      { needsCopy: true },
      { protection: PROT_READ },
      { maxProtection: PROT_READ },
      { inheritance: MAP_INHERIT_SHARE },
      { advice: MADV_RANDOM },
    ];
    for (const other of others) {
      const kind: MappingKind = {
        object: entry.object,
        copyOnWrite: entry.copyOnWrite,
        needsCopy: entry.needsCopy,
        protection: entry.protection,
        maxProtection: entry.maxProtection,
        inheritance: entry.inheritance,
        advice: entry.advice,
        ...other,
      };
      expect(isCompatible(entry, kind, 0), Object.keys(other).join()).toBe(false);
    }
    expect(isCompatible(entry, same, 1), 'wired').toBe(false);
  });

  it('nor when the old one is not to be merged, or leads to a submap', () => {
    const alone = new MapEntry(2, asVa(0x2000), asVa(0x4000));
    alone.flags = UVM_MAP_NOMERGE;
    expect(isCompatible(alone, alone, 0)).toBe(false);
    const divided = new MapEntry(3, asVa(0x2000), asVa(0x4000));
    divided.submap = bench.map;
    expect(isCompatible(divided, divided, 0)).toBe(false);
  });
});
