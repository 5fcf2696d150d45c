/** Invariants of System V shared memory (decision D7). */
import type { Invariant, Report } from '../kern/invariant.js';
import { PAGE_SIZE, roundPage } from '../machine/address.js';
import { SHMSEG_ALLOCATED, SHMSEG_FREE, SHMSEG_REMOVED } from './shm.js';
import type { Sys } from './sys.js';

function checkAttaches({ shm }: Sys, report: Report): void {
  const counted = new Map<object, number>();
  for (const attachments of shm.attached.values()) {
    for (const { segment } of attachments) counted.set(segment, (counted.get(segment) ?? 0) + 1);
  }
  for (const segment of shm.segments) {
    const attached = counted.get(segment) ?? 0;
    if (segment.mode & SHMSEG_FREE) {
      if (attached > 0) report(`segment ${segment.index} is free, but attached ${attached} times`);
      continue;
    }
    if (segment.attaches !== attached)
      report(`segment ${segment.id} counts ${segment.attaches} attachments; there are ${attached}`);
    if (attached === 0 && segment.mode & SHMSEG_REMOVED)
      report(`segment ${segment.id} is removed and attached nowhere, but still there`);
  }
}

function checkSegments({ shm }: Sys, report: Report): void {
  const alive = shm.segments.filter(({ mode }) => (mode & SHMSEG_ALLOCATED) !== 0);
  for (const segment of alive) if (segment.memory === null) report(`segment ${segment.id} has no memory`);
  for (const segment of shm.segments) {
    if (segment.mode & SHMSEG_FREE && segment.memory !== null) report(`segment ${segment.index} is free, but has memory`);
  }
  const pages = alive.reduce((sum, { size }) => sum + roundPage(size) / PAGE_SIZE, 0);
  if (shm.used !== alive.length) report(`${shm.used} segments are counted; there are ${alive.length}`);
  if (shm.committed !== pages) report(`${shm.committed} pages are counted in segments; they have ${pages}`);
  const keys = alive.map(({ key }) => key).filter((key) => key !== 0);
  for (const key of new Set(keys)) {
    if (keys.filter((other) => other === key).length > 1) report(`several segments have key ${key}`);
  }
}

/** The invariants of shared memory on one system. */
export function shmInvariants(sys: Sys): Invariant[] {
  return [
    {
      name: 'shm-attaches',
      sentence: "a segment's count of attachments equals them, and one that is removed goes with the last",
      check: (report) => checkAttaches(sys, report),
    },
    {
      name: 'shm-segments',
      sentence: 'segments that there are have memory and keys of their own, and are counted',
      check: (report) => checkSegments(sys, report),
    },
  ];
}
