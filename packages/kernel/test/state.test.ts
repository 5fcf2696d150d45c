/** Decision D11: everything that can change what happens later is told, and nothing else. */
import { describe, expect, it } from 'vitest';
import { PAGE_SIZE, type Va } from '../src/machine/address.js';
import { type PageList, PQ_ACTIVE } from '../src/uvm/page/page-array.js';
import { UVMEXP_STATE, type UvmexpField } from '../src/uvm/uvmexp.js';
import { queueOf } from './queues.js';
import { type Change, eachField, expectNotTold, expectTold, other, Subject } from './state-subject.js';

const PAGE = PAGE_SIZE;

/** Makes the first page of a list the last. */
function rotate(list: PageList): void {
  const { head } = list;
  list.remove(head);
  list.insertTail(head);
}

/** The first slot that is in use. */
function slotOf({ swapDevice }: Subject): number {
  return swapDevice.takenSlots()[0] as number;
}

describe('told is each plain field', () => {
  const structures: readonly (readonly [name: string, of: (subject: Subject) => object, but: readonly string[]])[] = [
    ['map entry', ({ entry }) => entry, ['id', 'leaf']],
    ['map', ({ map }) => map, ['id', 'lookedUp', 'timestamp']],
    ['space', ({ space }) => space, ['id']],
    ['amap', ({ amap }) => amap, ['id']],
    ['anon', ({ anon }) => anon, ['id']],
    ['vnode', ({ vnode }) => vnode, ['id', 'pagerName', 'dirtyGeneration']],
    ['swap device', ({ swapDevice }) => swapDevice, ['$lowest']],
    ['way in which a file is read', ({ vnode }) => vnode.raContext, []],
    ['window', ({ window }) => window, ['advice']],
    ['pmap', ({ space }) => space.pmap, ['id']],
    ['page daemon', ({ system }) => system.uvm.pagedaemon, []],
    ['settings of the page policy', ({ system }) => system.uvm.policy.settings, []],
    ['process', ({ process }) => process, ['pid', 'name']],
    ['layout', ({ process }) => process.layout, []],
    ['open file', ({ file }) => file, []],
    ['thread with a job', ({ parked }) => parked, ['id', 'transient', 'waitMessage', 'deadline', 'interruptible', 'sleepResult']],
  ];
  for (const [name, of, but] of structures) {
    for (const change of eachField(name, of, { but })) it(change[0], () => expectTold(change));
  }

  it('of the counters those that decide something, and not those that only count', () => {
    const told = (field: UvmexpField): boolean => {
      const subject = new Subject();
      const before = subject.digest;
      subject.system.uvm.uvmexp[field]++;
      return subject.digest !== before;
    };
    const fields = Object.keys(new Subject().system.uvm.uvmexp) as UvmexpField[];
    expect(fields.filter(told)).toEqual(UVMEXP_STATE);
  });
});

