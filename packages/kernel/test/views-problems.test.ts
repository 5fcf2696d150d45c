/** What views find wrong while they look (decision D8): the line that the debugger marks, and the same in the data. */
import { describe, expect, it } from 'vitest';
import { asOffset, asPfn, asVa, PROT_READ } from '../src/index.js';
import { PG_TABLED, PQ_ACTIVE } from '../src/uvm/page/page-array.js';
import { queueOf } from './queues.js';
import { lines, marks, problems, smallProcess, WIRED } from './view-support.js';

/** The page of the file at offset 0, and the anonymous pages, of `smallProcess`. */
const FILE_PAGE = asPfn(2);
const WIRED_PAGE = 0;
const TOUCHED_PAGE = asPfn(1);

describe('show page finds', () => {
  it('a page that its object does not have', () => {
    const { system, vnode } = smallProcess();
    vnode.pages.set(0, 0);
    expect(lines(system, { kind: 'page', page: FILE_PAGE, full: true }).slice(4, 6)).toEqual([
      '  checking object list',
      '  >>> PAGE NOT FOUND ON OBJECT LIST! <<<',
    ]);
    expect(problems(system, { kind: 'page', page: FILE_PAGE })).toEqual(['page 2: PAGE NOT FOUND ON OBJECT LIST! ()']);
    expect(marks(system, { kind: 'page', page: FILE_PAGE, full: true })).toHaveLength(1);
    expect(lines(system, { kind: 'page', page: FILE_PAGE })[4]).toBe('  >>> PAGE NOT FOUND ON OBJECT LIST! <<<');
  });

  it('a page whose anon has another page', () => {
    const { system, map } = smallProcess();
    const anon = map.header.next.amap?.at(0);
    if (anon) anon.page = asPfn(9);
    expect(lines(system, { kind: 'page', page: WIRED_PAGE, full: true })[4]).toBe('  >>> ANON DOES NOT POINT HERE <<< (page 9)');
    expect(problems(system, { kind: 'page', page: WIRED_PAGE })).toEqual(['page 0: ANON DOES NOT POINT HERE (page 9)']);
  });

  it('a page that is not on the queue that its flags say', () => {
    const { system } = smallProcess();
    queueOf(system.uvm, 'active').remove(FILE_PAGE);
    expect(lines(system, { kind: 'page', page: FILE_PAGE, full: true }).slice(6, 8)).toEqual([
      '  checking pageq list',
      '  >>> PAGE NOT FOUND ON PAGEQ LIST! <<<',
    ]);
  });

  it('that without going round for ever on a queue whose links form a ring', () => {
    const { system } = smallProcess();
    const { uvm } = system;
    queueOf(uvm, 'active').remove(FILE_PAGE);
    uvm.pages.setNext(queueOf(uvm, 'active').head, queueOf(uvm, 'active').head);
    expect(problems(system, { kind: 'page', page: FILE_PAGE })).toEqual(['page 2: PAGE NOT FOUND ON PAGEQ LIST! ()']);
  });

  it('a page with two owners, and one with none', () => {
    const { system, vnode } = smallProcess();
    const { pages } = system.uvm;
    pages.setOwner(WIRED_PAGE as typeof FILE_PAGE, vnode, pages.uanon(asPfn(WIRED_PAGE)), asOffset(0));
    pages.setOwner(FILE_PAGE, null, null, asOffset(0));
    expect(problems(system, { kind: 'page', page: WIRED_PAGE })).toEqual(['page 0: PAGE HAS TWO OWNERS (object 1, anon 1)']);
    expect(problems(system, { kind: 'page', page: FILE_PAGE })).toEqual(['page 2: PAGE HAS NO OWNER ()']);
  });

  it('a free page that is owned, mapped and wired', () => {
    const { system, vnode } = smallProcess();
    const { pages } = system.uvm;
    const free = asPfn(255);
    pages.setOwner(free, vnode, null, asOffset(0));
    pages.setWireCount(free, 1);
    system.machine.reverseMap.add(free, system.machine.kernelPmap, asVa(0x5000));
    expect(problems(system, { kind: 'page', page: free })).toEqual([
      'page 255: FREE PAGE HAS AN OWNER (object 1)',
      'page 255: FREE PAGE IS MAPPED ()',
      'page 255: FREE PAGE IS WIRED ()',
      'page 255: MAPPING IS NOT IN THE PAGE TABLE (pmap 0 va 0x5000)',
      'page 255: WIRE COUNT IS NOT THAT OF WIRED MAPPINGS (wire_count 1, 0 wired mappings)',
    ]);
  });

  it('a wire count that has wrapped, also in the brief view and the table of all pages', () => {
    const { system } = smallProcess();
    system.uvm.pages.setWireCount(TOUCHED_PAGE, 65535);
    const mark = '  >>> WIRE COUNT IS NOT THAT OF WIRED MAPPINGS <<< (wire_count 65535, 0 wired mappings)';
    expect(lines(system, { kind: 'page', page: TOUCHED_PAGE }).slice(4)).toEqual([mark]);
    expect(marks(system, { kind: 'page' })).toEqual([mark]);
  });
});

