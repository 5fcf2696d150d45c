/** `show map`, `show object`, `show page` and the dump of an amap: their text to the letter, and their data. */
import { describe, expect, it } from 'vitest';
import {
  asOffset,
  asPfn,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
  StateText,
  VIEW_KINDS,
  view,
} from '../src/index.js';
import { NO_PAGE } from '../src/uvm/page/page-array.js';
import { showEntry } from '../src/uvm/show/show-map.js';
import { showPage } from '../src/uvm/show/show-page.js';
import { act, boot } from './harness.js';
import { FILE, lines, problems, see, smallProcess, TOUCHED, WIRED } from './view-support.js';

describe('show map', () => {
  it('is three lines when it is brief', () => {
    expect(lines(smallProcess().system, { kind: 'map', id: 1 })).toEqual([
      'MAP map 1: [0x1000->0x7f7ffffff000]',
      '\t#ent=3, sz=20480, ref=1, version=3, flags=0x41',
      '\tpmap=pmap 1(resident=3, wired=1)',
    ]);
  });

  it('has two lines more for each entry when it is full', () => {
    expect(lines(smallProcess().system, { kind: 'map', pid: 1, full: true }).slice(3)).toEqual([
      ' - entry 1: 0x10000->0x11000: obj=0x0/0x0, amap=amap 1/0',
      '\tsubmap=F, cow=T, nc=F, prot(max)=3/7, inh=1, wc=1, adv=0',
      ' - entry 3: 0x11000->0x12000: obj=0x0/0x0, amap=amap 1/1',
      '\tsubmap=F, cow=T, nc=F, prot(max)=3/7, inh=1, wc=0, adv=0',
      ' - entry 2: 0x14000->0x17000: obj=object 1/0x0, amap=0x0/0',
      '\tsubmap=F, cow=F, nc=F, prot(max)=3/7, inh=0, wc=0, adv=0',
    ]);
  });

  it('marks the entry behind which the first room is', () => {
    // 0x1000   0x3000
    //   |  anon  |  room
    const system = boot();
    const process = system.spawn('low');
    act(system, process, (user) => user.mmap(0x1000, 0x2000, PROT_READ, MAP_ANON | MAP_PRIVATE | MAP_FIXED));
    expect(lines(system, { kind: 'map', id: 1, full: true }).slice(3)).toEqual([
      ' - entry 1: 0x1000->0x3000: obj=0x0/0x0, amap=0x0/0',
      '\tsubmap=F, cow=T, nc=T, prot(max)=1/7, inh=1, wc=0, adv=0 (first_free)',
    ]);
  });

  it('has the same values as data, and entries only when it is full', () => {
    const { system } = smallProcess();
    expect(see(system, { kind: 'map', id: 1 }).data).toEqual({
      name: 'map 1',
      min: 0x1000,
      max: 0x7f7ffffff000,
      entryCount: 3,
      size: 20480,
      references: 1,
      timestamp: 3,
      flags: 0x41,
      pmap: { name: 'pmap 1', residentCount: 3, wiredCount: 1 },
      lock: 'free',
      busy: null,
      entries: null,
      problems: [],
    });
    expect(see(system, { kind: 'map', id: 1, full: true }).data).toMatchObject({
      entries: [
        { name: 'entry 1', start: WIRED, end: TOUCHED, amap: 'amap 1', amapOffset: 0, wiredCount: 1, object: null },
        { name: 'entry 3', start: TOUCHED, amap: 'amap 1', amapOffset: 1, copyOnWrite: true, needsCopy: false },
        {
          name: 'entry 2',
          start: FILE,
          object: 'object 1',
          offset: 0,
          amap: null,
          inheritance: 0,
          protection: 3,
          maxProtection: 7,
        },
      ],
    });
  });

  it('shows all maps when none is named', () => {
    const { system, process } = smallProcess();
    act(system, process, (user) => user.fork());
    expect(lines(system, { kind: 'map' }).filter((line) => line.startsWith('MAP'))).toEqual([
      'MAP map 1: [0x1000->0x7f7ffffff000]',
      'MAP map 2: [0x1000->0x7f7ffffff000]',
    ]);
    expect(see(system, { kind: 'map' }).data).toMatchObject([{ name: 'map 1' }, { name: 'map 2' }]);
  });

  it('gives reports of broken invariants the two lines of an entry', () => {
    expect(showEntry(smallProcess().map.header.next).split('\n')).toEqual([
      ' - entry 1: 0x10000->0x11000: obj=0x0/0x0, amap=amap 1/0',
      '\tsubmap=F, cow=T, nc=F, prot(max)=3/7, inh=1, wc=1, adv=0',
    ]);
  });
});

