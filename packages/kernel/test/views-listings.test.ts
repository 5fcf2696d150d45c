/** Counters, the memory of processes, processes and threads, locks: what tools print, and its data. What asks for nothing that is there. */
import { describe, expect, it } from 'vitest';
import {
  asVa,
  type NetbsdSystem,
  PROT_NONE,
  type Process,
  RamFile,
  RLIM_INFINITY,
  type User,
  VIEW_KINDS,
  type ViewRequest,
  view,
} from '../src/index.js';
import { act, boot, childOf } from './harness.js';
import { lines, see, smallProcess, TOUCHED } from './view-support.js';

describe('show uvmexp', () => {
  it('prints the groups of counters, without what this kernel does not count', () => {
    expect(lines(smallProcess().system, { kind: 'uvmexp' })).toEqual([
      'Current UVM status:',
      '  pagesize=4096 (0x1000), pagemask=0xfff, pageshift=12, ncolors=1',
      '  256 VM pages: 4 active, 0 inactive, 1 wired, 251 free',
      '  pages  2 anon, 3 file, 0 exec',
      '  freemin=16, free-target=21, wired-max=85',
      '  faults=3',
      '  fault counts:',
      '    noram=0, noanon=0, pgwait=0, pgrele=0',
      '    ok relocks(total)=1(1), anget(retrys)=0(0), amapcopy=0',
      '    neighbor anon/obj pg=0/0, gets(lock/unlock)=1/1',
      '    cases: anon=0, anoncow=0, obj=1, prcopy=0, przero=2',
      '  daemon and swap counts:',
      '    woke=0, revs=0, scans=0, obscans=0, anscans=0',
      '    busy=0, freed=0, reactivate=0, deactivate=0',
      '    pageouts=0, pending=0, nswget=0',
      '    nswapdev=0, swpgavail=0',
      '    swpages=0, swpginuse=0, swpgonly=0, paging=0',
    ]);
  });

  it('has all counters as data, under the names of struct uvmexp', () => {
    const { system } = smallProcess();
    const { data } = see(system, { kind: 'uvmexp' }) as { data: { uvmexp: Record<string, number> } };
    expect(data.uvmexp).toEqual({ pagesize: 4096, pagemask: 4095, pageshift: 12, ncolors: 1, ...system.vm.statistics() });
    expect(data.uvmexp).toMatchObject({ npages: 256, wired: 1, flt_przero: 2, fltwire: 1, mlk_call: 8 });
  });
});

describe('vmstat -s', () => {
  it('prints a counter a line, the number first', () => {
    const counters = lines(smallProcess().system, { kind: 'vmstat' });
    expect(counters.slice(0, 16)).toEqual([
      '     4096 bytes per page',
      '        1 page color',
      '      256 pages managed',
      '      251 pages free',
      '        4 pages active',
      '        0 pages inactive',
      '        0 pages paging',
      '        1 pages wired',
      '        1 reserve pagedaemon pages',
      '        5 reserve kernel pages',
      '        2 anonymous pages',
      '        3 cached file pages',
      '        0 cached executable pages',
      '       16 minimum free pages',
      '       21 target free pages',
      '       85 maximum wired pages',
    ]);
    expect(counters).toContain('        1 faults relock (1 ok)');
    expect(counters).toContain('        2 promote zero fill faults');
    expect(counters.at(-1)).toBe('        0 pages deactivated');
  });

  it('prints the events of maps behind them when it is full', () => {
    const counters = lines(smallProcess().system, { kind: 'vmstat', full: true });
    expect(counters.slice(-9)).toEqual([
      'event                                         total     rate type',
      'uvmmap ubackmerge                                 0        0 misc',
      'uvmmap uforwmerge                                 0        0 misc',
      'uvmmap ubimerge                                   0        0 misc',
      'uvmmap unomerge                                   2        2 misc',
      'uvmmap map_call                                   2        2 misc',
      'uvmmap mlk_call                                   8        8 misc',
      'uvmmap mlk_hint                                   2        2 misc',
      'uvmmap mlk_tree                                   6        6 misc',
    ]);
  });

  it('counts a vfork as a fork that blocks its parent and shares its memory', () => {
    const { system, process } = smallProcess();
    act(system, process, function* (user) {
      yield* user.vfork(function* (child) {
        yield* child.store32(TOUCHED, 3);
        child.exit(0);
      });
    });
    act(system, process, (user) => user.fork());
    expect(lines(system, { kind: 'vmstat' }).filter((line) => line.includes('forks'))).toEqual([
      '        2 forks total',
      '        1 forks blocked parent',
      '        1 forks shared address space with parent',
    ]);
  });
});