describe('show map finds', () => {
  it('an entry that covers more slots than its amap has, and marks it under the entry', () => {
    const { system, map } = smallProcess();
    const amap = map.header.next.amap;
    if (amap) amap.slots = 1;
    expect(lines(system, { kind: 'map', id: 1, full: true }).slice(5, 8)).toEqual([
      ' - entry 3: 0x11000->0x12000: obj=0x0/0x0, amap=amap 1/1',
      '\tsubmap=F, cow=T, nc=F, prot(max)=3/7, inh=1, wc=0, adv=0',
      '\t>>> AMAP RANGE TOO LARGE <<< (slots 1 to 1, amap 1 has 1)',
    ]);
  });

  it('the same in the brief view, which names the entry', () => {
    const { system, map } = smallProcess();
    const amap = map.header.next.amap;
    if (amap) amap.slots = 1;
    expect(lines(system, { kind: 'map', id: 1 })[3]).toBe('\t>>> entry 3: AMAP RANGE TOO LARGE <<< (slots 1 to 1, amap 1 has 1)');
  });

  it('a mapping that leads to another page than the entry has there', () => {
    const { system, map } = smallProcess();
    map.header.next.amapOffset = 1;
    expect(problems(system, { kind: 'map', id: 1 })).toEqual([
      'entry 1: ANOTHER PAGE IS MAPPED (0x10000 is page 0, and should be page 1)',
    ]);
  });

  it('a mapping of a page that the object has lost', () => {
    const { system, vnode } = smallProcess();
    vnode.pages.set(0, 0);
    expect(problems(system, { kind: 'map', id: 1 })).toEqual([
      'entry 2: ANOTHER PAGE IS MAPPED (0x14000 is page 2, and should be none)',
    ]);
  });

  it('a mapping that allows more than its entry, and one that is writable before the copy', () => {
    const { system, map } = smallProcess();
    map.header.next.protection = PROT_READ;
    map.header.next.next.needsCopy = true;
    expect(problems(system, { kind: 'map', id: 1 })).toEqual([
      'entry 1: MAPPING ALLOWS MORE THAN THE ENTRY (0x10000 rw-)',
      'entry 3: MAPPING IS WRITABLE BEFORE THE COPY (0x11000)',
    ]);
  });

  it('an entry that is wired without its pages, and pages that are wired without their entry', () => {
    const { system, map } = smallProcess();
    map.header.next.wiredCount = 0;
    map.header.next.next.wiredCount = 1;
    expect(problems(system, { kind: 'map', id: 1 })).toEqual([
      'entry 1: MAPPING IS WIRED, THE ENTRY IS NOT (0x10000)',
      'entry 3: MAPPING IS NOT WIRED, THE ENTRY IS (0x11000)',
      'entry 3: PAGE IS NOT WIRED, THE ENTRY IS (0x11000, page 1)',
    ]);
  });

  it('the same thing wrong with many pages, told once', () => {
    // Before: [ entry 1 ][ entry 3 ]; after: one entry over both, of which no page is wired.
    const { system, map } = smallProcess();
    const entry = map.header.next;
    const { table } = map.pmap;
    for (const index of [0x10, 0x11]) table.set(index, (table.get(index) & ~0x10) >>> 0);
    entry.end = asVa(0x12000);
    map.pmap.wiredCount = 0;
    expect(problems(system, { kind: 'map', id: 1 })).toContain(
      `entry ${entry.id}: MAPPING IS NOT WIRED, THE ENTRY IS (0x10000, and 1 page more)`,
    );
  });

  it('entries that are no ranges, overlap, lie outside the map, or have inconsistent fields', () => {
    const { system, map, vnode } = smallProcess();
    const { header } = map;
    const [first, second, third] = [header.next, header.next.next, header.next.next.next];
    first.copyOnWrite = false;
    first.needsCopy = true;
    first.maxProtection = PROT_READ;
    second.start = asVa(WIRED + 0x800);
    third.end = asVa(map.max + 0x1000);
    system.uvm.objects.delete(vnode);
    if (first.amap) system.uvm.amaps.delete(first.amap);
    const found = problems(system, { kind: 'map', id: 1 });
    for (const expected of [
      'entry 1: NEEDS A COPY BUT IS NOT COPY-ON-WRITE ()',
      'entry 1: ALLOWS MORE THAN IT EVER MAY (-w-)',
      'entry 1: AMAP IS GONE (amap 1)',
      'entry 3: NOT A RANGE OF PAGES ()',
      'entry 3: BEGINS TOO LOW (below 0x11000)',
      'entry 2: ENDS BEHIND THE MAP (at 0x7f7ffffff000)',
      'entry 2: OBJECT IS GONE (object 1)',
    ]) {
      expect(found).toContain(expected);
    }
  });

  it('sums, hints and counts of the page table that are wrong, and marks them under the map', () => {
    const { system, map } = smallProcess();
    const gone = map.header.next;
    system.uvm.uvmMapEntryUnlink(map, gone);
    map.hint = gone;
    map.firstFree = gone;
    map.pmap.residentCount = 7;
    map.pmap.wiredCount = 0;
    expect(marks(system, { kind: 'map', id: 1, full: true })).toEqual([
      '\t>>> SIZE IS WRONG <<< (20480 counted, 16384 in entries)',
      '\t>>> HINT IS NOT IN THE MAP <<< (entry 1)',
      '\t>>> FIRST_FREE IS NOT IN THE MAP <<< (entry 1)',
      '\t>>> pmap 1: MAPPED OUTSIDE OF ANY ENTRY <<< (0x10000 to page 0)',
      '\t>>> pmap 1: RESIDENT COUNT IS WRONG <<< (7 counted, 3 in the page table)',
      '\t>>> pmap 1: WIRED COUNT IS WRONG <<< (0 counted, 1 in the page table)',
    ]);
  });

  it('a list that has lost an entry which the tree still has', () => {
    const { system, map } = smallProcess();
    const first = map.header.next;
    map.header.next = first.next;
    first.next.prev = map.header;
    expect(problems(system, { kind: 'map', id: 1 })).toContain('map 1: ENTRY COUNT IS WRONG (3 counted, 2 on the list)');
  });
});

