/** References to amaps, whole and in part, and what is in their slots. */
import { describe, expect, it } from 'vitest';
import { Bench, SHARED } from '../../../test/maps.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PTE_PROT } from '../../machine/pte.js';
import type { MapEntry } from '../map/map-entry.js';
import { NO_PAGE, PG_BUSY, PG_RELEASED } from '../page/page-array.js';
import { AMAP_REFALL, AMAP_SHARED, type Amap } from './amap.js';
import type { Anon } from './anon.js';

/** One entry of shared memory, of six pages, each stored to: its slots are 0 to 6. */
function sixSlots(): { bench: Bench; entry: MapEntry; amap: Amap } {
  const bench = new Bench();
  bench.run(function* () {
    yield* bench.put(0, 6, { flags: SHARED });
    for (let page = 0; page < 6; page++) yield* bench.write(page, 50 + page);
  });
  return { bench, entry: bench.entryAt(0), amap: bench.amapAt(0) };
}

/** An entry in no map for some slots of an amap, whose slots are counted as if it had been clipped out. */
function partOf({ bench, entry }: { bench: Bench; entry: MapEntry }, from: number, to: number): MapEntry {
  const part = bench.uvm.uvmMapentAlloc(bench.at(20), bench.at(20 + to - from));
  part.amap = entry.amap;
  part.amapOffset = from;
  entry.amap?.establishPartial(0);
  return part;
}

/** The counts of the slots of an amap: how many slots, how many references. */
function runsOf(amap: Amap): number[][] | undefined {
  return amap.partial?.runs.map(({ slots, references }) => [slots, references]);
}

describe('a reference', () => {
  it('to the whole amap is only counted', () => {
    const { bench, entry, amap } = sixSlots();
    bench.run(function* () {
      yield* bench.uvm.amapRef(entry, 0);
      expect([amap.references, amap.partial, amap.flags]).toEqual([2, null, 0]);
      yield* bench.uvm.amapUnref(entry, { all: false });
    });
    expect([amap.references, amap.partial]).toEqual([1, null]);
    bench.expectSound();
  });

  it('to a part counts the slots of that part', () => {
    const six = sixSlots();
    const { bench, amap } = six;
    bench.run(() => bench.uvm.amapRef(partOf(six, 2, 4), 0));
    expect(runsOf(amap)).toEqual([
      [2, 1],
      [2, 2],
      [2, 1],
    ]);
    expect(amap.references).toBe(2);
  });

  it('to a part that begins where the amap does has the slots counted from then on', () => {
    const { bench, entry, amap } = sixSlots();
    const front = bench.uvm.uvmMapentAlloc(bench.at(20), bench.at(24));
    front.amap = entry.amap;
    bench.run(() => bench.uvm.amapRef(front, 0));
    expect(runsOf(amap)).toEqual([
      [4, 2],
      [2, 1],
    ]);
    bench.run(() => bench.uvm.amapUnref(front, { all: false }));
    expect(runsOf(amap)).toEqual([[6, 1]]);
  });

  it('that shares is marked until only one is left', () => {
    const { bench, entry, amap } = sixSlots();
    bench.run(function* () {
      yield* bench.uvm.amapRef(entry, AMAP_SHARED);
      expect(amap.flags).toBe(AMAP_SHARED);
      yield* bench.uvm.amapRef(entry, AMAP_SHARED);
      yield* bench.uvm.amapUnref(entry, { all: false });
      expect(amap.flags).toBe(AMAP_SHARED);
      yield* bench.uvm.amapUnref(entry, { all: false });
    });
    expect(amap.flags).toBe(0);
  });

  it('to all slots, whatever the entry covers, counts each slot', () => {
    const six = sixSlots();
    const { bench, amap } = six;
    const part = partOf(six, 2, 4);
    bench.run(function* () {
      yield* bench.uvm.amapRef(part, AMAP_REFALL);
      expect(runsOf(amap)).toEqual([[6, 2]]);
      yield* bench.uvm.amapUnref(part, { all: true });
    });
    expect(runsOf(amap)).toEqual([[6, 1]]);
    expect(amap.used).toHaveLength(6);
  });

  it('that goes takes the anons with it to which nobody else refers, and leaves the others', () => {
    //   slots       0 1 2 3 4 5
    //   entry       ───────────     goes
    //   part            ───         stays
    const six = sixSlots();
    const { bench, entry, amap } = six;
    const part = partOf(six, 2, 4);
    bench.run(function* () {
      yield* bench.uvm.amapRef(part, 0);
      yield* bench.uvm.amapUnref(entry, { all: false });
    });
    expect(amap.used.toSorted()).toEqual([2, 3]);
    expect([bench.uvm.anonCount, bench.uvm.uvmexp.anonpages]).toEqual([2, 2]);
    bench.run(() => bench.uvm.amapUnref(part, { all: false }));
    expect([bench.uvm.anonCount, bench.uvm.amaps.size]).toEqual([0, 0]);
  });

  it('that is split as an entry is clipped counts as two', () => {
    const { bench, entry, amap } = sixSlots();
    const tail = bench.uvm.uvmMapentAlloc(bench.at(4), bench.at(6));
    bench.run(() => bench.uvm.amapSplitref(entry, tail, 4 * PAGE_SIZE));
    expect([amap.references, tail.amapOffset, amap.partial?.runs]).toEqual([2, 4, [{ slots: 6, references: 1 }]]);
  });
});