/**
 * A process of an image, with a break and a stack.
 *
 *     0x400000         0x600000   0x601000        …  stack
 *       | text, r-x    | data, rw- | bss = heap, rw- |
 *       |       file /bin/cat      |                 |
 */
function catProcess(): { system: NetbsdSystem; process: Process } {
  const system = boot();
  system.sys.vfs.add('/bin/cat', new RamFile('cat', new Uint8Array(5 * 4096).fill(7)));
  const text = { at: asVa(0x400000), size: 4 * 4096, file: { path: '/bin/cat', offset: 0 } };
  const data = { at: asVa(0x600000), size: 4096, file: { path: '/bin/cat', offset: 4 * 4096 } };
  const process = system.spawn('cat', { image: { name: 'cat', text, data, bss: 2 * 4096 } });
  act(system, process, function* (user) {
    yield* user.load32(0x400000);
    yield* user.store32(0x600000, 1);
    yield* user.store32(0x601000, 1);
  });
  return { system, process };
}

describe('pmap(1)', () => {
  it('lists address, size, rights and name, and sums up what can be used', () => {
    expect(lines(catProcess().system, { kind: 'pmap', pid: 1 })).toEqual([
      '0000000000400000     16K read/exec         /bin/cat',
      '0000000000600000      4K read/write        /bin/cat',
      '0000000000601000      8K read/write          [ heap ]',
      '00007F7FF7FFF000 126976K                     [ stack ]',
      '00007F7FFFBFF000   4096K read/write          [ stack ]',
      ' total             4124K',
    ]);
  });

  it('lists all there is to know of a mapping when it is full, as pmap -a', () => {
    expect(lines(smallProcess().system, { kind: 'pmap', pid: 1, full: true })).toEqual([
      'Start            End                 Size  Offset           rwxpc  RWX  I/W/A Dev     Inode - File',
      '0000000000010000-0000000000010fff       4k 0000000000000000 rw-p- (rwx) 1/1/0 00:00       0 -   [ anon ]',
      '0000000000011000-0000000000011fff       4k 0000000000000000 rw-p- (rwx) 1/0/0 00:00       0 -   [ anon ]',
      '0000000000014000-0000000000016fff      12k 0000000000000000 rw-s- (rwx) 0/0/0 00:00       1 - /data [object 1]',
      ' total                                 20k',
    ]);
  });

  it('knows as data how many pages of a mapping are resident, and how many are its own', () => {
    expect(see(catProcess().system, { kind: 'pmap', pid: 1 }).data).toMatchObject({
      pid: 1,
      process: 'cat',
      space: 'vmspace 1',
      total: 4124 * 1024,
      residentPages: 3,
      mappings: [
        {
          name: '/bin/cat',
          residentPages: 1,
          anonymousPages: 0,
          object: { id: 1, kind: 'vnode', label: 'cat' },
          needsCopy: true,
        },
        { name: '/bin/cat', residentPages: 1, anonymousPages: 1, offset: 0x4000, needsCopy: false },
        { name: '[ heap ]', residentPages: 1, anonymousPages: 1, object: null },
        { name: '[ stack ]', residentPages: 0, anonymousPages: 0, protection: PROT_NONE },
        { name: '[ stack ]', residentPages: 0, anonymousPages: 0 },
      ],
    });
  });

  it('heads each process with its number when none is named, and leaves out those without memory', () => {
    const { system, process } = smallProcess();
    act(system, process, function* (user) {
      yield* user.fork(function* (child) {
        yield* child.load32(TOUCHED);
        child.exit(0);
      });
    });
    act(system, process, (user) => user.fork());
    expect(lines(system, { kind: 'pmap' }).filter((line) => line.startsWith('process'))).toEqual(['process 1:', 'process 3:']);
    expect(see(system, { kind: 'pmap' }).data).toMatchObject([{ pid: 1 }, { pid: 3 }]);
  });

  it('calls a file that has lost its name what its store is called', () => {
    const { system, process } = smallProcess();
    act(system, process, (user) => user.unlink('/data'));
    expect(lines(system, { kind: 'pmap', pid: 1 })[2]).toBe('0000000000014000     12K read/write        data');
  });
});