describe('show object', () => {
  it('is one line when it is brief', () => {
    expect(lines(smallProcess().system, { kind: 'object', id: 1 })).toEqual([
      'OBJECT object 1: locked=0, pgops=uvm_vnodeops, npages=3, refs=3',
    ]);
  });

  it('says which file it is and lists its pages, three a line, when it is full', () => {
    const { system, process, vnode } = smallProcess();
    act(system, process, function* (user) {
      yield* user.ftruncate(0, 4 * 4096);
      yield* user.pwrite(0, TOUCHED, 4096, 3 * 4096);
    });
    const pages = [0, 1, 2, 3].map((index) => `<page ${vnode.lookup(asOffset(index * 4096))},0x${(index * 4096).toString(16)}>`);
    expect(lines(system, { kind: 'object', id: 1, full: true })).toEqual([
      'OBJECT object 1: locked=0, pgops=uvm_vnodeops, npages=4, refs=3',
      '  vnode data, size=16384, mapped by 1, held by 2',
      '  PAGES <pg,offset>:',
      `  ${pages.slice(0, 3).join(' ')}`,
      `  ${pages[3]}`,
    ]);
  });

  it('has the same values as data', () => {
    expect(see(smallProcess().system, { kind: 'object', id: 1, full: true }).data).toEqual({
      name: 'object 1',
      label: 'data',
      pager: 'vnode',
      locked: false,
      pageCount: 3,
      references: 3,
      size: 3 * 4096,
      entries: ['entry 2 of map 1'],
      holders: 2,
      pages: [
        { name: 'page 2', offset: 0 },
        { name: 'page 3', offset: 0x1000 },
        { name: 'page 4', offset: 0x2000 },
      ],
      problems: [],
    });
  });
});

describe('show page', () => {
  it('is four lines when it is brief, as reports of broken invariants have them', () => {
    const { system } = smallProcess();
    const brief = [
      'PAGE page 2:',
      '  flags=0xc<TABLED,CLEAN>, pqflags=0x100<ACTIVE>, wire_count=0, pa=0x2000',
      '  uobject=object 1, uanon=0x0, offset=0x0 loan_count=0',
      '  page not busy, no owner',
    ];
    expect(lines(system, { kind: 'page', page: 2 })).toEqual(brief);
    expect(showPage(system.uvm, asPfn(2)).split('\n')).toEqual(brief);
  });

  it('asks the object and the queue of a page whether they know it, and lists its mappings, when it is full', () => {
    expect(lines(smallProcess().system, { kind: 'page', page: 2, full: true }).slice(4)).toEqual([
      '  checking object list',
      '  page found on object list',
      '  checking pageq list',
      '  page found on pageq list',
      '  mapped by pmap 1 at 0x14000 r--',
    ]);
  });

  it('asks the anon of a page, and shows a wired page on no queue', () => {
    expect(lines(smallProcess().system, { kind: 'page', page: 0, full: true })).toEqual([
      'PAGE page 0:',
      '  flags=0, pqflags=0x2<ANON>, wire_count=1, pa=0x0',
      '  uobject=0x0, uanon=anon 1, offset=0x0 loan_count=0',
      '  page not busy, no owner',
      '  anon backpointer is OK',
      '  mapped by pmap 1 at 0x10000 rw- wired',
    ]);
  });

  it('asks the free list for a free page, which has no owner to ask', () => {
    expect(lines(smallProcess().system, { kind: 'page', page: 255, full: true })).toEqual([
      'PAGE page 255:',
      '  flags=0, pqflags=0x1<FREE>, wire_count=0, pa=0xff000',
      '  uobject=0x0, uanon=0x0, offset=0x0 loan_count=0',
      '  page not busy, no owner',
      '  checking pageq list',
      '  page found on pageq list',
    ]);
  });

  it('names the thread that has a page busy, and where it took it', () => {
    const { system } = smallProcess();
    system.uvm.busyOwners.set(asPfn(2), { lwp: '0.1', tag: 'uvn_findpage' });
    expect(lines(system, { kind: 'page', page: 2 })[3]).toBe('  owning process = 0.1, tag=uvn_findpage');
  });

  it('says that nobody notes owners on a kernel without DIAGNOSTIC', () => {
    expect(lines(boot({ diagnostic: false }), { kind: 'page', page: 0 })[3]).toBe('  [page ownership tracking disabled]');
  });

  it('has the same values as data', () => {
    expect(see(smallProcess().system, { kind: 'page', page: 0, full: true }).data).toEqual({
      name: 'page 0',
      flags: 0,
      flagNames: [],
      pqflags: 2,
      pqflagNames: ['ANON'],
      wireCount: 1,
      loanCount: 0,
      pa: 0,
      object: null,
      anon: 'anon 1',
      offset: 0,
      busyBy: null,
      tracked: true,
      checked: { owner: 'anon', queue: null },
      mappings: [{ pmap: 'pmap 1', va: WIRED, protection: 3, wired: true }],
      problems: [],
    });
  });

  it('lists the pages in use as a table when none is named, and all pages when that is full', () => {
    const { system } = smallProcess();
    expect(lines(system, { kind: 'page' })).toEqual([
      '              PAGE FLAG   PQ            UOBJECT              UANON OWNER',
      '            page 0 0000 0002                0x0             anon 1',
      '            page 1 0000 0102                0x0             anon 2',
      '            page 2 000c 0100           object 1                0x0',
      '            page 3 000c 0100           object 1                0x0',
      '            page 4 000c 0100           object 1                0x0',
    ]);
    expect(lines(system, { kind: 'page', full: true })).toHaveLength(257);
  });
});

