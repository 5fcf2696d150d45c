/** Decision D11 for shared memory: everything that can change what happens later is told, and nothing else. */
import { describe, expect, it } from 'vitest';
import { IPC_CREAT, MAP_SHARED, O_CREAT, O_RDWR, StateHash } from '../src/index.js';
import { asOffset, PAGE_SIZE } from '../src/machine/address.js';
import type { ShmSegment } from '../src/sys/shm.js';
import type { TmpfsMount, TmpfsVnode } from '../src/uvm/object/tmpfs-vnode.js';
import { act, bootProcess } from './harness.js';
import { linesOf } from './state-subject.js';

const PAGE = PAGE_SIZE;

type Booted = ReturnType<typeof bootProcess>;

/** A process with a segment of two pages and a memory object of as many. */
function subject(): Booted {
  const booted = bootProcess();
  act(booted.system, booted.process, function* (user) {
    const id = yield* user.shmget(5, 2 * PAGE, IPC_CREAT | 0o600);
    const at = yield* user.shmat(id, 0, 0);
    yield* user.store8(at, 1);
    const fd = yield* user.shmOpen('/object', O_RDWR | O_CREAT);
    yield* user.ftruncate(fd, 2 * PAGE);
    const mapped = yield* user.mmap(0, 2 * PAGE, 3, MAP_SHARED, fd);
    yield* user.store8(mapped, 2);
  });
  return booted;
}

function segmentOf({ system }: Booted): ShmSegment {
  return system.sys.shm.segments[0] as ShmSegment;
}

function fileOf({ system }: Booted): TmpfsVnode {
  return system.sys.vfs.lookup('/var/shm/.shmobj_object') as TmpfsVnode;
}

function digestOf({ system }: Booted): string {
  const hash = new StateHash();
  system.writeState(hash);
  return hash.digest;
}

function expectTold(change: (booted: Booted) => void): void {
  const [before, after] = [subject(), subject()];
  expect(digestOf(after), 'the same twice').toBe(digestOf(before));
  change(after);
  expect(linesOf(after.system), 'the text').not.toEqual(linesOf(before.system));
  expect(digestOf(after), 'the hash').not.toBe(digestOf(before));
}

/** The plain fields of a structure, but for those that are no state. */
function plainFields(thing: object, but: readonly string[]): string[] {
  const fields = Object.entries(thing).filter(([, value]) => /^(number|string|boolean)$/.test(typeof value));
  return fields.map(([name]) => name).filter((name) => !but.includes(name));
}

describe('told is each plain field', () => {
  const structures: readonly (readonly [name: string, of: (booted: Booted) => object, but: readonly string[]])[] = [
    ['segment', segmentOf, ['index']],
    ['table of segments', ({ system }) => system.sys.shm, []],
    ['anonymous object', (booted) => fileOf(booted).aobj, ['id', 'pagerName', 'counter', 'needsWriteFault', 'label']],
    ['file of tmpfs', fileOf, ['id', 'pagerName', 'writable', 'needsWriteFault', 'label']],
    // Without a limit it is infinite: below.
    ['file system of memory', (booted) => fileOf(booted).mount, ['limit']],
  ];
  for (const [name, of, but] of structures) {
    for (const field of plainFields(of(subject()), but)) {
      it(`${name}: ${field}`, () => {
        expectTold((booted) => {
          const thing = of(booted) as Record<string, unknown>;
          const value = thing[field];
          thing[field] = typeof value === 'number' ? value - 1 : !value;
        });
      });
    }
  }
});

describe('told is of shared memory', () => {
  const changes: readonly (readonly [what: string, change: (booted: Booted) => void])[] = [
    ['the slot of a page', (booted) => fileOf(booted).aobj.swapSlots.set(1, 7)],
    ['a page that was lost', (booted) => fileOf(booted).aobj.swapSlots.set(1, -1 >>> 0)],
    ['which memory a segment has', (booted) => Object.assign(segmentOf(booted), { memory: fileOf(booted).aobj })],
    ['what is attached', ({ system }) => system.sys.shm.attached.clear()],
    [
      'that an object has its pages wired',
      (booted) => {
        const { aobj } = fileOf(booted);
        booted.system.uvm.objectWirings = [{ object: aobj, start: asOffset(0), end: asOffset(PAGE) }];
      },
    ],
    ['what is mounted', ({ system }) => system.sys.vfs.mount('/tmp', system.vm.createMemoryFileSystem(1))],
    ['the limit of a file system', (booted) => Object.assign(fileOf(booted).mount satisfies TmpfsMount, { limit: 5 })],
  ];
  it.each(changes)('%s', (_, change) => expectTold(change));
});
