import { describe, expect, it } from 'vitest';
import { EINVAL, EIO, ENOSPC, EROFS, type Errno } from '../kern/errno.js';
import { PAGE_SIZE } from './address.js';
import { fileStoreProblems } from './conformance.js';
import { type FileStore, RamFile } from './file-store.js';

/** A sound store under another, to be broken in one place. Grows in plain bytes, so that it differs from `RamFile` in all but effect. */
class PlainFile implements FileStore {
  readonly name: string = 'plain';
  readonly writable: boolean = true;
  /** Bytes below 8 pages, and the rest by offset. */
  protected readonly near = new Uint8Array(8 * PAGE_SIZE);
  protected readonly far = new Map<number, number>();
  protected end = 0;

  get size(): number {
    return this.end;
  }

  protected byte(offset: number): number {
    return (offset < this.near.length ? this.near[offset] : this.far.get(offset)) ?? 0;
  }

  protected set(offset: number, byte: number): void {
    if (offset < this.near.length) this.near[offset] = byte;
    else this.far.set(offset, byte);
  }

  read(offset: number, into: Uint8Array): Errno {
    const last = Math.min(offset + into.length, this.end);
    into.fill(0);
    if (offset < last) into.set(this.near.subarray(offset, last));
    for (let at = Math.max(offset, this.near.length); at < last; at++) into[at - offset] = this.byte(at);
    return 0;
  }

  write(offset: number, from: Uint8Array): Errno {
    const near = Math.max(0, Math.min(from.length, this.near.length - offset));
    if (near > 0) this.near.set(from.subarray(0, near), offset);
    for (let i = near; i < from.length; i++) this.set(offset + i, from[i] as number);
    if (from.length > 0) this.end = Math.max(this.end, offset + from.length);
    return 0;
  }

  truncate(size: number): Errno {
    this.near.fill(0, size);
    for (const offset of [...this.far.keys()]) if (offset >= size) this.far.delete(offset);
    this.end = size;
    return 0;
  }

  isHole(_offset: number): boolean {
    return false;
  }

  allocate(_offset: number, _length: number): Errno {
    return 0;
  }

  sync(): Errno {
    return 0;
  }
}

/** A store that loses what was written since the last sync when it is opened again, and all of it when `forgetful`. */
class CachedFile extends PlainFile {
  readonly disk: { bytes: Uint8Array; forgetful: boolean };

  constructor(disk: { bytes: Uint8Array; forgetful: boolean } = { bytes: new Uint8Array(), forgetful: false }) {
    super();
    this.disk = disk;
    this.write(0, disk.bytes);
  }

  override sync(): Errno {
    if (this.disk.forgetful) return 0;
    this.disk.bytes = new Uint8Array(this.size);
    return this.read(0, this.disk.bytes);
  }
}

describe('a sound store breaks no rule', () => {
  it.each<[string, () => FileStore]>([
    ['RamFile', () => new RamFile('f')],
    ['a plain array', () => new PlainFile()],
  ])('%s', (_, make) => {
    expect(fileStoreProblems(make)).toEqual([]);
  });

  it('one that keeps what was synced', () => {
    expect(fileStoreProblems(() => new CachedFile(), { reopen: (store) => new CachedFile((store as CachedFile).disk) })).toEqual(
      [],
    );
  });

  it('one that cannot be written, whatever it holds', () => {
    class ReadOnly extends PlainFile {
      override readonly writable = false;
      constructor() {
        super();
        super.write(0, new Uint8Array(100).fill(7));
      }
      override write(): Errno {
        return EROFS;
      }
      override truncate(): Errno {
        return EROFS;
      }
    }
    expect(fileStoreProblems(() => new ReadOnly())).toEqual([]);
  });
});

/** A store with a defect, the rule that it breaks, and what the kit has to say about it. */
type Defect = readonly [what: string, make: () => FileStore, finding: string | RegExp];

const kept: { store: FileStore | null } = { store: null };

