/** An error that is the host's own: a limit on the size of files. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeArguments, packageDir } from './child.js';
import { temporaryDir } from './temporary.js';

const { file } = temporaryDir();
const SIZE = 1 << 20;

describe('a page that the host refuses to write', () => {
  it('is what msync tells, by the errno that stands for it; other pages are written', () => {
    const path = file(new Uint8Array(SIZE));
    // So many blocks, which are of 512 or 1024 bytes: more than a page, and less than the file.
    const limited = ['-c', 'ulimit -f 64; exec "$@"', 'sh', process.execPath, ...nodeArguments('limited-writer.mjs'), path];
    const { stdout, stderr } = spawnSync('sh', limited, { cwd: packageDir, encoding: 'utf8' });
    expect(`${stdout}${stderr}`).toBe('OK\nEFBIG\n');
    const bytes = readFileSync(path);
    expect([bytes.length, bytes.readUInt32LE(0), bytes.readUInt32LE(SIZE - 4096)]).toEqual([SIZE, 0x6c6c6c6c, 0]);
  });
});
