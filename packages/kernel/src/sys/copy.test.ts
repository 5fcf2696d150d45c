import { describe, expect, it } from 'vitest';
import { mapAnon, PAGE } from '../../test/cases/support.js';
import { act, bootProcess, expectNoLeak } from '../../test/harness.js';
import { EFAULT } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { PROT_READ } from '../machine/protection.js';
import type { Sys } from './sys.js';
import type { User } from './user.js';

/** Has a process copy something with four pages of memory at hand. */
function copying<T>(job: (sys: Sys, at: number, user: User) => Step<T>): T {
  const { system, process } = bootProcess();
  const value = act(system, process, function* (user) {
    const at = yield* mapAnon(user, 4);
    return yield* job(system.sys, at, user);
  });
  expectNoLeak(system);
  return value;
}

describe('copyout and copyin', () => {
  it('move bytes across pages, bringing them in as need be', () => {
    const [bytes, faults] = copying(function* (sys, at) {
      const from = Uint8Array.from({ length: 2 * PAGE }, (_, i) => i % 251);
      expect(yield* sys.copyout(at + 100, from)).toBe(0);
      const into = new Uint8Array(2 * PAGE);
      expect(yield* sys.copyin(at + 100, into)).toBe(0);
      return [into, from] as const;
    });
    expect(bytes).toEqual(faults);
  });

  it('move nothing to nowhere', () => {
    const answers = copying(function* (sys) {
      return [yield* sys.copyout(0, new Uint8Array(0)), yield* sys.copyin(-1, new Uint8Array(0))];
    });
    expect(answers).toEqual([0, 0]);
  });

  it('answer EFAULT where the program could not go itself, having moved what lies before', () => {
    const answers = copying(function* (sys, at, user) {
      yield* user.mprotect(at + PAGE, PAGE, PROT_READ);
      yield* user.munmap(at + 2 * PAGE, PAGE);
      const out = yield* sys.copyout(at + PAGE - 2, Uint8Array.of(1, 2, 3, 4));
      const into = new Uint8Array(4).fill(9);
      const past = yield* sys.copyin(at + 2 * PAGE - 2, into);
      return [out, yield* user.load8(at + PAGE - 1), past, ...into];
    });
    expect(answers).toEqual([EFAULT, 2, EFAULT, 0, 0, 9, 9]);
  });

  it('answer EFAULT for addresses that there are not', () => {
    for (const address of [0, -1, -PAGE, 2 ** 47, 2 ** 52]) {
      expect(
        copying((sys) => sys.copyout(address, Uint8Array.of(1))),
        String(address),
      ).toBe(EFAULT);
      expect(
        copying((sys) => sys.copyin(address, new Uint8Array(1))),
        String(address),
      ).toBe(EFAULT);
    }
  });

  it('leave faults of the program itself to the program afterwards', () => {
    const seen = copying(function* (sys, _at, user) {
      const signals: number[] = [];
      user.sigaction(11, function* (info) {
        signals.push(info.address);
        yield* user.munmap(0x100000, PAGE);
        return 'skip';
      });
      yield* sys.copyout(0x5000, Uint8Array.of(1));
      yield* sys.copyin(0x5000, new Uint8Array(1));
      expect(signals).toEqual([]);
      yield* user.load8(0x5000);
      return signals;
    });
    expect(seen).toEqual([0x5000]);
  });
});