describe('assertions of references', () => {
  it('want an amap that is referred to', () => {
    const { bench, entry, amap } = sixSlots();
    amap.references = 0;
    expect(bench.panicOf(() => bench.uvm.amapUnref(entry, { all: false }))).toContain('"amap->am_ref > 0"');
    for (const operation of ['amapRef', 'amapUnref', 'amapSplitref', 'amapExtend', 'amapAdd', 'amapShareProtect'] as const) {
      const empty = new Bench();
      const bare = empty.uvm.uvmMapentAlloc(empty.at(0), empty.at(1));
      const call = empty.uvm[operation] as (entry: MapEntry) => ReturnType<typeof empty.uvm.amapWipeout>;
      expect(
        empty.panicOf(() => call.call(empty.uvm, bare)),
        operation,
      ).toMatch(/^amap_[a-z_]+: entry has no amap$/);
    }
  });

  it('find a slot with more references than the amap, or fewer than none', () => {
    for (const amount of [1, -2]) {
      const { bench, amap } = sixSlots();
      amap.establishPartial(0);
      const panic = bench.panicOf(function* () {
        yield* amap.lock.enter();
        bench.uvm.amapPpAdjref(amap, 0, 2, amount);
      });
      expect(panic).toContain('"ref >= 0 && ref <= amap->am_ref"');
    }
  });

  it('want both sides of a split to have something', () => {
    const nothing = sixSlots();
    const tail = nothing.bench.uvm.uvmMapentAlloc(nothing.bench.at(4), nothing.bench.at(6));
    expect(nothing.bench.panicOf(() => nothing.bench.uvm.amapSplitref(nothing.entry, tail, 0))).toContain('"leftslots != 0"');
    const all = sixSlots();
    expect(all.bench.panicOf(() => all.bench.uvm.amapSplitref(all.entry, tail, 6 * PAGE_SIZE))).toContain(
      '"amap->am_nslot - origref->ar_pageoff - leftslots > 0"',
    );
  });

  it('want an amap that is destroyed to be empty and unused', () => {
    const { bench, amap } = sixSlots();
    expect(
      bench.panicOf(function* () {
        yield* amap.lock.enter();
        bench.uvm.amapFree(amap);
      }),
    ).toContain('"amap->am_ref == 0 && amap->am_nused == 0"');
    const other = sixSlots();
    expect(
      other.bench.panicOf(function* () {
        yield* other.amap.lock.enter();
        yield* other.bench.uvm.amapWipeout(other.amap);
      }),
    ).toContain('"amap->am_ref == 0"');
  });
});

describe('a slot', () => {
  it('is looked up and filled under the lock, within the amap, once', () => {
    const trials: [what: string, assertion: string, work: (six: ReturnType<typeof sixSlots>, anon: Anon) => void][] = [
      ['lookup beyond the last slot', 'slot < amap->am_nslot', ({ bench, entry }) => bench.uvm.amapLookup(entry, 6 * PAGE_SIZE)],
      [
        'an anon under another lock',
        'anon->an_ref != 0 && anon->an_lock == amap->am_lock',
        ({ bench, entry, amap }) => {
          (amap.at(0) as Anon).lock = null;
          bench.uvm.amapLookup(entry, 0);
        },
      ],
      [
        'an anon without references',
        'anon->an_ref != 0 && anon->an_lock == amap->am_lock',
        ({ bench, entry, amap }) => {
          (amap.at(0) as Anon).references = 0;
          bench.uvm.amapLookup(entry, 0);
        },
      ],
    ];
    for (const [what, assertion, work] of trials) {
      const six = sixSlots();
      const panic = six.bench.panicOf(function* () {
        yield* six.amap.lock.enter();
        work(six, six.amap.at(0) as Anon);
      });
      expect(panic, what).toContain(`"${assertion}"`);
    }
    const unlocked = sixSlots();
    expect(
      unlocked.bench.panicOf(function* () {
        yield* unlocked.amap.lock.enter();
        yield* unlocked.amap.lock.exit();
        unlocked.bench.uvm.amapLookup(unlocked.entry, 0);
      }),
    ).toContain('"mutex_owned(amap->am_lock)"');
  });

  it('that is in use takes another anon only as a replacement, and one that is empty none', () => {
    for (const [offset, replace, assertion] of [
      [0, false, 'amap->am_anon[slot] == NULL'],
      [PAGE_SIZE, true, 'amap->am_anon[slot] != NULL'],
      [6 * PAGE_SIZE, false, 'slot < amap->am_nslot'],
    ] as const) {
      const { bench, entry, amap } = sixSlots();
      const panic = bench.panicOf(function* () {
        yield* amap.lock.enter();
        amap.remove(1);
        yield* bench.uvm.amapAdd(entry, offset, bench.uvm.uvmAnalloc(amap.lock) as Anon, { replace });
      });
      expect(panic).toContain(`"${assertion}"`);
    }
    const { bench, entry, amap } = sixSlots();
    expect(
      bench.panicOf(function* () {
        yield* amap.lock.enter();
        yield* bench.uvm.amapAdd(entry, 0, bench.uvm.uvmAnalloc(bench.map.miscLock) as Anon, { replace: true });
      }),
    ).toContain('"anon->an_lock == amap->am_lock"');
  });

  it('that is replaced in a shared amap has all mappings of the old page removed', () => {
    for (const flags of [0, AMAP_SHARED]) {
      const { bench, entry, amap } = sixSlots();
      amap.flags = flags;
      bench.run(function* () {
        yield* amap.lock.enter();
        yield* bench.uvm.amapAdd(entry, 0, bench.uvm.uvmAnalloc(amap.lock) as Anon, { replace: true });
        yield* amap.lock.exit();
      });
      expect(bench.machine.pmapExtract(bench.map.pmap, bench.at(0)) < 0).toBe(flags === AMAP_SHARED);
    }
  });
});

