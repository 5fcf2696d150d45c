import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { EROFS, fileStoreProblems, PAGE_SIZE } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../test/temporary.js';
import { HostFileError } from './host-error.js';
import { HostFile } from './host-file.js';

const { path: dir, fresh, file } = temporaryDir();

const page = (byte: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(byte);

function created(): HostFile {
  return new HostFile(fresh(), { access: 'create' });
}

function bytesOf(store: HostFile, offset: number, length: number): number[] {
  const bytes = new Uint8Array(length).fill(0xee);
  expect(store.read(offset, bytes)).toBe(0);
  return [...bytes];
}

describe('a file of the host', () => {
  it('does all that a file store has to do, and keeps what was synced', () => {
    const reopen = (store: unknown): HostFile => {
      if (!(store instanceof HostFile)) throw new Error('the kit gives back what it was given');
      store.close();
      return new HostFile(store.path);
    };
    expect(fileStoreProblems(created, { reopen })).toEqual([]);
  });

  it('does all that a file store has to do that cannot be written', () => {
    const path = file('some content');
    expect(fileStoreProblems(() => new HostFile(path, { access: 'read-only' }))).toEqual([]);
    expect(readFileSync(path, 'utf8')).toBe('some content');
  });

  it('has the content of the file, and changes the file itself', () => {
    const path = file('hello, world');
    const store = new HostFile(path, { name: '/greeting' });
    expect([store.name, store.path, store.size]).toEqual(['/greeting', path, 12]);
    expect(Buffer.from(bytesOf(store, 7, 5)).toString()).toBe('world');
    expect(store.write(7, Buffer.from('there'))).toBe(0);
    expect(store.truncate(11)).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe('hello, ther');
  });

  it('is called by its path unless it gets another name', () => {
    const path = file('');
    expect(new HostFile(path).name).toBe(path);
  });

  it('is as large as it was when it was opened, whatever others do to it', () => {
    const path = file('1234');
    const store = new HostFile(path);
    writeFileSync(path, '12345678');
    expect([store.size, bytesOf(store, 2, 4)]).toEqual([4, [0x33, 0x34, 0, 0]]);
    writeFileSync(path, '1');
    expect([store.size, bytesOf(store, 0, 4)]).toEqual([4, [0x31, 0, 0, 0]]);
  });
});

describe('the holes of a file of the host', () => {
  const holes = (store: HostFile): boolean[] => [0, 1, 2, 3, 4].map((index) => store.isHole(index * PAGE_SIZE));

  it('are none in what was there when it was opened, even where there are some', () => {
    const sparse = created();
    expect(sparse.truncate(5 * PAGE_SIZE)).toBe(0);
    expect(holes(sparse)).toEqual([true, true, true, true, true]);
    sparse.close();
    expect(holes(new HostFile(sparse.path))).toEqual([false, false, false, false, false]);
  });

  it('are where it was extended and nothing was written', () => {
    //   page     0     1     2     3     4
    //         [### ][    ][    ][    ][    ]   3 bytes, extended to 5 pages
    //         [### ][    ][####][    ][####]   pages 2 and 4 written
    //         [### ][    ][##]                 cut in the middle of page 2, then extended again
    const store = new HostFile(file('abc'));
    expect(store.truncate(5 * PAGE_SIZE)).toBe(0);
    expect(holes(store)).toEqual([false, true, true, true, true]);
    expect(store.write(2 * PAGE_SIZE, page(1))).toBe(0);
    expect(store.write(4 * PAGE_SIZE, page(2))).toBe(0);
    expect(holes(store)).toEqual([false, true, false, true, false]);
    expect(store.truncate(2 * PAGE_SIZE + 100)).toBe(0);
    expect(store.truncate(5 * PAGE_SIZE)).toBe(0);
    expect(holes(store)).toEqual([false, true, false, true, true]);
    expect(store.write(PAGE_SIZE, page(3))).toBe(0);
    expect(holes(store)).toEqual([false, false, false, true, true]);
  });

  it('have room on the host once it was asked for, and still read as zeros', () => {
    const store = created();
    const blocks = (): number => statSync(store.path).blocks;
    expect(store.write(0, page(1))).toBe(0);
    expect(store.truncate(64 * PAGE_SIZE)).toBe(0);
    const sparse = blocks();
    expect(store.allocate(PAGE_SIZE, 60 * PAGE_SIZE)).toBe(0);
    expect(store.sync()).toBe(0);
    expect(blocks()).toBeGreaterThan(sparse);
    expect(store.size).toBe(64 * PAGE_SIZE);
    expect(new Set(bytesOf(store, PAGE_SIZE, 63 * PAGE_SIZE))).toEqual(new Set([0]));
    expect(new Set(bytesOf(store, 0, PAGE_SIZE))).toEqual(new Set([1]));
  });

  it('keep nothing from being written that has its room', () => {
    const store = new HostFile(file(page(7)));
    expect(store.allocate(0, PAGE_SIZE)).toBe(0);
    expect(new Set(bytesOf(store, 0, PAGE_SIZE))).toEqual(new Set([7]));
  });
});

describe('a file that cannot be opened', () => {
  const missing = join(dir, 'nowhere');
  it.each([
    ['missing', missing, {}, 'there is no such file; check the path, or ask for it to be made.'],
    ['missing its directory', join(missing, 'file'), { access: 'create' }, 'there is no such file'],
    ['a directory', dir, { access: 'read-only' }, 'this is not a regular file; name one that is.'],
    ['a directory that is to be written', dir, {}, 'this is a directory; name a file.'],
    ['no regular file', '/dev/null', {}, 'this is not a regular file; name one that is.'],
    // The program that runs this test: the host lets nobody write to it, be it by its permissions or because it is running.
    ['not to be written', process.execPath, {}, /: (it is a program|the host does not permit).* open it read-only\.$/],
  ] as const)('is an error with a sentence when it is %s', (_, path, options, sentence) => {
    const open = () => new HostFile(path, options);
    expect(open).toThrow(HostFileError);
    expect(open).toThrow(typeof sentence === 'string' ? `${path}: ${sentence}` : sentence);
  });

  it.runIf(process.platform !== 'win32')('is refused when it is a pipe, instead of waiting for someone to write to it', () => {
    const pipe = join(dir, 'pipe');
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', pipe]);
    expect(() => new HostFile(pipe, { access: 'read-only' })).toThrow(`${pipe}: this is not a regular file; name one that is.`);
  });

  it('is not made by the attempt', () => {
    expect(() => new HostFile(missing)).toThrow(HostFileError);
    expect(existsSync(missing)).toBe(false);
  });
});

describe('a file that was opened read-only', () => {
  it('refuses to make room', () => {
    expect(new HostFile(file('x'), { access: 'read-only' }).allocate(0, 1)).toBe(EROFS);
  });
});

describe('a file that was closed', () => {
  it('is a mistake to use, and may be closed again', () => {
    const store = created();
    store.close();
    store.close();
    const closed = /it has been closed; close it only when no system uses it any more\.$/;
    expect(() => store.read(0, new Uint8Array(1))).toThrow(closed);
    expect(() => store.write(0, new Uint8Array(1))).toThrow(closed);
    expect(() => store.sync()).toThrow(closed);
  });
});
