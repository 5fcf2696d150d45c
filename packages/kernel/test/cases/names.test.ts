/**
 * The cases with known answers that a UVM kernel has to have, by name: each has a test whose title begins with it.
 *
 * From NetBSD's tests (tests/lib/libc/sys, with FreeBSD's copies, which say where the two differ) and its older regression programs, from
 * the UVM paper (Cranor and Parulkar, USENIX 1999) and the Mach papers.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const SYSTEM_CALLS = [
  'mlock_limits',
  'mlock_err',
  'mlock_nested',
  'mlock_mmap',
  'munlock_unlocked',
  'mlock_unaligned',
  'mlock_clip',
  'msync_err',
  'msync_async',
  'msync_sync',
  'msync_invalidate',
  'mincore_err',
  'mincore_resid',
  'mincore_shmseg',
  'madvise_dontneed',
  'mmap_truncate_signal',
  'mmap_truncate',
  'mmap_err',
  'mmap_prot_1',
  'mmap_prot_2',
  'mmap_prot_3',
  'mmap_hint',
  'mmap_reprotect_race',
  'mmap_loan',
  'mprotect_access',
  'mprotect_err',
  'mprotect_write',
  'minherit_copy',
  'minherit_share',
  'minherit_none',
  'minherit_zero',
  'minherit_bad',
  'mlock_truncate',
  'munlock_unmapped',
  'the residency walk',
  'a mapped file',
];
const PAPERS = [
  'fig3',
  'fig3 then the child writes the middle',
  'fig3 then the child exits',
  'wiring and map entries',
  'clustered pageout',
  'map, fault, unmap of one page',
  'page faults against neighbours',
  "Mach's mapped files",
];
const CONCURRENCY = ['mapbench LOCAL'];

/** The text of all files of tests beside this one. */
const sources = readdirSync(new URL('.', import.meta.url))
  .filter((name) => name.endsWith('.test.ts') && name !== 'names.test.ts')
  .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
  .join('\n');

/** The beginnings of titles: of a test, of a group, or what a loop over names puts first. */
function hasTest(name: string): boolean {
  const written = name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const title = new RegExp(`\\b(?:it|describe)\\(\\s*(['"\`])${written}(?::|\\1)`);
  const looped = new RegExp(`^\\s*\\['${written}', .*\\],$`, 'm');
  return title.test(sources) || (looped.test(sources) && sources.includes('it(`$' + '{name}: '));
}

describe('the cases with known answers', () => {
  it.each([...SYSTEM_CALLS, ...PAPERS, ...CONCURRENCY])('%s has a test', (name) => {
    expect(hasTest(name)).toBe(true);
  });

  it('are told from those that are not there', () => {
    expect([hasTest('mlock'), hasTest('shared_shadow'), hasTest('name')]).toEqual([false, false, false]);
  });
});
