import { describe, expect, it } from 'vitest';
import { EINVAL, EIO, type Errno } from '../kern/errno.js';
import { blockDeviceProblems } from './conformance.js';
import { type BlockDevice, MemoryDisk } from './disk.js';

const BLOCK = 512;

/** A sound device over plain bytes, to be broken in one place. */
class PlainDisk implements BlockDevice {
  readonly name: string = 'ld0';
  readonly blockSize: number = BLOCK;
  readonly blockCount: number = 20;
  readonly bytes: Uint8Array;

  constructor(bytes = new Uint8Array(20 * BLOCK)) {
    this.bytes = bytes;
  }

  protected fits(block: number, bytes: number): boolean {
    const blocks = bytes / this.blockSize;
    return Number.isInteger(block) && Number.isInteger(blocks) && block >= 0 && block + blocks <= this.blockCount;
  }

  read(block: number, into: Uint8Array): Errno {
    if (!this.fits(block, into.length)) return EINVAL;
    into.set(this.bytes.subarray(block * BLOCK, block * BLOCK + into.length));
    return 0;
  }

  write(block: number, from: Uint8Array): Errno {
    if (!this.fits(block, from.length)) return EINVAL;
    this.bytes.set(from, block * BLOCK);
    return 0;
  }

  flush(): Errno {
    return 0;
  }
}

/** A device that has only what was flushed when it is opened again; nothing at all when it forgets to flush. */
class CachedDisk extends PlainDisk {
  readonly medium: Uint8Array;
  readonly #forgetful: boolean;

  constructor(medium: Uint8Array, options: { forgetful: boolean }) {
    super(medium.slice());
    this.medium = medium;
    this.#forgetful = options.forgetful;
  }

