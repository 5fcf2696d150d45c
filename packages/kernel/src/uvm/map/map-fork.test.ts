/** Address spaces: what a child gets, what a new program gets, and what is left when all are gone. */
import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE, SHARED } from '../../../test/maps.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { MAP_INHERIT_COPY, MAP_INHERIT_NONE, MAP_INHERIT_SHARE, MAP_INHERIT_ZERO, MCL_FUTURE } from '../../vm/mman.js';
import { AMAP_SHARED } from '../anon/amap.js';
import { UVM_FLAG_NOMERGE } from './map-arguments.js';
import type { Inheritance } from './map-entry.js';
import { VM_MAP_DYING, VM_MAP_PAGEABLE, VM_MAP_TOPDOWN, VM_MAP_WIREFUTURE, type Vmspace } from './vm-map.js';

/** A parent with one entry of pages 1 to 3, stored to, and its child. */
function forked(inheritance: Inheritance, flags = PRIVATE): { bench: Bench; child: Vmspace } {
  const bench = new Bench();
  const child = bench.run(function* () {
    yield* bench.put(1, 3, { flags, inheritance });
    yield* bench.write(1, 11);
    return yield* bench.uvm.uvmspaceFork(bench.space);
  });
  bench.expectSound();
  return { bench, child };
}