describe('told is of memory', () => {
  const pageOf = (subject: Subject) => subject.anon.page;
  const changes: Change[] = [
    ['a byte of a page', (s) => s.system.machine.ram.page(pageOf(s)).fill(9, 100, 101)],
    ['the flags of a page', (s) => s.system.uvm.pages.setFlags(pageOf(s), 0x10)],
    ['the queue flags of a page', (s) => s.system.uvm.pages.clearPqflags(pageOf(s), PQ_ACTIVE)],
    ['a wire count', (s) => s.system.uvm.pages.setWireCount(pageOf(s), 1)],
    ['a loan count', (s) => s.system.uvm.pages.setLoanCount(pageOf(s), 1)],
    ['the owner of a page', (s) => s.system.uvm.pages.setOwner(pageOf(s), s.vnode, null, s.system.uvm.pages.offset(pageOf(s)))],
    ['who has a page busy', (s) => void s.system.uvm.busyOwners.set(pageOf(s), { lwp: '1.1', tag: 'test' })],
    ['the thread of the page daemon', (s) => Object.assign(s.system.uvm.pagedaemon, { lwp: s.lwp })],
    ['that a scan for victims is under way', (s) => s.system.uvm.policy.scanInit()],
    ['how many pages should be inactive', (s) => s.system.uvm.policy.tune()],
    ['the order of the active queue', (s) => rotate(queueOf(s.system.uvm, 'active'))],
    ['which amap an entry has', (s) => Object.assign(s.entry, { amap: null })],
    ['which object an entry has', (s) => Object.assign(s.entry, { object: s.vnode })],
    ['which object a window shows', (s) => Object.assign(s.window, { object: null })],
    ['which pages a window holds busy', (s) => s.window.busyPages.push(pageOf(s))],
    ['who takes a window for what', (s) => Object.assign(s.window, { references: 1, advice: 2 })],
    ['the order in which windows were used', (s) => s.system.uvm.ubc.dequeue(s.window)],
    ['the order in which slots were used', (s) => s.amap.used.reverse()],
    [
      'which anon is in a slot',
      (s) => Object.assign(s.amap.anons, { [s.amap.used[0] as number]: s.amap.at(s.amap.used[1] as number) }),
    ],
    ['the references of parts of an amap', (s) => s.amap.establishPartial(0).adjust(0, 1, 1)],
    ['which amaps have one lock', (s) => Object.assign(s.amap, { lock: s.vnode.lock })],
    ['that a hint leads out of the map', (s) => Object.assign(s.map, { hint: other(s.entry) })],
    ['where the lowest gap is', (s) => Object.assign(s.map, { firstFree: s.entry })],
    ['who has a map busy', (s) => Object.assign(s.map, { busy: s.lwp })],
    ['a byte of a file', (s) => s.vnode.store.write(5, new Uint8Array([1]))],
    ['the size of a file at rest', (s) => s.vnode.store.truncate(PAGE)],
    ['what is in a slot that is in use', (s) => s.swapDevice.write(slotOf(s), new Uint8Array(PAGE).fill(3))],
    ['which slots are in use', (s) => s.swapDevice.give(slotOf(s), 1)],
    ['which device is used next', (s) => s.system.uvm.swap.devices.reverse()],
    ['a page-table entry', (s) => s.space.pmap.table.set(1, 8)],
    ['a shootdown that is still to come', (s) => s.space.pmap.pending.push(4096 as Va)],
    ['the space of a processor', (s) => s.system.machine.cpus[0]?.activate(null)],
    [
      'a translation that a processor holds',
      (s) => s.system.machine.cpus[0]?.tlb.fill(PAGE as Va, pageOf(s), { writable: false }),
    ],
    ['that it is good for stores', (s) => s.system.machine.cpus[0]?.tlb.writeTag.fill(-1)],
    ['how many pages are free', (s) => s.system.uvm.freeList.remove(s.system.uvm.freeList.head)],
    ['the attributes of a free page', (s) => s.system.machine.reverseMap.setAttrs(s.system.uvm.freeList.head, 1)],
    ['a mapping of a page', (s) => s.system.machine.reverseMap.add(pageOf(s), s.space.pmap, PAGE as Va)],
  ];
  for (const change of changes) it(change[0], () => expectTold(change));
});

describe('told of the free list', () => {
  it('is when a page will be given out that a processor still knows', () => {
    const subjects = [new Subject(), new Subject()] as const;
    for (const { system } of subjects) {
      system.machine.cpus[0]?.tlb.fill(PAGE as Va, system.uvm.freeList.head, { writable: false });
    }
    expect(subjects[1].digest).toBe(subjects[0].digest);
    rotate(subjects[1].system.uvm.freeList);
    expect(subjects[1].digest).not.toBe(subjects[0].digest);
    expect(subjects[1].lines).not.toEqual(subjects[0].lines);
  });
});

describe('not told is', () => {
  const changes: Change[] = [
    ['the order of free pages of which one is as good as another', (s) => rotate(s.system.uvm.freeList)],
    [
      'how often a map was locked, when nobody remembers',
      (s) => {
        s.map.timestamp++;
      },
    ],
    [
      'how often a file was made dirty, when nobody remembers',
      (s) => {
        s.vnode.dirtyGeneration++;
      },
    ],
    [
      'where the hint of a map points within it',
      (s) => {
        s.map.hint = s.map.header;
      },
    ],
    ['what is in a free page', (s) => s.system.machine.ram.page(s.system.uvm.freeList.head).fill(1)],
    ['what is in a slot that is free', (s) => s.swapDevice.write(slotOf(s) + 2, new Uint8Array(PAGE).fill(3))],
    ['what was printed and logged', (s) => s.system.kern.printf('something')],
    [
      'what time it is',
      (s) => {
        s.system.kern.scheduler.tick += 100;
      },
    ],
    [
      'how many steps were taken',
      (s) => {
        s.system.kern.scheduler.steps += 100;
      },
    ],
    [
      'which numbers things will have',
      (s) => {
        s.system.uvm.nextAmapId += 5;
        s.system.sys.nextPipeId++;
      },
    ],
    [
      'why a thread slept last',
      (s) => {
        s.parked.waitMessage = 'biowait';
      },
    ],
  ];
  for (const change of changes) it(change[0], () => expectNotTold(change));

  it('except while a thread is in the kernel: how often a map was locked', () => {
    const inside = (timestamps: number): string => {
      const subject = new Subject();
      subject.system.kern.inside = 1;
      subject.map.timestamp += timestamps;
      return subject.digest;
    };
    expect(inside(0)).not.toBe(inside(1));
  });
});