describe('looking up several slots', () => {
  it('gives the anons from an offset on, null where there is none, in the place of what was there', () => {
    const { bench, entry, amap } = sixSlots();
    bench.run(function* () {
      yield* amap.lock.enter();
      const gone = amap.at(3);
      amap.remove(3);
      const into: (Anon | null)[] = [gone, gone, gone, gone, gone, gone];
      bench.uvm.amapLookups(entry, 2 * PAGE_SIZE, 3, into);
      expect(into).toEqual([amap.at(2), null, amap.at(4)]);
      bench.uvm.amapLookups(bench.uvm.uvmMapentAlloc(bench.at(8), bench.at(9)), 0, 2, into);
      expect(into).toEqual([null, null]);
      yield* amap.lock.exit();
    });
  });

  it('does not go beyond the last slot', () => {
    const { bench, entry, amap } = sixSlots();
    const panic = bench.panicOf(function* () {
      yield* amap.lock.enter();
      bench.uvm.amapLookups(entry, 4 * PAGE_SIZE, 3, []);
    });
    expect(panic).toContain('"(slot + (npages - 1)) < amap->am_nslot"');
  });
});

describe('protecting what is shared', () => {
  it('reduces the mappings of an entry’s anons in all address spaces, and no others', () => {
    const six = sixSlots();
    const { bench, amap } = six;
    bench.run(function* () {
      yield* amap.lock.enter();
      bench.uvm.amapShareProtect(partOf(six, 2, 4), PROT_READ);
      yield* amap.lock.exit();
    });
    const rights = [0, 1, 2, 3, 4, 5].map((page) => bench.map.pmap.table.get(bench.at(page) / PAGE_SIZE) & PTE_PROT);
    const both = PROT_READ | PROT_WRITE;
    expect(rights).toEqual([both, both, PROT_READ, PROT_READ, both, both]);
  });
});

describe('anons that are destroyed', () => {
  it('must have no references', () => {
    const { bench, amap } = sixSlots();
    const panic = bench.panicOf(function* () {
      yield* amap.lock.enter();
      yield* bench.uvm.uvmAnonFreelst(amap, [amap.at(0) as Anon]);
    });
    expect(panic).toContain('"anon->an_ref == 0"');
  });

  it('live on while their page is busy', () => {
    const { bench, amap } = sixSlots();
    const { uvm } = bench;
    const [busy, idle] = [amap.at(0) as Anon, amap.at(1) as Anon];
    const before = uvm.anonCount;
    bench.run(function* () {
      yield* amap.lock.enter();
      for (const anon of [busy, idle]) {
        amap.remove(amap.anons.indexOf(anon));
        anon.references = 0;
      }
      uvm.pages.setFlags(busy.page, PG_BUSY);
      yield* uvm.uvmAnonFreelst(amap, [busy, idle]);
      expect([uvm.anonCount, idle.page, uvm.pages.flags(busy.page)]).toEqual([before - 1, NO_PAGE, PG_BUSY | PG_RELEASED]);
      yield* amap.lock.enter();
      yield* uvm.uvmAnonRelease(busy);
    });
    expect([uvm.anonCount, busy.page, amap.lock.held]).toEqual([before - 2, NO_PAGE, false]);
  });
});