describe('a child', () => {
  it('shares what is inherited by sharing: stores are seen both ways', () => {
    const { bench, child } = forked(MAP_INHERIT_SHARE);
    expect(bench.amapAt(1, child.map)).toBe(bench.amapAt(1));
    expect([bench.amapAt(1).references, bench.amapAt(1).flags]).toEqual([2, AMAP_SHARED]);
    bench.run(function* () {
      expect(yield* bench.read(1, child.map)).toBe(11);
      yield* bench.write(1, 22, child.map);
      yield* bench.write(2, 33);
      expect([yield* bench.read(1), yield* bench.read(2, child.map)]).toEqual([22, 33]);
    });
    bench.expectSound();
  });

  it('shares what the parent had not stored to yet, too: its upper layer is made before', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(1, 3, { inheritance: MAP_INHERIT_SHARE });
      const space = yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.write(1, 5);
      expect(yield* bench.read(1, space.map)).toBe(5);
      return space;
    });
    expect(bench.amapAt(1, child.map)).toBe(bench.amapAt(1));
    bench.expectSound();
  });

  it('gets a copy of what is inherited by copy, which is made when either stores', () => {
    const { bench, child } = forked(MAP_INHERIT_COPY);
    expect(bench.amapAt(1, child.map)).toBe(bench.amapAt(1));
    expect([bench.entryAt(1).needsCopy, bench.entryAt(1, child.map).needsCopy]).toEqual([true, true]);
    bench.run(function* () {
      yield* bench.write(1, 22);
      expect(bench.amapAt(1)).not.toBe(bench.amapAt(1, child.map));
      expect([yield* bench.read(1), yield* bench.read(1, child.map)]).toEqual([22, 11]);
      yield* bench.write(1, 33, child.map);
      expect([yield* bench.read(1), yield* bench.read(1, child.map)]).toEqual([22, 33]);
    });
    bench.expectSound();
  });

  it('finds the pages of the parent read-only in its page table until then', () => {
    const { bench } = forked(MAP_INHERIT_COPY);
    const pte = bench.map.pmap.table.get(bench.at(1) / PAGE_SIZE);
    expect(pte & (PROT_READ | PROT_WRITE)).toBe(PROT_READ);
  });

  it('gets a copy at once of memory that the parent shares with others, who go on sharing', () => {
    const bench = new Bench();
    const [other, child] = bench.run(function* () {
      yield* bench.put(1, 3, { flags: SHARED, inheritance: MAP_INHERIT_SHARE });
      yield* bench.write(1, 11);
      const sharer = yield* bench.uvm.uvmspaceFork(bench.space);
      yield* bench.uvm.uvmMapInherit(bench.map, bench.at(1), bench.at(3), MAP_INHERIT_COPY);
      return [sharer, yield* bench.uvm.uvmspaceFork(bench.space)];
    });
    expect(bench.amapAt(1, child.map)).not.toBe(bench.amapAt(1));
    expect(bench.entryAt(1).needsCopy).toBe(false);
    // The page that the child has too is not writable any more for those who share it.
    bench.expectSound();
    bench.run(function* () {
      yield* bench.write(1, 22);
      expect([yield* bench.read(1, other.map), yield* bench.read(1, child.map)]).toEqual([22, 11]);
    });
    bench.expectSound();
  });

  it('gets copies of the pages at once when they are wired, so that the parent never faults on them', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(1, 3);
      yield* bench.wire(1, 3);
      yield* bench.write(1, 11);
      return yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect(bench.pageOf(1, child.map)).not.toBe(bench.pageOf(1));
    expect([bench.picture(), bench.picture(child.map)]).toEqual(['.AA', '.aa']);
    expect(bench.map.pmap.table.get(bench.at(1) / PAGE_SIZE) & PROT_WRITE).toBe(PROT_WRITE);
    expect(bench.run(() => bench.read(1, child.map))).toBe(11);
    bench.expectSound();
  });

  it('gets a copy of wired memory also where another sharer has put a new page meanwhile, which is not wired', () => {
    //                page 1      what happens                        what the parent's wired entry has there
    //   parent       [A          wires it                            page p, wired
    //   sharer        a          forks a copy, stores to it, exits   page q, in p's place, not mapped here
    //   grandchild    a          has p
    const bench = new Bench();
    const { uvm } = bench;
    const [grandchild, child] = bench.run(function* () {
      yield* bench.put(1, 2, { flags: SHARED, inheritance: MAP_INHERIT_SHARE });
      yield* bench.write(1, 11);
      const sharer = yield* uvm.uvmspaceFork(bench.space);
      yield* bench.wire(1, 2);
      yield* uvm.uvmMapInherit(sharer.map, bench.at(1), bench.at(2), MAP_INHERIT_COPY);
      const copied = yield* uvm.uvmspaceFork(sharer);
      yield* bench.write(1, 22, sharer.map);
      yield* uvm.uvmspaceFree(sharer);
      yield* uvm.uvmMapInherit(bench.map, bench.at(1), bench.at(2), MAP_INHERIT_COPY);
      return [copied, yield* uvm.uvmspaceFork(bench.space)];
    });
    bench.expectSound();
    bench.run(function* () {
      yield* bench.write(1, 33);
      expect([yield* bench.read(1, grandchild.map), yield* bench.read(1, child.map), yield* bench.read(1)]).toEqual([11, 22, 33]);
    });
    expect(bench.uvm.pages.wireCount(bench.pageOf(1))).toBe(1);
    bench.expectSound();
  });

  it('gets nothing of what is not inherited', () => {
    const { bench, child } = forked(MAP_INHERIT_NONE);
    expect([bench.picture(), bench.picture(child.map), child.map.size]).toEqual(['.aa', '', 0]);
  });

  it('gets zeros for what is inherited as zeros, and the parent keeps its own', () => {
    const { bench, child } = forked(MAP_INHERIT_ZERO);
    expect(bench.entryAt(1, child.map)).toMatchObject({ amap: null, object: null, copyOnWrite: true, needsCopy: true });
    bench.run(function* () {
      expect([yield* bench.read(1, child.map), yield* bench.read(1)]).toEqual([0, 11]);
    });
    bench.expectSound();
  });

  it('has nothing wired of what is zeros for it', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.put(1, 3, { inheritance: MAP_INHERIT_ZERO });
      yield* bench.wire(1, 3);
      return yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect([bench.picture(), bench.picture(child.map)]).toEqual(['.AA', '.aa']);
    bench.expectSound();
  });

  it('gets zeros in the place of a file as well', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 2, file, 0, { flags: PRIVATE, inheritance: MAP_INHERIT_ZERO });
      const child = yield* bench.uvm.uvmspaceFork(bench.space);
      expect([yield* bench.read(1, child.map), yield* bench.read(1)]).toEqual([0, 2]);
      expect(bench.entryAt(0, child.map).offset).toBe(0);
    });
    expect(file.references).toBe(2);
    bench.expectSound();
  });

  it('shares a file that is mapped shared, and has its private copy of one that is mapped so', () => {
    const bench = new Bench();
    const file = bench.newFile(2);
    bench.run(function* () {
      yield* bench.putFile(0, 1, file, 0, { inheritance: MAP_INHERIT_SHARE });
      yield* bench.putFile(1, 2, file, 1, { flags: PRIVATE });
      const child = yield* bench.uvm.uvmspaceFork(bench.space);
      expect(file.references).toBe(5);
      yield* bench.write(0, 50);
      yield* bench.write(1, 60);
      expect([yield* bench.read(0, child.map), yield* bench.read(1, child.map)]).toEqual([50, 2]);
    });
    bench.expectSound();
  });

  it('has the bounds and the direction of its parent, and the same pages at the same addresses, none of them wired', () => {
    const bench = new Bench({ topdown: true });
    const child = bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.put(2, 3, { flags: PRIVATE | UVM_FLAG_NOMERGE, inheritance: MAP_INHERIT_NONE });
      yield* bench.put(3, 5, { flags: SHARED });
      yield* bench.wire(3, 4);
      return yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect([bench.picture(), bench.picture(child.map)]).toEqual(['aabCd', 'aa.bc']);
    expect([child.min, child.max, child.map.flags]).toEqual([bench.space.min, bench.space.max, VM_MAP_PAGEABLE | VM_MAP_TOPDOWN]);
    expect(child.map.size).toBe(4 * PAGE_SIZE);
    bench.expectSound();
  });

  it('does not inherit that its memory is to be wired', () => {
    const bench = new Bench();
    const child = bench.run(function* () {
      yield* bench.uvm.uvmMapPageableAll(bench.map, MCL_FUTURE, 0);
      return yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect([bench.map.flags & VM_MAP_WIREFUTURE, child.map.flags & VM_MAP_WIREFUTURE]).toEqual([VM_MAP_WIREFUTURE, 0]);
  });

  it('is counted', () => {
    const { bench } = forked(MAP_INHERIT_COPY);
    expect([bench.uvm.uvmexp.forks, bench.uvm.uvmexp.forks_sharevm]).toEqual([1, 0]);
  });
});

