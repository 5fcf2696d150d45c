import { describe, expect, it } from 'vitest';
import { EIO, ENOSPC } from '../kern/errno.js';
import { StateHash } from '../kern/state.js';
import { MemoryDisk } from './disk.js';
import { blockDeviceProblems } from './disk-conformance.js';
import { FaultTable, FaultyDisk, FaultyStore, soundDisk, soundStore } from './faulty-store.js';
import { RamFile } from './file-store.js';
import { fileStoreProblems } from './file-store-conformance.js';
import { IO_KINDS, type IoFault, IoFaultPlan, type IoKind } from './io-faults.js';

/** What a plan says to the first operations of a kind: 0 for one that works, else its errno. */
function answers(faults: readonly IoFault[], kind: IoKind, count: number): number[] {
  const plan = new IoFaultPlan(faults);
  return Array.from({ length: count }, () => plan.next(kind)?.errno ?? 0);
}

function faulty(faults: readonly IoFault[], content = new Uint8Array(8192).fill(1)): { store: FaultyStore; inner: RamFile } {
  const inner = new RamFile('file', content);
  return { store: new FaultyStore(inner, new IoFaultPlan(faults)), inner };
}

describe('a plan of faults', () => {
  it('strikes the operations that it names, each kind counted by itself', () => {
    expect(answers([{ on: 'read', errno: EIO }], 'read', 3)).toEqual([EIO, 0, 0]);
    expect(answers([{ on: 'read', nth: 2, times: 2, errno: EIO }], 'read', 4)).toEqual([0, EIO, EIO, 0]);
    expect(answers([{ on: 'write', nth: 2, times: 'all', errno: ENOSPC }], 'write', 4)).toEqual([0, ENOSPC, ENOSPC, ENOSPC]);
    expect(answers([{ on: 'write', errno: ENOSPC }], 'read', 2)).toEqual([0, 0]);
    expect(
      answers(
        [
          { on: 'read', errno: EIO },
          { on: 'read', nth: 2, errno: ENOSPC },
        ],
        'read',
        3,
      ),
    ).toEqual([EIO, ENOSPC, 0]);
  });

  it('tells how long the next operation takes, which by itself does not make it fail', () => {
    const plan = new IoFaultPlan([
      { on: 'sync', nth: 2, delay: 30 },
      { on: 'sync', nth: 2, errno: EIO, delay: 5 },
    ]);
    expect(plan.delay('sync')).toBe(0);
    expect(plan.next('sync')).toBeNull();
    expect(plan.delay('sync')).toBe(35);
    expect(plan.next('sync')?.errno).toBe(EIO);
    const late = new IoFaultPlan([{ on: 'read', delay: 3 }]);
    expect(late.delay('read')).toBe(3);
    expect(late.next('read')).toBeNull();
  });

  it('tells what is still to come, and no more', () => {
    const digest = (plan: IoFaultPlan): string => {
      const hash = new StateHash();
      plan.writeState(hash);
      return hash.digest;
    };
    const plan = new IoFaultPlan([{ on: 'read', nth: 2, errno: EIO }]);
    const states = Array.from({ length: 5 }, () => {
      const now = digest(plan);
      plan.next('read');
      plan.next('write');
      return now;
    });
    expect(new Set(states.slice(0, 3)).size).toBe(3);
    expect(new Set(states.slice(2)).size, 'after the last fault all is the same').toBe(1);
  });

  const nonsense: [fault: IoFault, why: RegExp][] = [
    [{ on: 'read' }, /needs an errno, a number of bytes or a delay/],
    [{ on: 'sync', bytes: 3 }, /moves no bytes/],
    [{ on: 'read', nth: 0, errno: EIO }, /nth of a fault/],
    [{ on: 'read', times: 0, errno: EIO }, /times of a fault/],
    [{ on: 'read', delay: 0.5 }, /delay of a fault/],
    [{ on: 'read', bytes: -1 }, /bytes of a fault/],
    [{ on: 'read', errno: 0 }, /errno of a fault/],
    [{ on: 'melt' as IoKind, errno: EIO }, /a fault is on read, write/],
  ];
  it.each(nonsense)('refuses %o', (fault, why) => {
    expect(() => new IoFaultPlan([fault])).toThrow(why);
  });
});

