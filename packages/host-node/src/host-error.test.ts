import * as fs from 'node:fs';
import { EBADF, EFBIG, EIO, ENOSPC, EPERM, EROFS, errnoName, PAGE_SIZE } from '@faultline/kernel';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryDir } from '../test/temporary.js';
import { errnoOf } from './host-error.js';
import { HostFile } from './host-file.js';

// The host's answers cannot be ordered; so some of its functions are stood in for.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    fsyncSync: vi.fn(real.fsyncSync),
    readSync: vi.fn(real.readSync),
    statfsSync: vi.fn(real.statfsSync),
    writeSync: vi.fn(real.writeSync),
  };
});

const { fresh } = temporaryDir();
const full = new Uint8Array(PAGE_SIZE).fill(7);

afterEach(() => {
  vi.mocked(fs.fsyncSync).mockClear();
});

function fails(code: string): () => never {
  return () => {
    throw Object.assign(new Error(`${code}: it is so`), { code, syscall: 'write' });
  };
}

function created(): HostFile {
  return new HostFile(fresh(), { access: 'create' });
}

describe('an error of the host', () => {
  it.each([
    ['ENOSPC', ENOSPC],
    ['EDQUOT', ENOSPC],
    ['EIO', EIO],
    ['EFBIG', EFBIG],
    ['EROFS', EROFS],
    ['EPERM', EPERM],
    ['EBADF', EBADF],
    ['ESTALE', EIO],
    ['UNKNOWN', EIO],
  ])('%s is told by the number that it has in the kernel', (code, errno) => {
    expect(errnoName(errnoOf(fails(code)))).toBe(errnoName(errno));
  });

  it('is none when the host has none', () => {
    expect(errnoOf(() => {})).toBe(0);
  });

  it('is not what is our own mistake', () => {
    expect(() => errnoOf(() => fs.readSync(-1, new Uint8Array(1)))).toThrow(RangeError);
  });

  it('is the answer of a write, which can be made again', () => {
    const store = created();
    vi.mocked(fs.writeSync).mockImplementationOnce(fails('ENOSPC'));
    expect([store.write(0, full), store.size]).toEqual([ENOSPC, 0]);
    expect([store.write(0, full), store.size]).toEqual([0, PAGE_SIZE]);
  });

  it('in the middle of a write leaves the size that the file then has', () => {
    const store = created();
    vi.mocked(fs.writeSync)
      .mockImplementationOnce((fd) => fs.writevSync(fd, [full.subarray(0, 100)], 0))
      .mockImplementationOnce(fails('EIO'));
    expect([store.write(0, full), store.size]).toEqual([EIO, 100]);
    expect(store.isHole(0)).toBe(false);
  });

  it('of a read is answered, and the buffer is zeros', () => {
    const store = created();
    store.write(0, full);
    vi.mocked(fs.readSync).mockImplementationOnce(fails('EIO'));
    const bytes = full.slice(0, 8);
    expect([store.read(0, bytes), [...bytes]]).toEqual([EIO, [0, 0, 0, 0, 0, 0, 0, 0]]);
    expect([store.read(0, bytes), [...bytes]]).toEqual([0, [7, 7, 7, 7, 7, 7, 7, 7]]);
  });
});

describe('a host that does in parts what it is told', () => {
  it('is told again until all is read or written', () => {
    const store = created();
    const { writeSync, readSync } = vi.mocked(fs);
    writeSync.mockImplementationOnce((fd) => fs.writevSync(fd, [full.subarray(0, 1000)], 0));
    expect([store.write(0, full), store.size]).toEqual([0, PAGE_SIZE]);
    readSync.mockImplementationOnce((fd, buffer) => fs.readvSync(fd, [new Uint8Array(buffer.buffer, 0, 10)], 0));
    const bytes = new Uint8Array(PAGE_SIZE);
    expect(store.read(0, bytes)).toBe(0);
    expect(bytes).toEqual(full);
  });
});

describe('a sync that fails', () => {
  it('fails for ever, because the host forgets what it could not write', () => {
    const store = created();
    store.write(0, full);
    expect(store.sync()).toBe(0);
    vi.mocked(fs.fsyncSync).mockImplementationOnce(fails('EIO'));
    expect(store.sync()).toBe(EIO);
    expect(store.sync()).toBe(EIO);
    store.write(0, full);
    expect(store.sync()).toBe(EIO);
  });
});

describe('a new file', () => {
  it('has its name synced with it: the directory is', () => {
    const path = fresh();
    new HostFile(path, { access: 'create' });
    expect(vi.mocked(fs.fsyncSync).mock.calls.length).toBe(1);
    new HostFile(path, { access: 'create' });
    expect(vi.mocked(fs.fsyncSync).mock.calls.length).toBe(1);
  });
});

describe('a host without room', () => {
  const room = (pages: number) => () => ({ bavail: pages, bsize: PAGE_SIZE }) as fs.StatsFs;
  const statfs = vi.mocked(fs.statfsSync as (path: string) => fs.StatsFs);

  it('answers ENOSPC when room is asked for, in a hole and beyond the end', () => {
    const store = created();
    expect(store.truncate(4 * PAGE_SIZE)).toBe(0);
    statfs.mockImplementation(room(2));
    expect(store.allocate(0, 3 * PAGE_SIZE)).toBe(ENOSPC);
    expect(store.isHole(0)).toBe(true);
    expect(store.allocate(4 * PAGE_SIZE, 3 * PAGE_SIZE)).toBe(ENOSPC);
    expect(store.allocate(0, 2 * PAGE_SIZE)).toBe(0);
    expect(store.allocate(4 * PAGE_SIZE, 2 * PAGE_SIZE)).toBe(0);
    statfs.mockImplementation(room(0));
    expect(store.allocate(0, 2 * PAGE_SIZE), 'what has its room needs no more').toBe(0);
    statfs.mockReset();
  });

  it('is not held to be full when it does not say how much room there is', () => {
    const store = created();
    statfs.mockImplementationOnce(fails('ENOSYS'));
    expect(store.allocate(0, PAGE_SIZE)).toBe(0);
  });
});