describe('a fork is refused by assertions', () => {
  it('with a submap', () => {
    const bench = new Bench();
    const panic = bench.panicOf(function* () {
      yield* bench.put(0, 1, { flags: UVM_FLAG_NOMERGE });
      yield* bench.uvm.uvmMapSubmap(bench.map, bench.at(0), bench.at(1), bench.newSpace().map);
      yield* bench.uvm.uvmspaceFork(bench.space);
    });
    expect(panic).toContain('"!UVM_ET_ISSUBMAP(old_entry)"');
  });

  it('with an entry that needs a copy without being copy-on-write', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    bench.entryAt(0).copyOnWrite = false;
    expect(bench.panicOf(() => bench.uvm.uvmspaceFork(bench.space))).toContain(
      '"UVM_ET_ISCOPYONWRITE(old_entry) || !UVM_ET_ISNEEDSCOPY(old_entry)"',
    );
  });

  it('with an entry that is wired while its pages are not', () => {
    const bench = new Bench();
    bench.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 1);
    });
    bench.entryAt(0).wiredCount = 1;
    expect(bench.panicOf(() => bench.uvm.uvmspaceFork(bench.space))).toContain('"pg->wire_count > 0"');
  });
});

describe('an address space', () => {
  it('goes with the last who shares it, and everything in it with it', () => {
    const bench = new Bench();
    const { uvm, space } = bench;
    bench.run(function* () {
      yield* bench.put(0, 4);
      yield* bench.wire(1, 2);
      yield* uvm.uvmspaceAddref(space);
      yield* uvm.uvmspaceFree(space);
      expect([space.references, bench.picture()]).toEqual([1, 'aBcc']);
      yield* uvm.uvmspaceFree(space);
    });
    expect(space.map.flags & VM_MAP_DYING).toBe(VM_MAP_DYING);
    expect([uvm.maps.size, uvm.spaces.size, uvm.amaps.size, uvm.anonCount, uvm.uvmexp.wired]).toEqual([0, 0, 0, 0, 0]);
    expect([uvm.uvmexp.forks, uvm.uvmexp.forks_ppwait, uvm.uvmexp.forks_sharevm]).toEqual([1, 1, 1]);
    bench.expectSound();
  });

  it('cannot be shared once it is being torn down, or when nobody has it', () => {
    const dying = new Bench();
    dying.map.flags |= VM_MAP_DYING;
    expect(dying.panicOf(() => dying.uvm.uvmspaceAddref(dying.space))).toContain('"(map->flags & VM_MAP_DYING) == 0"');
    const gone = new Bench();
    gone.space.references = 0;
    expect(gone.panicOf(() => gone.uvm.uvmspaceAddref(gone.space))).toContain('"vm->vm_refcnt > 0"');
  });

  it('must be empty when its teardown is done', () => {
    const bench = new Bench();
    bench.run(() => bench.put(0, 1));
    bench.map.size += PAGE_SIZE;
    expect(bench.panicOf(() => bench.uvm.uvmspaceFree(bench.space))).toContain('"map->size == 0"');
  });

  it('is emptied for a new program, which does not inherit that its memory is to be wired', () => {
    const bench = new Bench();
    const space = bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.uvm.uvmMapPageableAll(bench.map, MCL_FUTURE, 0);
      return yield* bench.uvm.uvmspaceExec(bench.space);
    });
    expect(space).toBe(bench.space);
    expect([bench.picture(), bench.map.flags & VM_MAP_WIREFUTURE]).toEqual(['', 0]);
    bench.expectSound();
  });

  it('is left to the others by a new program when it is shared', () => {
    const bench = new Bench({ topdown: true });
    const fresh = bench.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.uvm.uvmspaceAddref(bench.space);
      return yield* bench.uvm.uvmspaceExec(bench.space);
    });
    expect(fresh).not.toBe(bench.space);
    expect([bench.picture(), bench.picture(fresh.map), bench.space.references]).toEqual(['aa', '', 1]);
    expect([fresh.min, fresh.max, fresh.topdown]).toEqual([bench.space.min, bench.space.max, true]);
    bench.expectSound();
  });
});
