import { expect, it } from 'vitest';
import { PROT_ALL, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, protectionText } from './protection.js';

it.each([
  [PROT_NONE, '---'],
  [PROT_READ, 'r--'],
  [PROT_WRITE, '-w-'],
  [PROT_EXEC, '--x'],
  [PROT_READ | PROT_WRITE, 'rw-'],
  [PROT_ALL, 'rwx'],
])('protection %s is written %s', (protection, text) => {
  expect(protectionText(protection)).toBe(text);
});

it('consists of the bits of mmap(2)', () => {
  expect([PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC, PROT_ALL]).toEqual([0, 1, 2, 4, 7]);
});
