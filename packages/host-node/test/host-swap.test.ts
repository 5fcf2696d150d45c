/** Swapping to files and disks of the host, as long as it has room for them. */
import { readFileSync } from 'node:fs';
import {
  bootNetbsd,
  MAP_ANON,
  MAP_PRIVATE,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  ROOT,
  SWAP_OFF,
  SWAP_ON,
  type SwapOption,
  type User,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { HostDisk, HostFile } from '../src/index.js';
import { withSmallFiles } from './child.js';
import { temporaryDir } from './temporary.js';

const { file, fresh } = temporaryDir();
const PAGES = 128;

function* fill(user: User) {
  const map = yield* user.mmap(0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
  for (let page = 0; page < PAGES; page++) yield* user.store32(map + page * PAGE_SIZE, 0x70616700 + page);
  return map;
}

function* verify(user: User, map: number) {
  for (let page = 0; page < PAGES; page++) expect(yield* user.load32(map + page * PAGE_SIZE)).toBe(0x70616700 + page);
}

describe('memory that does not fit into RAM', () => {
  const kinds: [string, (path: string) => SwapOption][] = [
    ['a file', (path) => ({ name: '/swap', store: new HostFile(path) })],
    ['a disk', (path) => ({ name: 'wd0', disk: new HostDisk(path) })],
  ];
  it.each(kinds)('goes to %s of the host, and comes back', (_, make) => {
    const path = file(new Uint8Array((PAGES + 1) * PAGE_SIZE));
    const system = bootNetbsd({ ram: 64 * PAGE_SIZE, swap: [make(path)] });
    system.perform(system.spawn('program'), function* (user) {
      yield* verify(user, yield* fill(user));
    });
    expect(system.audit()).toEqual([]);
    const bytes = readFileSync(path);
    const found = new Set<number>();
    for (let at = 0; at < bytes.length; at += PAGE_SIZE) if (bytes.readUInt32LE(at) >>> 8 === 0x706167) found.add(at);
    expect(found.size).toBeGreaterThan(PAGES - 64);
  });

  it('can be brought in again, when it is swapped to something else', () => {
    const system = bootNetbsd({
      ram: 64 * PAGE_SIZE,
      swap: [{ name: '/one', store: new HostFile(file(new Uint8Array(PAGES * PAGE_SIZE))) }],
    });
    system.sys.vfs.add('/two', new HostFile(file(new Uint8Array(PAGES * PAGE_SIZE))));
    const answers: unknown[] = [];
    system.perform(system.spawn('program', { credentials: ROOT }), function* (user) {
      const map = yield* fill(user);
      answers.push(yield* user.swapctl(SWAP_OFF, '/one'));
      answers.push(yield* user.swapctl(SWAP_ON, '/two', 0));
      answers.push(yield* user.swapctl(SWAP_OFF, '/one'));
      yield* verify(user, map);
    });
    expect(answers).toEqual([-12, 0, 0]);
    expect(system.vm.describeSwap().map(({ path }) => path)).toEqual(['/two']);
    expect(system.audit()).toEqual([]);
  });
});

describe('a swap file for which the host has no room', () => {
  it('loses nothing: pages stay in memory, slots are bad, and who wants more memory than there is is killed', () => {
    const path = fresh();
    const store = new HostFile(path, { access: 'create' });
    expect(store.truncate(256 * PAGE_SIZE)).toBe(0);
    store.close();
    // 16 pages, or 32.
    const printed = withSmallFiles(128, 'limited-swap.mjs', path);
    expect(printed.trim().split('\n')).toEqual([
      '60 pages are right',
      'came to its end',
      'killed by signal 9',
      '256 slots, some of them bad, 0 others in use',
      '0 invariants are broken',
    ]);
  });
});
