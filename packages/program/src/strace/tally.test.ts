import { expect, it } from 'vitest';
import { Tally } from './tally.js';

it('says nothing of what has not happened', () => {
  const tally = new Tally();
  tally.count('alive', 0);
  expect(tally.remarks()).toEqual([]);
});

it('counts things, and says how many there were', () => {
  const tally = new Tally();
  tally.count('strangers');
  tally.count('strangers', 2);
  expect(tally.of('strangers')).toBe(3);
  expect(tally.of('alive')).toBe(0);
  expect(tally.remarks()).toEqual([expect.stringMatching(/^processes that appear from nowhere.*: 3$/)]);
});

it('lists names, the most frequent first, and equals in order', () => {
  const tally = new Tally();
  for (const name of ['stat', 'close', 'stat', 'access']) tally.name('noEffect', name);
  expect(tally.remarks()).toEqual([expect.stringMatching(/: stat 2, access 1, close 1$/)]);
});

it('counts names together when there are more of them than a list should have', () => {
  const tally = new Tally();
  for (let i = 0; i < 1000; i++) tally.name('flags', `FLAG_${i}`);
  tally.name('flags', 'FLAG_7');
  const [remark = ''] = tally.remarks();
  expect(remark).toContain('others 800, FLAG_7 2, FLAG_0 1');
  expect(remark.split(', ').length).toBe(202);
});

it('shows the first of the lines that are no strace lines, and counts the others', () => {
  const tally = new Tally();
  tally.badLine('log:3:1: expected a system call');
  tally.badLine('log:9:1: expected a system call');
  expect(tally.remarks()).toEqual([expect.stringMatching(/skipped: 2, the first log:3:1: expected a system call$/)]);
});
