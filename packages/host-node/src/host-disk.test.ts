import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { blockDeviceProblems, EROFS } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../test/temporary.js';
import { HostDisk } from './host-disk.js';
import { HostFileError } from './host-error.js';

const { path: dir, fresh, file } = temporaryDir();

describe('a disk in a file of the host', () => {
  it.each([1, 64])('of %i blocks does all that a block device has to do, and keeps what was flushed', (blockCount) => {
    const make = () => new HostDisk(fresh(), { access: 'create', blockCount });
    const reopen = (device: unknown): HostDisk => {
      if (!(device instanceof HostDisk)) throw new Error('the kit gives back what it was given');
      device.close();
      return new HostDisk(device.path);
    };
    expect(blockDeviceProblems(make, { reopen })).toEqual([]);
  });

  it('has as many blocks as the file, and changes the file itself', () => {
    const path = file(new Uint8Array(4096).fill(1));
    const disk = new HostDisk(path, { name: 'wd0', blockSize: 1024 });
    expect([disk.name, disk.blockSize, disk.blockCount]).toEqual(['wd0', 1024, 4]);
    expect(disk.write(3, new Uint8Array(1024).fill(2))).toBe(0);
    const bytes = readFileSync(path);
    expect([bytes[3071], bytes[3072], bytes[4095]]).toEqual([1, 2, 2]);
  });

  it('extends a file that is too short, and uses a part of one that is too long', () => {
    const path = file(new Uint8Array(512).fill(1));
    expect(new HostDisk(path, { blockCount: 8 }).blockCount).toBe(8);
    expect(statSync(path).size).toBe(4096);
    expect(new HostDisk(path, { blockCount: 2 }).blockCount).toBe(2);
    expect(statSync(path).size).toBe(4096);
  });

  it('refuses to be written when it was opened read-only', () => {
    const path = file(new Uint8Array(512).fill(1));
    const disk = new HostDisk(path, { access: 'read-only' });
    expect(disk.write(0, new Uint8Array(512))).toBe(EROFS);
    expect(readFileSync(path)[0]).toBe(1);
  });
});

describe('a file that is no disk', () => {
  it.each([
    ['missing', join(dir, 'nowhere'), {}, 'there is no such file'],
    [
      'empty',
      file(''),
      {},
      'its 0 bytes are not a disk of whole blocks of 512 bytes; give another block size, or a number of blocks.',
    ],
    ['not of whole blocks', file('odd'), {}, 'its 3 bytes are not a disk of whole blocks of 512 bytes'],
    [
      'too short and must not be written',
      file('odd'),
      { access: 'read-only', blockCount: 2 },
      'it cannot be extended by the 1021 bytes that 2 blocks of 512 bytes are short of',
    ],
    ['a directory', dir, { access: 'read-only' }, 'this is not a regular file'],
  ] as const)('is an error with a sentence when it is %s', (_, path, options, sentence) => {
    const open = () => new HostDisk(path, options);
    expect(open).toThrow(HostFileError);
    expect(open).toThrow(`${path}: ${sentence}`);
  });

  it.each([{ blockSize: 0 }, { blockSize: 1.5 }, { blockCount: 0 }, { blockCount: Number.NaN }])(
    'is one that is to have %o',
    (options) => {
      expect(() => new HostDisk(file('x'), options)).toThrow(RangeError);
    },
  );
});
