import { describe, expect, it } from 'vitest';
import { makeFile, mapAnon, open, PAGE } from '../../test/cases/support.js';
import { act, boot } from '../../test/harness.js';
import type { NetbsdSystem } from '../boot.js';
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, MAP_SHARED } from '../vm/mman.js';
import { O_RDWR } from './file.js';
import type { Process } from './process.js';
import { listSpace, pmapText, procMapsText, type SpaceListing } from './space-listing.js';

/** A process with a heap of two pages, three pages of a file, a page of its own and a stack. */
function listed(): { system: NetbsdSystem; process: Process; listing: SpaceListing } {
  const system = boot();
  makeFile(system, '/lib/data', 3 * PAGE);
  const process = system.spawn('p', { image: { name: 'p' } });
  act(system, process, function* (user) {
    yield* user.sbrk(2 * PAGE);
    const fd = yield* open(user, '/lib/data', O_RDWR);
    yield* user.mmap(0x10000000, 3 * PAGE, 1, MAP_SHARED | MAP_FIXED, fd, 0);
    yield* user.mmap(0x20000000, PAGE, 3, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
    yield* user.store8(0x20000000, 1);
  });
  const listing = listSpace(system.sys, process);
  if (listing === null) throw new Error('the process has no memory');
  return { system, process, listing };
}

describe('the memory of a process', () => {
  it('has a name for each mapping: its file, the heap, the stack, or none', () => {
    const { listing } = listed();
    expect(listing.mappings.map(({ name }) => name)).toEqual(['[ heap ]', '/lib/data', '[ anon ]', '[ stack ]', '[ stack ]']);
  });

  it('is summed up: what can be used at all, and what is in memory', () => {
    const { listing, process } = listed();
    // Of the stack, only what the limit allows can be used.
    expect([listing.total, listing.residentPages]).toEqual([(2 + 3 + 1 + 1024) * PAGE, 1]);
    expect([listing.pid, listing.process, listing.space]).toEqual([process.pid, 'p', process.space?.label]);
  });

  it('is none after the process has ended', () => {
    const { system, process } = listed();
    system.perform(process, (user) => user.exit(0));
    expect(listSpace(system.sys, process)).toBeNull();
  });

  it('is shown with names where they are, at the end of each line', () => {
    const { listing } = listed();
    const lines = pmapText(listing).split('\n');
    expect(lines[1]).toBe('0000000010000000     12K read              /lib/data');
    expect(lines[2]).toBe('0000000020000000      4K read/write          [ anon ]');
    expect(lines.at(-1)).toMatch(/^ total +4120K$/);
    expect(procMapsText(listing).split('\n')[1]).toMatch(
      /^0000000010000000-0000000010003000 r--s 0000000000000000 00:00 \d+ +\/lib\/data$/,
    );
  });

  it('calls a mapping of the break that was replaced by a file by that file', () => {
    const { system, process } = listed();
    act(system, process, function* (user) {
      yield* user.mmap(0x600000, PAGE, 1, MAP_SHARED | MAP_FIXED, 0, 0);
      yield* mapAnon(user, 1);
    });
    const names = listSpace(system.sys, process)?.mappings.map(({ name }) => name);
    expect(names?.slice(0, 2)).toEqual(['/lib/data', '[ heap ]']);
  });
});
