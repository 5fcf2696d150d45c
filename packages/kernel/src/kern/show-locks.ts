/** `show all locks`: who holds which locks, and who waits for which. `lockdebug_show_all_locks()`, sys/kern/subr_lockdebug.c. */
import type { Kern } from './kern.js';
import type { Lock } from './lock.js';
import type { Lwp } from './lwp.js';
import { RwLock } from './rwlock.js';
import { lwpStat, wantedLock } from './show-lwp.js';

/** A lock. */
export interface LockData {
  readonly name: string;
  /** What its class is called. */
  readonly lockClass: string;
  /** How many hold it shared with others. */
  readonly sharedHolds: number;
  /** How many hold it for themselves: 0 or 1. */
  readonly exclusiveHolds: number;
  readonly sharedWanted: number;
  readonly exclusiveWanted: number;
  /** The threads that hold it. */
  readonly holders: readonly string[];
}

/** The locks of a thread. */
export interface LwpLocksData {
  readonly lwp: string;
  /** What its process is called. */
  readonly process: string;
  readonly stat: number;
  /** In the order in which they were taken. */
  readonly held: readonly LockData[];
  readonly wanted: LockData | null;
}

/** The threads that hold or want locks, in order of creation, as data. */
export function describeLocks(kern: Kern): LwpLocksData[] {
  const { lwps } = kern.scheduler;
  const described: LwpLocksData[] = [];
  for (const lwp of lwps) {
    const wanted = wantedLock(lwp);
    if (lwp.held.length === 0 && wanted === null) continue;
    described.push({
      lwp: lwp.name,
      process: lwp.process.name,
      stat: lwpStat(kern, lwp),
      held: lwp.held.map((lock) => describeLock(lock, lwps)),
      wanted: wanted === null ? null : describeLock(wanted, lwps),
    });
  }
  return described;
}

function describeLock(lock: Lock, lwps: readonly Lwp[]): LockData {
  const holders = lock.holders();
  const shared = lock instanceof RwLock && lock.state === 'read';
  const wanting = lwps.filter((lwp) => wantedLock(lwp) === lock);
  const sharedWanted = wanting.filter(({ op }) => op === 'acquire-read').length;
  return {
    name: lock.label,
    lockClass: lock.lockClass.name,
    sharedHolds: shared ? holders.length : 0,
    exclusiveHolds: shared ? 0 : holders.length,
    sharedWanted,
    exclusiveWanted: wanting.length - sharedWanted,
    holders: holders.map((holder) => holder.name),
  };
}

/** The locks of threads as the debugger prints them. */
export function locksText(threads: readonly LwpLocksData[]): string {
  if (threads.length === 0) return '[no LWP holds or wants a lock]';
  return threads.map(lwpLocksText).join('\n\n');
}

function lwpLocksText({ lwp, process, stat, held, wanted }: LwpLocksData): string {
  const lines = [`****** LWP ${lwp} (${process}) @ lwp ${lwp}, l_stat=${stat}`, ''];
  lines.push(held.length === 0 ? '*** Locks held: none' : '*** Locks held:');
  held.forEach((lock, number) => {
    lines.push('', ...lockLines(lock, number, lwp));
  });
  lines.push('', wanted === null ? '*** Locks wanted: none' : '*** Locks wanted:');
  if (wanted !== null) lines.push('', ...lockLines(wanted, 0, lwp));
  return lines.join('\n');
}

function lockLines(lock: LockData, number: number, lwp: string): string[] {
  const cell = (value: number | string): string => String(value).padStart(18);
  return [
    `* Lock ${number} (initialized as ${lock.lockClass})`,
    `lock address : ${cell(lock.name)} type     : ${cell('sleep/adaptive')}`,
    `shared holds : ${cell(lock.sharedHolds)} exclusive: ${cell(lock.exclusiveHolds)}`,
    `shares wanted: ${cell(lock.sharedWanted)} exclusive: ${cell(lock.exclusiveWanted)}`,
    `current lwp  : ${cell(`lwp ${lwp}`)} last held: ${cell(lock.holders.map((holder) => `lwp ${holder}`).join(', '))}`,
  ];
}
