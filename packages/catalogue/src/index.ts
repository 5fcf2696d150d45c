/** Defects of BSD virtual memory systems: programs, patches, remedies. */
import type { CatalogueEntry } from './entry.js';
import { amapBimerge } from './netbsd-2002-amap-bimerge.js';
import { anonExitSwap } from './netbsd-2003-anon-exit-swap.js';
import { vslockBusy, vslockBusyOrder } from './netbsd-2003-vslock-busy.js';
import { vslockLoan } from './netbsd-2003-vslock-loan.js';
import {
  vslockThreads,
  vslockThreadsFork,
  vslockThreadsLock,
  vslockThreadsUnlock,
  vslockThreadsUnmap,
} from './netbsd-2003-vslock-threads.js';
import { vslockRegrow, vslockTruncate } from './netbsd-2003-vslock-truncate.js';
import { mlockClip } from './netbsd-2012-mlock-clip.js';
import { fixedRace } from './netbsd-2017-fixed-race.js';
import { mlockWrap } from './netbsd-2019-mlock-wrap.js';
import { mlockZero } from './netbsd-2019-mlock-zero.js';
import { amapCopy } from './netbsd-race-amap-copy.js';
import { amapLastReference } from './netbsd-race-amap-last-reference.js';
import { entryLockOrder } from './netbsd-race-entry-lock-order.js';
import { getpagesSize } from './netbsd-race-getpages-size.js';
import { pageWaitInterlock } from './netbsd-race-page-wait-interlock.js';
import { relockTimestamp } from './netbsd-race-relock-timestamp.js';
import { wiringMapBusy } from './netbsd-race-wiring-map-busy.js';

export { type CatalogueEntry, defectsOf, findingsOf, patchesOf, type Remedy } from './entry.js';
export * from './finding.js';
export * from './trial.js';

/** All entries: what happened, by year; then what no release had. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  amapBimerge,
  anonExitSwap,
  vslockTruncate,
  vslockRegrow,
  vslockThreads,
  vslockThreadsUnmap,
  vslockThreadsLock,
  vslockThreadsUnlock,
  vslockThreadsFork,
  vslockLoan,
  vslockBusy,
  vslockBusyOrder,
  mlockClip,
  fixedRace,
  mlockZero,
  mlockWrap,
  amapCopy,
  amapLastReference,
  entryLockOrder,
  getpagesSize,
  pageWaitInterlock,
  relockTimestamp,
  wiringMapBusy,
];

/** The entry of that name, null for none. */
export function findEntry(id: string): CatalogueEntry | null {
  return CATALOGUE.find((entry) => entry.id === id) ?? null;
}