describe('/proc/PID/maps', () => {
  it('has the columns that programs of Linux read', () => {
    expect(lines(catProcess().system, { kind: 'maps', pid: 1 })).toEqual([
      '0000000000400000-0000000000404000 r-xp 0000000000000000 00:00 1                                  /bin/cat',
      '0000000000600000-0000000000601000 rw-p 0000000000004000 00:00 1                                  /bin/cat',
      '0000000000601000-0000000000603000 rw-p 0000000000000000 00:00 0',
      '00007f7ff7fff000-00007f7fffbff000 ---p 0000000000000000 00:00 0',
      '00007f7fffbff000-00007f7ffffff000 rw-p 0000000000000000 00:00 0',
    ]);
  });

  it('tells private from shared mappings', () => {
    expect(lines(smallProcess().system, { kind: 'maps', pid: 1 })[2]).toMatch(
      /^0000000000014000-0000000000017000 rw-s .* \/data$/,
    );
  });
});

/** Process 1 waits for its child, process 2, which reads a pipe that is empty; process 3 looks on, and then writes to the pipe. */
function watched(request: ViewRequest): string[] {
  const { system, process } = smallProcess();
  let seen: string[] = [];
  act(system, process, function* (user) {
    const pipe = yield* user.pipe();
    if (typeof pipe === 'number') throw new Error('there is no pipe');
    yield* user.fork((child) => readOne(child, pipe.read));
    yield* user.fork(function* (child) {
      seen = lines(system, request);
      yield* child.write(pipe.write, TOUCHED, 1);
    });
    yield* user.wait(2);
  });
  expect(childOf(system, 3).zombie).toBe(true);
  return seen;
}

function* readOne(user: User, fd: number) {
  yield* user.read(fd, TOUCHED, 1);
}

describe('ps', () => {
  it('lists the threads of each process, what state they are in, and why they wait', () => {
    expect(watched({ kind: 'ps' })).toEqual([
      'PID    LID S CPU     FLAGS       STRUCT LWP *               NAME WAIT',
      '0        1 8   0       200            lwp 0.1             system',
      '1        1 3   0        80            lwp 1.1              small wait',
      '2        1 3   0        80            lwp 2.1              small piperd',
      '3    >   1 7   0         0            lwp 3.1              small',
    ]);
  });

  it('says when it is full what a thread waits for, which call it is in, and the last label it passed', () => {
    expect(watched({ kind: 'ps', full: true }).slice(2, 4)).toEqual([
      '1        1 3   0        80            lwp 1.1              small wait     children of process 1 wait4      wait4',
      '2        1 3   0        80            lwp 2.1              small piperd   pipe 1             read       read',
    ]);
  });

  it('shows a process that has ended until its parent has asked', () => {
    const { system, process } = smallProcess();
    act(system, process, (user) => user.fork());
    system.perform(childOf(system, 2), (user) => user.exit(3));
    expect(lines(system, { kind: 'ps' }).slice(1)).toEqual([
      '0    >   1 7   0       200            lwp 0.1             system',
      '1        1 8   0         0            lwp 1.1              small',
      '2        - 5   -         0                0x0              small',
    ]);
    expect(see(system, { kind: 'ps' }).data).toMatchObject([
      { pid: 0, name: 'system', parent: null },
      { pid: 1, zombie: false, uid: 1000, lwps: [{ lid: 1, stat: 8, call: null, wait: null, channel: null, locks: [] }] },
      { pid: 2, parent: 1, zombie: true, lwps: [] },
    ]);
  });

  it('shows the processes at the moment of a panic, and the thread that met it', () => {
    const { system, process } = smallProcess();
    expect(() =>
      act(system, process, function* () {
        yield* system.uvm.pageqLock.enter();
        system.kern.panic('test');
      }),
    ).toThrow('test');
    expect(lines(system, { kind: 'ps' })[2]).toBe('1    >   1 7   0         0            lwp 1.1              small');
    expect(see(system, { kind: 'ps' }).data).toMatchObject([{}, { lwps: [{ locks: ['uvm_pageqlock'] }] }]);
    expect(lines(system, { kind: 'locks' })).toContain('lock address :      uvm_pageqlock type     :     sleep/adaptive');
  });
});

