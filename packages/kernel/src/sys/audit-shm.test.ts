/** The invariants of System V shared memory, broken just so. */
import { describe, expect, it } from 'vitest';
import { act, bootProcess } from '../../test/harness.js';
import { PAGE_SIZE } from '../machine/address.js';
import { IPC_CREAT, IPC_PRIVATE, SHMSEG_ALLOCATED, SHMSEG_FREE, SHMSEG_REMOVED, type ShmSegment, type ShmTable } from './shm.js';

/** Something that breaks the table of segments, and what the audit has to say then. Of two segments, the first is attached. */
type Harm = readonly [
  what: string,
  harm: (table: ShmTable, first: ShmSegment, second: ShmSegment) => void,
  findings: readonly string[],
];

const HARMS: readonly Harm[] = [
  [
    'a segment that counts too many attachments',
    (_, first) => void first.attaches++,
    ['shm-attaches: segment 65536 counts 2 attachments; there are 1'],
  ],
  [
    'a removed segment that is attached nowhere',
    (_, __, second) => {
      second.mode |= SHMSEG_REMOVED;
    },
    ['shm-attaches: segment 65537 is removed and attached nowhere, but still there'],
  ],
  [
    'a free segment that is attached, and has memory',
    (table, first) => {
      first.mode = SHMSEG_FREE;
      table.used--;
      table.committed -= 2;
    },
    ['shm-attaches: segment 0 is free, but attached 1 times', 'shm-segments: segment 0 is free, but has memory'],
  ],
  [
    'a segment without memory, which somebody else holds then',
    (_, __, second) => {
      second.memory = null;
    },
    [
      'object-references: object 2 (SYSV00000000) counts 1 references; 0 entries map it and 0 others hold it',
      'shm-segments: segment 65537 has no memory',
    ],
  ],
  ['a wrong number of segments', (table) => void table.used++, ['shm-segments: 3 segments are counted; there are 2']],
  ['a wrong number of pages', (table) => void table.committed++, ['shm-segments: 5 pages are counted in segments; they have 4']],
  [
    'two segments with one key',
    (_, first, second) => {
      first.key = second.key = 3;
    },
    ['shm-segments: several segments have key 3'],
  ],
];

describe('of shared memory, the audit finds', () => {
  it.each(HARMS)('%s', (_, harm, findings) => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const id = yield* user.shmget(IPC_PRIVATE, PAGE_SIZE + 1, IPC_CREAT | 0o600);
      yield* user.shmat(id, 0, 0);
      yield* user.shmget(IPC_PRIVATE, 2 * PAGE_SIZE, IPC_CREAT | 0o600);
    });
    expect(system.audit()).toEqual([]);
    const { shm } = system.sys;
    const [first, second] = shm.segments;
    if (first === undefined || second === undefined) throw new Error('there are two segments');
    expect([first, second].every(({ mode }) => (mode & SHMSEG_ALLOCATED) !== 0)).toBe(true);
    harm(shm, first, second);
    expect(system.audit().map(({ invariant, finding }) => `${invariant}: ${finding}`)).toEqual(findings);
  });
});
