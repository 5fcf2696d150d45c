import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryDir } from '../test/temporary.js';
import { HostFileError } from './host-error.js';
import { textPieces } from './text-pieces.js';

const { path: dir, file } = temporaryDir();

describe('the text of a file', () => {
  it('comes in pieces that together are all of it', () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join('');
    const pieces = [...textPieces(file(text))];
    expect(pieces.join('') === text).toBe(true);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(256 * 1024);
  });

  it('is nothing for an empty file', () => {
    expect([...textPieces(file(''))]).toEqual([]);
  });

  it.each(['ß', '…', '𝄞'])('has the character %s whole wherever the edge of a piece falls in it', (character) => {
    for (let before = 0; before < 4; before++) {
      const text = `${'x'.repeat(before)}${character.repeat(200_000)}`;
      const pieces = [...textPieces(file(text))];
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.join('') === text).toBe(true);
      for (const piece of pieces) expect(piece).not.toMatch(/[\p{Surrogate}\ufffd]/u);
    }
  });

  it('has U+FFFD for bytes that are no text, also for a character that the end cuts off', () => {
    const bytes = Uint8Array.of(0x61, 0xff, 0x62, 0xe2, 0x80);
    expect([...textPieces(file(bytes))].join('')).toBe('a\ufffdb\ufffd');
  });

  it('can be read twice, and by two at a time', () => {
    const path = file('first\nsecond\n');
    const pieces = textPieces(path);
    expect([...textPieces(path)]).toEqual(['first\nsecond\n']);
    expect([...pieces]).toEqual(['first\nsecond\n']);
  });

  it('lets go of the file when the reader stops early', () => {
    const path = file('x'.repeat(600_000));
    // The host gives out the lowest number that is free.
    const nextDescriptor = (): number => {
      const descriptor = openSync(path, 'r');
      closeSync(descriptor);
      return descriptor;
    };
    const free = nextDescriptor();
    for (const _ of textPieces(path)) break;
    expect(nextDescriptor()).toBe(free);
  });
});

describe('a file that is no text', () => {
  it.each([
    ['missing', join(dir, 'nowhere'), 'there is no such file; check the path'],
    ['a directory', dir, 'this is a directory; name a file.'],
    ['below a file', join(file('x'), 'more'), 'a part of this path is a file, not a directory'],
    ['compressed', file(gzipSync('a log')), 'it is compressed; unpack it first'],
  ])('is an error with a sentence when it is %s', (_, path, sentence) => {
    const read = () => [...textPieces(path)];
    expect(read).toThrow(HostFileError);
    expect(read).toThrow(`${path}: ${sentence}`);
  });
});