const DEFECTS: readonly Defect[] = [
  [
    'is not empty at first',
    () => {
      const store = new PlainFile();
      store.write(0, Uint8Array.of(1, 2, 3));
      return store;
    },
    'a new file is empty and can be written: after nothing at all the size is 3, not 0',
  ],
  [
    'loses the last byte of a write that crosses a page',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const crosses = Math.floor(offset / PAGE_SIZE) !== Math.floor((offset + from.length - 1) / PAGE_SIZE);
          const before = this.byte(offset + from.length - 1);
          const errno = super.write(offset, from);
          if (crosses) this.set(offset + from.length - 1, before);
          return errno;
        }
      })(),
    'what is written is read back, and nothing else changes: a read of what was written at 4095 has',
  ],
  [
    'clears the rest of the page that it writes to',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const errno = super.write(offset, from);
          const end = offset + from.length;
          this.near.fill(0, end, Math.ceil(end / PAGE_SIZE) * PAGE_SIZE);
          return errno;
        }
      })(),
    /^what is written is read back, and nothing else changes: the file after writing 1 bytes at 0 has 0 at byte 1, where/,
  ],
  [
    'grows by whole pages',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const errno = super.write(offset, from);
          this.end = Math.ceil(this.end / PAGE_SIZE) * PAGE_SIZE;
          return errno;
        }
      })(),
    'a file grows to the end of what is written, and a gap before it reads as zeros: ' +
      'after writing 5 bytes at 10 the size is 4096, not 15',
  ],
  [
    'leaves old bytes in a gap',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          if (offset > this.end) this.near.fill(0x55, this.end, offset);
          return super.write(offset, from);
        }
      })(),
    'a file grows to the end of what is written, and a gap before it reads as zeros: the file after writing 5 bytes at 10 has 85',
  ],
  [
    'cuts offsets to 32 bits',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const errno = super.write(offset >>> 0, from);
          this.end = Math.max(this.end, offset + from.length);
          return errno;
        }
        override read(offset: number, into: Uint8Array): Errno {
          return super.read(offset >>> 0, into);
        }
      })(),
    'offsets above 4 GiB are as good as others: a read at 5 has',
  ],
  [
    'is extended by a write of no bytes',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const errno = super.write(offset, from);
          this.end = Math.max(this.end, offset);
          return errno;
        }
      })(),
    'a write of no bytes changes nothing: after writing nothing at 12288 the size is 12288, not 10',
  ],
  [
    'leaves the buffer alone beyond the end',
    () =>
      new (class extends PlainFile {
        override read(offset: number, into: Uint8Array): Errno {
          return super.read(offset, into.subarray(0, Math.max(0, this.end - offset)));
        }
      })(),
    'what lies beyond the end reads as zeros, and reading does not extend the file: a read across the end has 238 at byte 5',
  ],
  [
    'is extended by reading',
    () =>
      new (class extends PlainFile {
        override read(offset: number, into: Uint8Array): Errno {
          const errno = super.read(offset, into);
          this.end = Math.max(this.end, offset + into.length);
          return errno;
        }
      })(),
    'what lies beyond the end reads as zeros, and reading does not extend the file: after reading beyond the end',
  ],
  [
    'writes around the buffer that it reads into',
    () =>
      new (class extends PlainFile {
        override read(offset: number, into: Uint8Array): Errno {
          const whole = new Uint8Array(into.buffer);
          whole[Math.max(0, into.byteOffset - 1)] = 1;
          return super.read(offset, into);
        }
      })(),
    'a new file is empty and can be written: what lies around the buffer has 1 at byte 15, where 238 should be',
  ],
  [
    'changes the buffer that it writes from',
    () =>
      new (class extends PlainFile {
        override write(offset: number, from: Uint8Array): Errno {
          const errno = super.write(offset, from);
          from.fill(0);
          return errno;
        }
      })(),
    'what is written is read back, and nothing else changes: the buffer that was written has 0',
  ],
  [
    'keeps the buffer that it was given',
    () =>
      new (class extends PlainFile {
        #given: { offset: number; bytes: Uint8Array } | null = null;
        override write(offset: number, from: Uint8Array): Errno {
          if (this.#given !== null) super.write(this.#given.offset, this.#given.bytes);
          this.#given = { offset, bytes: from };
          return super.write(offset, from);
        }
      })(),
    'what is written is read back, and nothing else changes: the file after writing',
  ],
  [
    'keeps its bytes in the buffer that it reads into',
    () =>
      new (class extends PlainFile {
        #given: Uint8Array | null = null;
        override read(offset: number, into: Uint8Array): Errno {
          if (this.#given !== null && offset === 0) super.write(0, this.#given.subarray(0, this.end));
          if (offset === 0 && into.length === PAGE_SIZE) this.#given = into;
          return super.read(offset, into);
        }
      })(),
    'what is read is a copy: the file after changing the buffer that was read into has 221 at byte 0',
  ],
  [
    'keeps the old bytes when it is cut',
    () =>
      new (class extends PlainFile {
        override truncate(size: number): Errno {
          this.end = size;
          return 0;
        }
      })(),
    'a truncated file is shorter, and what was cut off reads as zeros for ever: the file after truncate to 12288 and then to 16384',
  ],
  [
    'keeps the old bytes of its last page when it is cut',
    () =>
      new (class extends PlainFile {
        override truncate(size: number): Errno {
          this.near.fill(0, Math.ceil(size / PAGE_SIZE) * PAGE_SIZE);
          this.end = size;
          return 0;
        }
      })(),
    'a truncated file is shorter, and what was cut off reads as zeros for ever: the file after truncate to 8193 and then to 16384',
  ],
  [
    'does not become shorter',
    () =>
      new (class extends PlainFile {
        override truncate(size: number): Errno {
          return super.truncate(Math.max(size, this.end));
        }
      })(),
    'a truncated file is shorter, and what was cut off reads as zeros for ever: after truncate to 12288 the size is 16384, not 12288',
  ],
  [
    'cannot be extended',
    () =>
      new (class extends PlainFile {
        override truncate(size: number): Errno {
          return size > this.end ? EINVAL : super.truncate(size);
        }
      })(),
    'a file that is extended has zeros there: truncate to 8195 answers EINVAL',
  ],
  [
    'calls pages holes that hold something after their first byte',
    () =>
      new (class extends PlainFile {
        override isHole(offset: number): boolean {
          return this.byte(offset - (offset % PAGE_SIZE)) === 0;
        }
        override allocate(offset: number, length: number): Errno {
          return super.allocate(offset, length);
        }
      })(),
    'a page that reads as anything but zeros is no hole: isHole(8192) is true where a byte was written',
  ],
  [
    'answers for a page by its first byte only',
    () =>
      new (class extends RamFile {
        override isHole(offset: number): boolean {
          return offset % PAGE_SIZE !== 0 || super.isHole(offset);
        }
      })('f'),
    'a page that reads as anything but zeros is no hole: isHole(8199) is true where a byte was written',
  ],
  [
    'extends the file when it makes room',
    () =>
      new (class extends PlainFile {
        override allocate(offset: number, length: number): Errno {
          this.end = Math.max(this.end, offset + length);
          return 0;
        }
      })(),
    'allocate makes room, and changes neither size nor bytes: after allocate the size is 12293, not 10',
  ],
  [
    'clears what it makes room for',
    () =>
      new (class extends PlainFile {
        override allocate(offset: number, length: number): Errno {
          this.near.fill(0, offset, offset + length);
          return 0;
        }
      })(),
    'allocate makes room, and changes neither size nor bytes: the file after allocate has 0 at byte 5',
  ],
  [
    'makes no room when asked to',
    () =>
      new (class extends RamFile {
        override allocate(): Errno {
          return 0;
        }
      })('f'),
    'allocate makes room, and changes neither size nor bytes: page 1 is a hole, although there is room for it',
  ],
  [
    'has no room',
    () =>
      new (class extends PlainFile {
        override allocate(): Errno {
          return ENOSPC;
        }
      })(),
    'allocate makes room, and changes neither size nor bytes: allocate of 3 pages at 5 answers ENOSPC',
  ],
  [
    'cannot be synced',
    () =>
      new (class extends PlainFile {
        override sync(): Errno {
          return EIO;
        }
      })(),
    'sync succeeds, and changes nothing: sync answers EIO',
  ],
  [
    'empties itself when synced',
    () =>
      new (class extends PlainFile {
        override sync(): Errno {
          return this.truncate(0);
        }
      })(),
    'sync succeeds, and changes nothing: after sync the size is 0, not 8195',
  ],
  [
    'is wrong once in many operations',
    () =>
      new (class extends PlainFile {
        #writes = 0;
        override write(offset: number, from: Uint8Array): Errno {
          this.#writes++;
          return super.write(offset + (this.#writes % 40 === 0 ? 1 : 0), from);
        }
      })(),
    /^a random sequence of operations gives what a plain array gives: (after|the file after) operation \d+ of the sequence/,
  ],
  [
    'shares its bytes with another',
    () => {
      kept.store ??= new PlainFile();
      kept.store.truncate(0);
      return kept.store;
    },
    'two files have nothing to do with each other: after writing to another file the size is 10, not 0',
  ],
  [
    'throws',
    () =>
      new (class extends PlainFile {
        override sync(): Errno {
          throw new Error('out of order');
        }
      })(),
    'sync succeeds, and changes nothing: it throws Error: out of order',
  ],
  [
    'says that it cannot be written, and can',
    () =>
      new (class extends PlainFile {
        override readonly writable = false;
      })(),
    'a file that is not writable refuses to be changed, with an errno: write answers OK',
  ],
];

describe('the kit finds a store that', () => {
  it.each(DEFECTS)('%s', (_, make, finding) => {
    const matching = typeof finding === 'string' ? expect.stringContaining(finding) : expect.stringMatching(finding);
    expect(fileStoreProblems(make)).toContainEqual(matching);
  });

  it('forgets what was synced', () => {
    const found = fileStoreProblems(() => new CachedFile({ bytes: new Uint8Array(), forgetful: true }), {
      reopen: (store) => new CachedFile((store as CachedFile).disk),
    });
    expect(found).toContain(
      'what was synced is there when the file is opened again: after a write, sync and opening it again the size is 0, not 12293',
    );
  });

  it('changes although it says that it cannot be written', () => {
    const found = fileStoreProblems(
      () =>
        new (class extends PlainFile {
          override readonly writable = false;
          override write(offset: number, from: Uint8Array): Errno {
            super.write(offset, from);
            return EROFS;
          }
          override truncate(): Errno {
            return EROFS;
          }
        })(),
    );
    expect(found).toEqual([
      'a file that is not writable refuses to be changed, with an errno: after trying to change it the size is 1, not 0',
      expect.stringContaining('the file after trying to change it has 98 at byte 0'),
    ]);
  });
});