describe('an amap', () => {
  it('is two lines when it is brief, and a table of slots when it is full', () => {
    const head = ['  amap amap 1 = { am_ref = 2, am_flags = 0,', '      am_maxslot = 4, am_nslot = 2, am_nused = 2 }'];
    const { system } = smallProcess();
    expect(lines(system, { kind: 'amap', id: 1 })).toEqual(head);
    expect(lines(system, { kind: 'amap', id: 1, full: true })).toEqual([
      ...head,
      ' page# am_bckptr  am_slots  am_ppref                    am_anon',
      '     0         0         0        -2  (   2 @    1)      anon 1 = { an_ref = 1, an_page = page 0 }',
      '     1         1         1         -                     anon 2 = { an_ref = 1, an_page = page 1 }',
    ]);
  });

  it('leaves out slots that hold nothing and say nothing, and the column of references while all cover all slots', () => {
    // slot 0                                           slot 99
    //   |  never touched                    | touched |
    const system = boot();
    const process = system.spawn('sparse');
    act(system, process, function* (user) {
      yield* user.mmap(0x100000, 100 * 4096, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.store32(0x100000 + 99 * 4096, 1);
    });
    expect(lines(system, { kind: 'amap', id: 1, full: true }).slice(2)).toEqual([
      ' page# am_bckptr  am_slots     am_anon',
      '     0         -        63         0x0 = { }',
      '    63         0         -      anon 1 = { an_ref = 1, an_page = page 0 }',
    ]);
  });

  it('has the same values as data', () => {
    expect(see(smallProcess().system, { kind: 'amap', id: 1, full: true }).data).toEqual({
      name: 'amap 1',
      references: 2,
      flags: 0,
      flagNames: [],
      maxSlots: 4,
      slotCount: 2,
      usedCount: 2,
      entries: ['entry 1 of map 1', 'entry 3 of map 1'],
      partial: [{ slots: 2, references: 1 }],
      used: [
        { slot: 0, backPointer: 0, anon: 'anon 1', references: 1, page: 'page 0', swapSlot: 0 },
        { slot: 1, backPointer: 1, anon: 'anon 2', references: 1, page: 'page 1', swapSlot: 0 },
      ],
      problems: [],
    });
  });

  it('tells of an anon whose page is not in memory', () => {
    const { system, map } = smallProcess();
    const anon = map.header.next.amap?.at(0);
    if (anon) anon.page = NO_PAGE;
    expect(lines(system, { kind: 'amap', id: 1, full: true })[3]).toContain('anon 1 = { an_ref = 1, an_page = 0x0 }');
    if (anon) anon.swapSlot = 7;
    expect(lines(system, { kind: 'amap', id: 1, full: true })[3]).toContain('{ an_ref = 1, an_page = 0x0, an_swslot = 7 }');
  });
});

describe('all views', () => {
  it('change nothing: neither the state of the system nor a counter', () => {
    const { system } = smallProcess();
    const told = (): unknown => {
      const writer = new StateText();
      system.writeState(writer);
      return [writer.lines, { ...system.uvm.uvmexp }, system.kern.scheduler.steps, system.kern.console.length];
    };
    const before = told();
    for (const { kind } of VIEW_KINDS) for (const full of [false, true]) view(system, { kind, full });
    expect(told()).toEqual(before);
  });

  it('print the same in each run', () => {
    const all = (): string[] => {
      const { system } = smallProcess();
      return VIEW_KINDS.flatMap(({ kind }) => [view(system, { kind }).text, view(system, { kind, full: true }).text]);
    };
    expect(all()).toEqual(all());
  });

  it('find nothing wrong with a system that is sound', () => {
    const { system, process } = smallProcess();
    act(system, process, (user) => user.fork());
    for (let page = 0; page < 256; page++) expect(problems(system, { kind: 'page', page })).toEqual([]);
    for (const request of [
      { kind: 'map', id: 1 },
      { kind: 'map', id: 2 },
      { kind: 'object', id: 1 },
      { kind: 'amap', id: 1 },
      { kind: 'uvmexp' },
    ] as const) {
      expect(problems(system, request)).toEqual([]);
    }
  });
});
