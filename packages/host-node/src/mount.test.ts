import { describe, expect, it } from 'vitest';
import { parseHostMount } from './mount.js';

describe('an option that brings a file of the host in', () => {
  it.each([
    ['data.bin', 'data.bin', 'data.bin', 'read-write'],
    ['/etc/services:ro', '/etc/services', '/etc/services', 'read-only'],
    ['out/table:/etc/table', 'out/table', '/etc/table', 'read-write'],
    ['out/table:/etc/table:ro', 'out/table', '/etc/table', 'read-only'],
    // Only what begins with a slash is a name: other colons are the path's.
    ['a:b', 'a:b', 'a:b', 'read-write'],
    ['a:b:/c', 'a:b', '/c', 'read-write'],
    ['a:ro:/c', 'a:ro', '/c', 'read-write'],
  ])('%s', (text, path, name, access) => {
    expect(parseHostMount(text)).toEqual({ path, name, access });
  });

  it.each(['', ':ro', ':/etc/table'])('is an error with a sentence when it names no file: "%s"', (text) => {
    expect(() => parseHostMount(text)).toThrow('there is no path in this; write HOSTPATH, or HOSTPATH:/NAME.');
  });
});
