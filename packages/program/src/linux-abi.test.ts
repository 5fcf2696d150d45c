import {
  CLONE_VFORK,
  CLONE_VM,
  MADV_FREE,
  MAP_ANON,
  MAP_FIXED,
  MAP_INHERIT_NONE,
  MAP_PRIVATE,
  MAP_SHARED,
  MAP_TRYFIXED,
  MAP_WIRED,
  MCL_CURRENT,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  PROT_EXEC,
  PROT_READ,
  SIGBUS,
  SIGCHLD,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import {
  hasFlag,
  linuxConstant,
  netbsdAdvice,
  netbsdCloneFlags,
  netbsdMapFlags,
  netbsdMlockallFlags,
  netbsdMlockFlags,
  netbsdMremapFlags,
  netbsdMsyncFlags,
  netbsdOpenFlags,
  netbsdProtection,
  netbsdSignal,
} from './linux-abi.js';

/** The number of some names together. */
const linux = (...names: string[]): number => names.reduce((sum, name) => sum + (linuxConstant(name) ?? Number.NaN), 0);

describe('flags of Linux', () => {
  it('become those of NetBSD', () => {
    expect(netbsdProtection(linux('PROT_READ', 'PROT_EXEC'))).toEqual({ value: PROT_READ | PROT_EXEC, untranslated: [] });
    expect(netbsdMapFlags(linux('MAP_PRIVATE', 'MAP_ANONYMOUS', 'MAP_FIXED', 'MAP_LOCKED'))).toEqual({
      value: MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_WIRED,
      untranslated: [],
    });
    expect(netbsdMapFlags(linux('MAP_SHARED_VALIDATE', 'MAP_FIXED_NOREPLACE')).value).toBe(MAP_SHARED | MAP_TRYFIXED);
    expect(netbsdOpenFlags(0o1101)).toEqual({ value: O_CREAT | O_TRUNC | O_WRONLY, untranslated: [] });
    expect(netbsdOpenFlags(linux('O_RDWR', 'O_APPEND', 'O_CLOEXEC')).value).toBe(O_RDWR | O_APPEND | O_CLOEXEC);
    expect(netbsdMsyncFlags(linux('MS_SYNC', 'MS_INVALIDATE'))).toEqual({ value: 6, untranslated: [] });
    expect(netbsdCloneFlags(linux('CLONE_VM', 'CLONE_VFORK') + 17)).toEqual({
      value: CLONE_VM | CLONE_VFORK | SIGCHLD,
      untranslated: [],
    });
  });

  it('are named where NetBSD has nothing of the kind', () => {
    expect(netbsdMapFlags(linux('MAP_PRIVATE', 'MAP_POPULATE', 'MAP_HUGETLB') + 21 * 2 ** 26)).toEqual({
      value: MAP_PRIVATE,
      untranslated: ['MAP_POPULATE', 'MAP_HUGETLB', '21<<MAP_HUGE_SHIFT'],
    });
    expect(netbsdProtection(linux('PROT_GROWSDOWN') + 0x40).untranslated).toEqual(['PROT_GROWSDOWN', '0x40']);
    expect(netbsdMlockallFlags(5)).toEqual({ value: MCL_CURRENT, untranslated: ['MCL_ONFAULT'] });
    expect(netbsdMlockFlags(1).untranslated).toEqual(['MLOCK_ONFAULT']);
    expect(netbsdCloneFlags(linux('CLONE_INTO_CGROUP', 'CLONE_SETTLS') + 9)).toEqual({
      value: 0,
      untranslated: ['CLONE_SETTLS', 'CLONE_INTO_CGROUP', 'signal 9'],
    });
  });

  it('that Linux ignores are dropped', () => {
    expect(netbsdMapFlags(linux('MAP_PRIVATE', 'MAP_DENYWRITE', 'MAP_EXECUTABLE'))).toEqual({
      value: MAP_PRIVATE,
      untranslated: [],
    });
    expect(netbsdOpenFlags(linux('O_LARGEFILE'))).toEqual({ value: 0, untranslated: [] });
  });

  it('tell a synchronous file from one whose data alone is', () => {
    expect(netbsdOpenFlags(linux('O_SYNC')).value).toBe(0x80);
    expect(netbsdOpenFlags(linux('O_DSYNC')).value).toBe(0x10000);
    expect(netbsdOpenFlags(linux('O_TMPFILE') + 2)).toEqual({ value: O_RDWR, untranslated: ['O_TMPFILE'] });
    expect(netbsdOpenFlags(linux('O_DIRECTORY')).untranslated).toEqual([]);
  });

  it('say whether a mapping may move, which NetBSD has to be told only when it may not', () => {
    expect(netbsdMremapFlags(1).value).toBe(0);
    expect(netbsdMremapFlags(0).value).toBe(MAP_FIXED);
    expect(netbsdMremapFlags(7)).toEqual({ value: MAP_FIXED, untranslated: ['MREMAP_DONTUNMAP'] });
  });

  it('survive numbers that are no flags', () => {
    expect(netbsdProtection(-1).untranslated).toHaveLength(4);
    expect(netbsdMapFlags(-1).value & MAP_FIXED).toBe(MAP_FIXED);
    expect(netbsdMapFlags(2 ** 52 + 2)).toEqual({ value: MAP_PRIVATE, untranslated: [] });
    expect(netbsdProtection(2 ** 40).untranslated).toEqual(['0x10000000000']);
  });

  it('can be asked for by name', () => {
    expect(hasFlag(0x100000100, 'CLONE_CLEAR_SIGHAND')).toBe(true);
    expect(hasFlag(0x100000100, 'CLONE_INTO_CGROUP')).toBe(false);
    expect(() => hasFlag(0, 'MAP_NONSENSE')).toThrow('MAP_NONSENSE is no flag');
  });
});

describe('advice of Linux', () => {
  it('is given by madvise, by minherit, or not at all', () => {
    expect(netbsdAdvice(8)).toEqual({ call: 'madvise', name: 'MADV_FREE', advice: MADV_FREE });
    expect(netbsdAdvice(10)).toEqual({ call: 'minherit', name: 'MADV_DONTFORK', inheritance: MAP_INHERIT_NONE });
    expect(netbsdAdvice(14)).toEqual({ call: 'none', name: 'MADV_HUGEPAGE' });
    // Numbers that NetBSD would take for something else.
    expect(netbsdAdvice(5)).toBeUndefined();
    expect(netbsdAdvice(6)).toBeUndefined();
  });
});

describe('signals of Linux', () => {
  it('have NetBSD’s numbers', () => {
    expect(netbsdSignal('SIGBUS')).toBe(SIGBUS);
    expect(netbsdSignal('SIGCHLD')).toBe(SIGCHLD);
    expect(netbsdSignal('SIGKILL')).toBe(9);
    expect(netbsdSignal('SIGUSR1')).toBe(30);
    expect(netbsdSignal('SIGRTMIN')).toBeUndefined();
  });
});