describe('a file with faults', () => {
  it('answers the error and does nothing', () => {
    const { store, inner } = faulty(IO_KINDS.map((on) => ({ on, errno: EIO })));
    const into = new Uint8Array(3).fill(7);
    expect([
      store.read(0, into),
      store.write(0, Uint8Array.of(9)),
      store.truncate(10),
      store.allocate(0, 1),
      store.sync(),
    ]).toEqual(Array(5).fill(EIO));
    expect([...into]).toEqual([7, 7, 7]);
    expect(inner.size).toBe(8192);
    expect([
      store.read(0, into),
      store.write(1, Uint8Array.of(9)),
      store.truncate(3),
      store.allocate(0, 1),
      store.sync(),
    ]).toEqual(Array(5).fill(0));
    expect(store.read(0, into)).toBe(0);
    expect([...into]).toEqual([1, 9, 1]);
    expect(store).toMatchObject({ name: 'file', size: 3, writable: true });
    expect(store.isHole(4096)).toBe(true);
  });

  it('stops in the middle of a transfer', () => {
    const { store } = faulty([
      { on: 'read', bytes: 2 },
      { on: 'write', bytes: 2, errno: ENOSPC },
    ]);
    const into = new Uint8Array(4).fill(7);
    expect(store.read(0, into)).toBe(EIO);
    expect([...into]).toEqual([1, 1, 7, 7]);
    expect(store.write(0, Uint8Array.of(5, 5, 5))).toBe(ENOSPC);
    store.read(0, into);
    expect([...into]).toEqual([5, 5, 1, 1]);
  });
});

describe('a disk with faults', () => {
  it('moves whole blocks before it stops', () => {
    const disk = new FaultyDisk(
      new MemoryDisk('wd0', { blockCount: 8 }),
      new IoFaultPlan([
        { on: 'write', bytes: 1000 },
        { on: 'read', bytes: 513 },
        { on: 'sync', errno: EIO },
      ]),
    );
    expect(disk).toMatchObject({ name: 'wd0', blockSize: 512, blockCount: 8 });
    expect(disk.write(0, new Uint8Array(1024).fill(3))).toBe(EIO);
    const into = new Uint8Array(1024);
    expect(disk.read(0, into)).toBe(EIO);
    expect([into[0], into[511], into[512]]).toEqual([3, 3, 0]);
    expect(disk.read(0, into)).toBe(0);
    expect([into[511], into[512]]).toEqual([3, 0]);
    expect([disk.flush(), disk.flush()]).toEqual([EIO, 0]);
  });

  it('keeps what a disk has to keep, once there are no more faults', () => {
    expect(blockDeviceProblems(() => new FaultyDisk(new MemoryDisk('wd0', { blockCount: 64 }), new IoFaultPlan([])))).toEqual([]);
  });
});

it('keeps what a file has to keep, once there are no more faults', () => {
  expect(fileStoreProblems(() => new FaultyStore(new RamFile('file'), new IoFaultPlan([])))).toEqual([]);
});

describe('a table of faults', () => {
  it('makes things go wrong with what it names, each time anew, and with nothing else', () => {
    const table = new FaultTable({ '/data': [{ on: 'read', errno: EIO }], '/dev/wd0': [{ on: 'write', errno: EIO }] });
    const file = new RamFile('data');
    const disk = new MemoryDisk('wd0', { blockCount: 1 });
    for (let round = 0; round < 2; round++) expect(table.store('/data', file).read(0, new Uint8Array(1))).toBe(EIO);
    expect(table.disk('/dev/wd0', disk).write(0, new Uint8Array(512))).toBe(EIO);
    expect(table.store('/other', file)).toBe(file);
    expect(table.disk('/dev/wd1', disk)).toBe(disk);
    expect([soundStore(table.store('/data', file)), soundStore(file)]).toEqual([file, file]);
    expect([soundDisk(table.disk('/dev/wd0', disk)), soundDisk(disk)]).toEqual([disk, disk]);
  });

  it('is refused at once when it makes no sense', () => {
    expect(() => new FaultTable({ '/data': [{ on: 'read' }] })).toThrow(RangeError);
  });
});
