/** Shared memory in the listings and the debugger's views. */
import { describe, expect, it } from 'vitest';
import { IPC_CREAT, MAP_SHARED, O_CREAT, O_RDWR, type Step, type User } from '../src/index.js';
import { PAGE_SIZE } from '../src/machine/address.js';
import { listSpace, pmapAllText, pmapText, procMapsText, type SpaceListing } from '../src/sys/space-listing.js';
import type { TmpfsVnode } from '../src/uvm/object/tmpfs-vnode.js';
import { describeObject, objectText } from '../src/uvm/show/show-object.js';
import { act, bootProcess } from './harness.js';

const PAGE = PAGE_SIZE;
const X = 0x1000_0000;
const Y = 0x2000_0000;

/** A segment of two pages at X, and a memory object of one at Y. */
function* shared(user: User): Step<void> {
  const id = yield* user.shmget(0x2a, 2 * PAGE, IPC_CREAT | 0o600);
  yield* user.shmat(id, X, 0);
  yield* user.store8(X, 1);
  const fd = yield* user.shmOpen('/object', O_RDWR | O_CREAT);
  yield* user.ftruncate(fd, PAGE);
  yield* user.mmap(Y, PAGE, 3, MAP_SHARED | 0x10, fd);
  yield* user.store8(Y, 2);
}

function listing(): SpaceListing {
  const { system, process } = bootProcess();
  act(system, process, shared);
  return listSpace(system.sys, process) as SpaceListing;
}

describe('pmap and procfs', () => {
  it('call a segment by its key, and a memory object by its path', () => {
    expect(pmapText(listing()).split('\n')).toEqual([
      '0000000010000000      8K read/write        SYSV0000002a',
      '0000000020000000      4K read/write        /var/shm/.shmobj_object',
      ' total               12K',
    ]);
    expect(pmapAllText(listing())).toContain(' 00:00       3 - /var/shm/.shmobj_object [object 3]');
    expect(
      procMapsText(listing())
        .split('\n')
        .map((line) => line.split(' ').at(-1)),
    ).toEqual(['0', '/var/shm/.shmobj_object']);
  });
});

describe('show object', () => {
  it('shows an anonymous object, and the file whose memory one is', () => {
    const { system, process } = bootProcess();
    act(system, process, shared);
    const { uvm } = system;
    const [segment] = [...uvm.aobjs];
    if (segment === undefined) throw new Error('there is a segment');
    const data = describeObject(uvm, segment, { full: true });
    expect(data.problems).toEqual([]);
    expect(objectText(data).split('\n').slice(0, 2)).toEqual([
      'OBJECT object 1: locked=0, pgops=aobj_pager, npages=1, refs=2',
      '  aobj SYSV0000002a, mapped by 1, held by 1',
    ]);
    const file = system.sys.vfs.lookup('/var/shm/.shmobj_object') as TmpfsVnode;
    const memory = describeObject(uvm, file.aobj, { full: true });
    expect([memory.entries, memory.holders, memory.problems]).toEqual([[], 1, []]);
    const vnode = describeObject(uvm, file, { full: true });
    expect(objectText(vnode)).toContain('vnode /var/shm/.shmobj_object, size=4096, mapped by 1, held by 2');
    segment.references++;
    expect(describeObject(uvm, segment, { full: false }).problems).toHaveLength(1);
  });
});
