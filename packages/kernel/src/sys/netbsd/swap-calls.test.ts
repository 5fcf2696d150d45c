/** swapctl(2), and what there is to swap to at boot. */
import { describe, expect, it } from 'vitest';
import { act, boot, expectNoLeak, expectSound } from '../../../test/harness.js';
import { ROOT } from '../../kern/credentials.js';
import { EBUSY, EINVAL, ENODEV, ENOENT, ENOTBLK, ENXIO, EPERM, EROFS } from '../../kern/errno.js';
import { PAGE_SIZE } from '../../machine/address.js';
import { MemoryDisk } from '../../machine/disk.js';
import { RamFile } from '../../machine/file-store.js';
import {
  SWAP_CTL,
  SWAP_DUMPDEV,
  SWAP_DUMPOFF,
  SWAP_GETDUMPDEV,
  SWAP_NSWAP,
  SWAP_OFF,
  SWAP_ON,
  SWAP_STATS,
} from '../../vm/swapctl.js';
import type { SwapOption } from '../swap-options.js';

/** A system with something to swap to, and a process of the superuser's. */
function rooted(swap: readonly SwapOption[]) {
  const system = boot({ swap });
  return { system, root: system.spawn('root', { credentials: ROOT }) };
}

const DISK: SwapOption = { name: 'wd0', pages: 4 };
const SPARE: SwapOption = { name: 'wd1', pages: 8, on: false };

describe('swapctl', () => {
  it('tells everybody what is swapped to', () => {
    const { system } = rooted([
      DISK,
      SPARE,
      { name: '/var/swap', store: new RamFile('swap', { size: 2 * PAGE_SIZE }), priority: 3 },
    ]);
    const user = system.spawn('user');
    const told = act(system, user, function* (call) {
      return [
        yield* call.swapctl(SWAP_NSWAP),
        yield* call.swapctl(SWAP_STATS, null, 9),
        yield* call.swapctl(SWAP_STATS, null, 1),
        yield* call.swapctl(SWAP_STATS, null, 0),
        yield* call.swapctl(SWAP_STATS, null, -1),
        yield* call.swapctl(SWAP_GETDUMPDEV),
      ];
    });
    const disk = { path: '/dev/wd0', priority: 0, enabled: true, pages: 4, inUse: 0, bad: 0 };
    const file = { path: '/var/swap', priority: 3, enabled: true, pages: 2, inUse: 0, bad: 0 };
    expect(told).toEqual([2, [disk, file], [disk], [], -EINVAL, []]);
    expectSound(system);
  });

  it.each([SWAP_ON, SWAP_OFF, SWAP_CTL, SWAP_DUMPDEV, SWAP_DUMPOFF, 99])(
    'does nothing else for anybody but the superuser (%i)',
    (command) => {
      const { system } = rooted([DISK]);
      const answer = act(system, system.spawn('user'), (user) => user.swapctl(command, '/nowhere', 0));
      expect(answer).toBe(-EPERM);
    },
  );

  it.each([
    ['a disk', '/dev/wd1'],
    ['a file', '/swap'],
  ])('begins to swap to %s, changes its priority, and ends', (_, path) => {
    const { system, root } = rooted([DISK, SPARE]);
    const vnode = system.sys.vfs.add('/swap', new RamFile('swap', { size: 8 * PAGE_SIZE }));
    const order = (): string[] => system.vm.describeSwap().map((device) => `${device.path} ${device.priority}`);
    act(system, root, function* (user) {
      expect(yield* user.swapctl(SWAP_ON, path, 5)).toBe(0);
      expect(order()).toEqual(['/dev/wd0 0', `${path} 5`]);
      expect(yield* user.swapctl(SWAP_ON, path, 5)).toBe(-EBUSY);
      expect(yield* user.swapctl(SWAP_CTL, path, -1)).toBe(0);
      expect(order()).toEqual([`${path} -1`, '/dev/wd0 0']);
      expect(system.uvm.uvmexp).toMatchObject({ nswapdev: 2, swpages: 12, swpgavail: 12 });
      expect(yield* user.swapctl(SWAP_OFF, path)).toBe(0);
      expect(yield* user.swapctl(SWAP_OFF, path)).toBe(-ENXIO);
      expect(yield* user.swapctl(SWAP_CTL, path, 1)).toBe(-ENOENT);
    });
    expect(vnode).toMatchObject({ references: 1 });
    expectNoLeak(system);
  });

  it('knows what it must not do', () => {
    const { system, root } = rooted([DISK]);
    const { vfs } = system.sys;
    class ReadOnly extends RamFile {
      override readonly writable = false;
    }
    vfs.add('/fixed', new ReadOnly('fixed', { size: PAGE_SIZE }));
    vfs.add('/small', new RamFile('small', { size: PAGE_SIZE - 1 }));
    const answers = act(system, root, function* (user) {
      return [
        yield* user.swapctl(SWAP_ON, '/nowhere', 0),
        yield* user.swapctl(SWAP_ON, null, 0),
        yield* user.swapctl(SWAP_ON, '/fixed', 0),
        yield* user.swapctl(SWAP_ON, '/small', 0),
        yield* user.swapctl(99, '/small', 0),
        yield* user.swapctl(99, '/nowhere', 0),
        yield* user.swapctl(SWAP_DUMPDEV, '/small'),
        yield* user.swapctl(SWAP_DUMPDEV, '/dev/wd0'),
        yield* user.swapctl(SWAP_DUMPOFF),
      ];
    });
    expect(answers).toEqual([-ENOENT, -ENOENT, -EROFS, -EINVAL, -EINVAL, -ENOENT, -ENOTBLK, -ENODEV, 0]);
    expectSound(system);
  });
});

describe('what there is to swap to', () => {
  it('is a disk of its own, another disk, or a file, by the names that they are given', () => {
    const disk = new MemoryDisk('mine', { blockCount: 24 });
    const { system } = rooted([
      DISK,
      { name: 'mine', disk, priority: 1 },
      { name: 'swap', store: new RamFile('s', { size: PAGE_SIZE }), priority: 2 },
    ]);
    expect(system.vm.describeSwap().map(({ path, pages }) => [path, pages])).toEqual([
      ['/dev/wd0', 4],
      ['/dev/mine', 2],
      ['/swap', 1],
    ]);
    expect(system.sys.vfs.lookup('/swap')).toMatchObject({ references: 2 });
    expectSound(system);
  });

  it('must make sense', () => {
    const booting = (swap: readonly SwapOption[]) => () => boot({ swap });
    expect(booting([{ name: 'wd0', pages: 0 }])).toThrow('a disk to swap to has a whole number of pages from 1 up, not 0');
    expect(booting([DISK, DISK])).toThrow('there is a disk named /dev/wd0 already');
    expect(booting([{ name: '/swap', store: new RamFile('s') }])).toThrow('/swap cannot be swapped to: EINVAL');
    expect(booting([{ name: '/swap', store: new RamFile('s'), on: false }])).not.toThrow();
  });
});