describe('show object finds', () => {
  it('a reference that nobody holds', () => {
    const { system, vnode } = smallProcess();
    vnode.references++;
    expect(lines(system, { kind: 'object', id: 1 })).toEqual([
      'OBJECT object 1: locked=0, pgops=uvm_vnodeops, npages=3, refs=4',
      '  >>> REFERENCE COUNT IS WRONG <<< (4 counted, 3 found)',
    ]);
  });

  it('pages that belong to another, stand elsewhere, or do not know that they are listed', () => {
    const { system, vnode } = smallProcess();
    const { pages } = system.uvm;
    const [first, second, third] = [0, 1, 2].map((index) => vnode.lookup(asOffset(index * 4096)));
    if (first === undefined || second === undefined || third === undefined) throw new Error('three pages are in memory');
    pages.setOwner(first, null, null, asOffset(0));
    pages.setOwner(second, vnode, null, asOffset(0x5000));
    pages.clearFlags(third, PG_TABLED);
    expect(marks(system, { kind: 'object', id: 1, full: true })).toEqual([
      `  >>> page ${first}: PAGE BELONGS TO ANOTHER <<< (nobody)`,
      `  >>> page ${second}: PAGE HAS ANOTHER OFFSET <<< (0x5000, listed at 0x1000)`,
      `  >>> page ${third}: PAGE IS NOT MARKED AS TABLED <<<`,
    ]);
  });
});

describe('the dump of an amap finds', () => {
  it('references, slots and back pointers that are wrong', () => {
    const { system, map } = smallProcess();
    const amap = map.header.next.amap;
    if (amap === null) throw new Error('the entry has an amap');
    amap.references = 5;
    amap.slots = 1;
    amap.maxSlots = 0;
    amap.backPointer[0] = 1;
    amap.anons[1] = undefined;
    expect(marks(system, { kind: 'amap', id: 1 })).toEqual([
      '  >>> REFERENCE COUNT IS WRONG <<< (5 counted, 2 found)',
      '  >>> MORE SLOTS THAN ROOM <<< (1 slots, room for 0)',
      '  >>> slot 0: BACK POINTER IS WRONG <<< (1, listed at 0)',
      '  >>> slot 1: SLOT IS BEHIND THE LAST <<< (slots 1)',
      '  >>> slot 1: SLOT IS EMPTY <<<',
    ]);
  });

  it('anons under another lock, without references, or without their page', () => {
    const { system, map } = smallProcess();
    const amap = map.header.next.amap;
    const [first, second] = [amap?.at(0), amap?.at(1)];
    if (!first || !second) throw new Error('both slots are in use');
    first.lock = null;
    first.references = 0;
    second.page = FILE_PAGE;
    expect(problems(system, { kind: 'amap', id: 1 })).toEqual([
      'slot 0: ANON HAS ANOTHER LOCK (anon 1)',
      'slot 0: ANON HAS NO REFERENCE (anon 1)',
      'slot 1: PAGE DOES NOT POINT TO ITS ANON (anon 2, page 2)',
    ]);
  });
});

describe('the counters', () => {
  it('are counted again, in both views of them', () => {
    const { system } = smallProcess();
    system.uvm.uvmexp.wired = 0;
    system.uvm.pages.clearPqflags(FILE_PAGE, PQ_ACTIVE);
    const expected = ['active: COUNTER IS WRONG (4 counted, 3 found)', 'wired: COUNTER IS WRONG (0 counted, 1 found)'];
    expect(problems(system, { kind: 'uvmexp' })).toEqual(expected);
    expect(problems(system, { kind: 'vmstat' })).toEqual(expected);
    const marked = [
      '  >>> active: COUNTER IS WRONG <<< (4 counted, 3 found)',
      '  >>> wired: COUNTER IS WRONG <<< (0 counted, 1 found)',
    ];
    expect(marks(system, { kind: 'uvmexp' })).toEqual(marked);
    expect(marks(system, { kind: 'vmstat' })).toEqual(marked);
  });
});