describe('a view', () => {
  it('of each kind is described in one line, and can be had brief and full as text and as data', () => {
    const { system } = smallProcess();
    for (const { kind, description } of VIEW_KINDS) {
      expect(description).not.toContain('\n');
      for (const full of [false, true]) expect(see(system, { kind, full }).text).not.toMatch(/undefined|NaN|\n$/);
    }
  });

  it('of data has no infinite number, though limits are infinite', () => {
    const { system, process } = smallProcess();
    expect(process.limits.soft(10)).toBe(RLIM_INFINITY);
    for (const { kind } of VIEW_KINDS) expect(JSON.stringify(view(system, { kind, full: true }).data)).not.toContain('null,null');
  });

  it.each([
    [{ kind: 'map', id: 9 }, 'there is no map 9; there are map 1 and 3'],
    [{ kind: 'object', id: 0 }, 'there is no object 0; there is object 1'],
    [{ kind: 'amap', id: 4 }, 'there is no amap 4; there are amap 1 and 3'],
    [{ kind: 'page', page: 256 }, 'there is no page 256; pages are numbered from 0 to 255'],
    [{ kind: 'page', page: 0.5 }, 'there is no page 0.5; pages are numbered from 0 to 255'],
    [{ kind: 'pmap', pid: 7 }, 'there is no process 7; there are process 1, 2 and 3'],
    [{ kind: 'maps', pid: 2 }, 'process 2 (small) has ended, and has no memory any more'],
    [{ kind: 'map', pid: 2 }, 'process 2 (small) has ended, and has no memory any more'],
    [{ kind: 'uvmexp', id: 1 }, 'the view "uvmexp" takes no id: it shows the whole system'],
    [{ kind: 'map', page: 1 }, 'the view "map" takes no page: it takes id or pid'],
    [
      { kind: 'swaps' as 'map' },
      'there is no view "swaps"; there are map, object, amap, page, uvmexp, vmstat, swap, pmap, maps, ps, locks',
    ],
  ] as const)('of %o is refused, and says what there is', (request, message) => {
    const { system, process } = smallProcess();
    act(system, process, (user) => user.fork());
    act(system, process, (user) => user.fork());
    system.perform(childOf(system, 2), (user) => user.exit(0));
    expect(() => view(system, request)).toThrow(message);
  });

  it('that is refused names no more than twenty things', () => {
    const system = boot();
    for (let i = 0; i < 23; i++) system.spawn(`p${i}`);
    expect(() => view(system, { kind: 'pmap', pid: 99 })).toThrow(/there are process 1, .*, 20 and 3 more$/);
  });

  it('of things of which there is none says so, or shows nothing', () => {
    const system = boot();
    expect(() => view(system, { kind: 'map', id: 1 })).toThrow('there is no map 1; there is none');
    expect(view(system, { kind: 'map' })).toEqual({ text: '', data: [] });
  });
});
