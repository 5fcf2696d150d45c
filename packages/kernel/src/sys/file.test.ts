import { describe, expect, it } from 'vitest';
import { EBADF, EMFILE } from '../kern/errno.js';
import { Kern } from '../kern/kern.js';
import { FileTable, O_APPEND, O_RDONLY, O_RDWR, O_WRONLY, OpenFile } from './file.js';
import { Pipe } from './pipe.js';

function openFile(flags = O_RDWR): OpenFile {
  return new OpenFile({ kind: 'pipe', pipe: new Pipe(new Kern(), 1), end: 'read' }, flags);
}

describe('an open file', () => {
  const modes: [name: string, flags: number, readable: boolean, writable: boolean][] = [
    ['reading', O_RDONLY, true, false],
    ['writing', O_WRONLY, false, true],
    ['both', O_RDWR, true, true],
    ['appending', O_WRONLY | O_APPEND, false, true],
  ];
  for (const [name, flags, readable, writable] of modes) {
    it(`for ${name} can be used for ${name}`, () => {
      const file = openFile(flags);
      expect([file.readable, file.writable, file.offset]).toEqual([readable, writable, 0]);
    });
  }
});

describe('a table of descriptors', () => {
  it('gives the lowest one that is free', () => {
    const table = new FileTable();
    const file = openFile();
    expect([0, 1, 2].map(() => table.allocate(file, 10))).toEqual([0, 1, 2]);
    table.remove(1);
    expect(table.lowestFree(10)).toBe(1);
    expect([table.allocate(file, 10), table.allocate(file, 10)]).toEqual([1, 3]);
    expect(table.open()).toEqual([0, 1, 2, 3]);
  });

  it('gives none beyond the limit', () => {
    const table = new FileTable();
    const file = openFile();
    table.allocate(file, 1);
    expect([table.lowestFree(1), table.allocate(file, 1), table.allocate(file, 0)]).toEqual([-EMFILE, -EMFILE, -EMFILE]);
    expect(file.references).toBe(1);
  });

  it('knows nothing of descriptors that are not open', () => {
    const table = new FileTable();
    for (const fd of [0, -1, 0.5, Number.NaN, 2 ** 40]) expect([table.get(fd), table.remove(fd)]).toEqual([EBADF, EBADF]);
  });

  it('answers the file with its last descriptor only', () => {
    const table = new FileTable();
    const file = openFile();
    table.allocate(file, 10);
    table.place(7, file);
    expect([table.open(), file.references]).toEqual([[0, 7], 2]);
    expect([table.remove(0), table.remove(0), table.remove(7)]).toEqual([null, EBADF, file]);
  });

  it('has a copy that shares the files and where they stand, and is its own otherwise', () => {
    const table = new FileTable();
    const file = openFile();
    table.allocate(file, 10, { closeOnExec: true });
    const copy = table.copy();
    expect(copy.get(0)).toBe(file);
    expect(file.references).toBe(2);
    expect(copy.open({ closeOnExec: true })).toEqual([0]);
    expect(table.remove(0)).toBeNull();
    expect(copy.remove(0)).toBe(file);
  });

  it('tells which descriptors an exec closes', () => {
    const table = new FileTable();
    table.allocate(openFile(), 10, { closeOnExec: true });
    table.allocate(openFile(), 10);
    table.place(5, openFile());
    expect([table.open(), table.open({ closeOnExec: true })]).toEqual([[0, 1, 5], [0]]);
  });
});
