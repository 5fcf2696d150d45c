import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from './folders.js';

it('makes a folder with those it lies in, and leaves one alone that is there', () => {
  const root = mkdtempSync(join(tmpdir(), 'faultline-folders-'));
  makeFolder(join(root, 'a', 'b'));
  makeFolder(join(root, 'a', 'b'));
  expect(existsSync(join(root, 'a', 'b'))).toBe(true);
  rmSync(root, { recursive: true });
});

it.runIf(existsSync('/proc/self'))('comes to an end where no folder can be made', () => {
  expect(() => makeFolder('/proc/faultline')).toThrow(/ENOENT|EACCES|EPERM/);
});
