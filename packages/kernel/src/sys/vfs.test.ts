import { describe, expect, it } from 'vitest';
import { boot } from '../../test/harness.js';
import { RamFile } from '../machine/file-store.js';
import { Vfs } from './vfs.js';

describe('a path', () => {
  const paths: [path: string, name: string][] = [
    ['/a/b', '/a/b'],
    ['a/b', '/a/b'],
    ['./a//b/', '/a/b'],
    ['/a/./b/../c', '/a/c'],
    ['../../a', '/a'],
    ['', '/'],
    ['/a/...', '/a/...'],
  ];
  for (const [path, name] of paths) it(`"${path}" is the name "${name}"`, () => expect(Vfs.normalize(path)).toBe(name));
});

describe('the names of files', () => {
  it('lead to a file by any path, until it is removed', () => {
    const { vfs } = boot().sys;
    const vnode = vfs.add('/a/b', new RamFile('b'));
    expect([vfs.lookup('a/./b'), vfs.lookup('/a'), vfs.lookup('/a/B')]).toEqual([vnode, null, null]);
    expect([vfs.remove('/a//b'), vfs.remove('/a/b'), vfs.lookup('/a/b')]).toEqual([vnode, null, null]);
  });

  it('are free or not: a second file of a name is refused', () => {
    const { vfs } = boot().sys;
    vfs.add('/a', new RamFile('a'));
    expect(() => vfs.add('a', new RamFile('a'))).toThrow('there is a file named /a already');
  });

  it('are listed in the order in which they were made', () => {
    const { vfs } = boot().sys;
    for (const name of ['/z', '/a', '/m']) vfs.add(name, new RamFile(name));
    vfs.remove('/a');
    vfs.add('/a', new RamFile('/a'));
    expect(vfs.entries().map(([name]) => name)).toEqual(['/z', '/m', '/a']);
  });
});