  override flush(): Errno {
    if (!this.#forgetful) this.medium.set(this.bytes);
    return 0;
  }
}

function cachedProblems(forgetful: boolean): string[] {
  return blockDeviceProblems(() => new CachedDisk(new Uint8Array(20 * BLOCK), { forgetful }), {
    reopen: (device) => new CachedDisk((device as CachedDisk).medium, { forgetful }),
  });
}

describe('a sound device breaks no rule', () => {
  it.each<[string, () => BlockDevice]>([
    ['MemoryDisk', () => new MemoryDisk('wd0', { blockCount: 100 })],
    ['MemoryDisk with large blocks', () => new MemoryDisk('wd0', { blockCount: 9, blockSize: 4096 })],
    ['MemoryDisk of one block', () => new MemoryDisk('wd0', { blockCount: 1 })],
    ['MemoryDisk of 2^40 blocks', () => new MemoryDisk('wd0', { blockCount: 2 ** 40 })],
    ['plain bytes', () => new PlainDisk()],
  ])('%s', (_, make) => {
    expect(blockDeviceProblems(make)).toEqual([]);
  });

  it('one that keeps what was flushed', () => {
    expect(cachedProblems(false)).toEqual([]);
  });
});

/** A device with a defect, and what the kit has to say about it. */
type Defect = readonly [what: string, make: () => BlockDevice, finding: string];

const DEFECTS: readonly Defect[] = [
  [
    'has no name',
    () =>
      new (class extends PlainDisk {
        override readonly name = '';
      })(),
    'a device has a name, and whole numbers of blocks and of bytes in them: it has no name',
  ],
  [
    'has half a block',
    () =>
      new (class extends PlainDisk {
        override readonly blockCount = 19.5;
      })(),
    'a device has a name, and whole numbers of blocks and of bytes in them: blockCount is 19.5',
  ],
  [
    'has blocks of no bytes',
    () =>
      new (class extends PlainDisk {
        override readonly blockSize = 0;
      })(),
    'a device has a name, and whole numbers of blocks and of bytes in them: blockSize is 0',
  ],
  [
    'writes only the first block of a request',
    () =>
      new (class extends PlainDisk {
        override write(block: number, from: Uint8Array): Errno {
          const errno = super.write(block, from);
          if (errno === 0 && from.length > BLOCK) this.bytes.fill(0, (block + 1) * BLOCK, (block + 2) * BLOCK);
          return errno;
        }
      })(),
    'what is written is read back, and no other block changes: block 0 after writing 8 blocks at 0 has 0 at byte 512',
  ],
  [
    'writes into the next block too',
    () =>
      new (class extends PlainDisk {
        override write(block: number, from: Uint8Array): Errno {
          const errno = super.write(block, from);
          if (errno === 0 && from.length > 0) this.bytes[block * BLOCK + from.length] = 0;
          return errno;
        }
      })(),
    'what is written is read back, and no other block changes: the device after writing 1 blocks at 0 has 0 at byte 512',
  ],
  [
    'changes the buffer that it writes from',
    () =>
      new (class extends PlainDisk {
        override write(block: number, from: Uint8Array): Errno {
          const errno = super.write(block, from);
          from.fill(0);
          return errno;
        }
      })(),
    'what is written is read back, and no other block changes: the buffer that was written has 0 at byte 0',
  ],
  [
    'writes around the buffer that it reads into',
    () =>
      new (class extends PlainDisk {
        override read(block: number, into: Uint8Array): Errno {
          new Uint8Array(into.buffer).fill(1, 0, into.byteOffset);
          return super.read(block, into);
        }
      })(),
    'what is written is read back, and no other block changes: what lies around the buffer has 1 at byte 0',
  ],
  [
    'keeps the buffer that it was given',
    () =>
      new (class extends PlainDisk {
        readonly #given = new Map<number, Uint8Array>();
        override write(block: number, from: Uint8Array): Errno {
          this.#given.set(block, from);
          return super.write(block, from);
        }
        override read(block: number, into: Uint8Array): Errno {
          const given = this.#given.get(block);
          return given === undefined ? super.read(block, into) : super.write(block, given) || super.read(block, into);
        }
      })(),
    'what is written is read back, and no other block changes: block 0 after writing 1 blocks at 0 has 221 at byte 0',
  ],
  [
    'has its last block in the place of its first',
    () =>
      new (class extends PlainDisk {
        override read(block: number, into: Uint8Array): Errno {
          return super.read(block === 19 ? 0 : block, into);
        }
        override write(block: number, from: Uint8Array): Errno {
          return super.write(block === 19 ? 0 : block, from);
        }
      })(),
    'the last block is as good as the first: block 19 has',
  ],
  [
    'keeps its bytes in the buffer that it reads into',
    () =>
      new (class extends PlainDisk {
        #given: Uint8Array | null = null;
        override read(block: number, into: Uint8Array): Errno {
          if (this.#given !== null && block === 0 && into.length === BLOCK) super.write(0, this.#given);
          if (block === 0 && into.length === BLOCK) this.#given = into;
          return super.read(block, into);
        }
      })(),
    'what is read is a copy: block 0 after changing the buffer that it was read into has 221 at byte 0',
  ],
  [
    'reads past its end',
    () =>
      new (class extends PlainDisk {
        override read(block: number, into: Uint8Array): Errno {
          return block === this.blockCount ? 0 : super.read(block, into);
        }
      })(),
    'moves nothing: a read of 512 bytes at block 20 answers OK',
  ],
  [
    'writes what fits of a request that reaches past its end',
    () =>
      new (class extends PlainDisk {
        override write(block: number, from: Uint8Array): Errno {
          const room = (this.blockCount - block) * BLOCK;
          if (room > 0 && room < from.length) super.write(block, from.subarray(0, room));
          return super.write(block, from);
        }
      })(),
    'moves nothing: the device after a refused write of 1024 bytes at block 19 has 238 at byte 3584',
  ],
  [
    'clears the buffer of a read that it refuses',
    () =>
      new (class extends PlainDisk {
        override read(block: number, into: Uint8Array): Errno {
          into.fill(0);
          return super.read(block, into);
        }
      })(),
    'moves nothing: the buffer of a refused read of 512 bytes at block 20 has 0 at byte 0',
  ],
  [
    'refuses with another errno',
    () =>
      new (class extends PlainDisk {
        override read(block: number, into: Uint8Array): Errno {
          return super.read(block, into) && EIO;
        }
      })(),
    'moves nothing: a read of 512 bytes at block -1 answers EIO',
  ],
  [
    'moves parts of blocks',
    () =>
      new (class extends PlainDisk {
        protected override fits(block: number, bytes: number): boolean {
          return super.fits(block, Math.ceil(bytes / BLOCK) * BLOCK);
        }
      })(),
    'moves nothing: a write of 511 bytes at block 0 answers OK',
  ],
  [
    'takes fractions of block numbers',
    () =>
      new (class extends PlainDisk {
        protected override fits(block: number, bytes: number): boolean {
          return super.fits(Math.floor(block), bytes);
        }
      })(),
    'moves nothing: a read of 512 bytes at block 0.5 answers OK',
  ],
  [
    'refuses a request for nothing',
    () =>
      new (class extends PlainDisk {
        protected override fits(block: number, bytes: number): boolean {
          return bytes > 0 && super.fits(block, bytes);
        }
      })(),
    'a request for no blocks succeeds: a write of nothing at block 20 answers EINVAL',
  ],
  [
    'cannot be flushed',
    () =>
      new (class extends PlainDisk {
        override flush(): Errno {
          return EIO;
        }
      })(),
    'flush succeeds, and changes nothing: flush answers EIO',
  ],
  [
    'empties itself when flushed',
    () =>
      new (class extends PlainDisk {
        override flush(): Errno {
          this.bytes.fill(0);
          return 0;
        }
      })(),
    'flush succeeds, and changes nothing: the device after flush has 0 at byte 0',
  ],
  [
    'throws',
    () =>
      new (class extends PlainDisk {
        override flush(): Errno {
          throw new Error('head crash');
        }
      })(),
    'flush succeeds, and changes nothing: it throws Error: head crash',
  ],
];

describe('the kit finds a device that', () => {
  it.each(DEFECTS)('%s', (_, make, finding) => {
    expect(blockDeviceProblems(make)).toContainEqual(expect.stringContaining(finding));
  });

  it('forgets what was flushed', () => {
    expect(cachedProblems(true)).toEqual([
      expect.stringContaining(
        'what was flushed is there when the device is opened again: the device when opened again has 0 at byte 0',
      ),
    ]);
  });
});
