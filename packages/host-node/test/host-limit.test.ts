/** An error that is the host's own: a limit on the size of files. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withSmallFiles } from './child.js';
import { temporaryDir } from './temporary.js';

const { file } = temporaryDir();
const SIZE = 1 << 20;

describe('a page that the host refuses to write', () => {
  it('is what msync tells, by the errno that stands for it; other pages are written', () => {
    const path = file(new Uint8Array(SIZE));
    // More than a page, and less than the file.
    expect(withSmallFiles(64, 'limited-writer.mjs', path)).toBe('OK\nEFBIG\n');
    const bytes = readFileSync(path);
    expect([bytes.length, bytes.readUInt32LE(0), bytes.readUInt32LE(SIZE - 4096)]).toEqual([SIZE, 0x6c6c6c6c, 0]);
  });
});
