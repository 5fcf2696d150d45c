/** What a program was given: the watched build keeps a digest of it, which stands for what is in the program's variables. */
import { describe, expect, it } from 'vitest';
import { MAP_ANON, MAP_PRIVATE, SIGSEGV, type Step, type User } from '../../src/index.js';
import type { Lwp } from '../../src/kern/lwp.js';
import { PAGE_SIZE } from '../../src/machine/address.js';
import { act, bootProcess } from '../harness.js';

const RW = 3;
const OWN = MAP_ANON | MAP_PRIVATE;

function historyOf(lwp: Lwp | undefined): string {
  return `${lwp?.history.high} ${lwp?.history.low}`;
}

/** The history of a thread that has done something. */
function historyAfter(job: (user: User) => Step<unknown>): string {
  const { system, process } = bootProcess();
  act(system, process, job);
  return historyOf(process.lwps[0]);
}

/** Stores a number and loads it again. */
function passing(value: number, then: (user: User, address: number) => Step<unknown> = nothingMore) {
  return function* (user: User): Step<void> {
    const address = yield* user.mmap(0, PAGE_SIZE, RW, OWN);
    yield* user.store32(address, value);
    yield* user.load32(address);
    yield* then(user, address);
  };
}

function* nothingMore(): Step<void> {}

describe('the history of a program', () => {
  it('is the same after the same, and another one after another value', () => {
    expect(historyAfter(passing(1))).toBe(historyAfter(passing(1)));
    expect(historyAfter(passing(1))).not.toBe(historyAfter(passing(2)));
  });

  it('tells one place from another where nothing new was given', () => {
    const twice = passing(1, (user, address) => user.store32(address, 1));
    expect(historyAfter(twice)).not.toBe(historyAfter(passing(1)));
    const other = passing(1, (user, address) => user.store8(address, 1));
    expect(historyAfter(other)).not.toBe(historyAfter(twice));
  });

  it('knows of what was put into an array of the program', () => {
    const reading = (value: number) => passing(value, (user, address) => user.loadBytes(address, new Uint8Array(4)));
    expect(historyAfter(reading(1))).not.toBe(historyAfter(reading(2)));
  });

  it('knows of signals', () => {
    const caught = (address: number) =>
      historyAfter(function* (user) {
        // biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
        user.sigaction(SIGSEGV, function* () {
          return 'skip';
        });
        yield* user.load8(address);
      });
    expect(caught(0x5000)).toBe(caught(0x5000));
    expect(caught(0x5000)).not.toBe(caught(0x6000));
  });

  it('is over with a label, but for the values that live on', () => {
    const labelled = (value: number, live: number) =>
      historyAfter(
        passing(value, (user) => {
          user.label('again', live);
          return nothingMore();
        }),
      );
    expect(labelled(1, 5)).toBe(labelled(2, 5));
    expect(labelled(1, 5)).not.toBe(labelled(1, 6));
  });

  it('is that of its parent where a thread begins: which program it is may depend on it', () => {
    const childAfter = (value: number): string => {
      const { system, process } = bootProcess();
      let child: Lwp | undefined;
      act(
        system,
        process,
        passing(value, (user) =>
          user.lwpCreate(function* (own) {
            child = own.lwp;
            yield* own.munlockall();
          }),
        ),
      );
      return historyOf(child);
    };
    expect(childAfter(1)).toBe(childAfter(1));
    expect(childAfter(1)).not.toBe(childAfter(2));
  });
});

describe('back in its program', () => {
  it('a thread has neither frames nor labels of the kernel', () => {
    const { system, process } = bootProcess();
    act(
      system,
      process,
      passing(1, function* (user) {
        const { lwp } = user;
        const address = yield* user.mmap(0, PAGE_SIZE, RW, OWN);
        const before = [lwp.frames.depth, lwp.label, lwp.inKernel];
        yield* user.mlock(address, PAGE_SIZE);
        // This function has a frame of its own, since tests are watched as well.
        expect([lwp.frames.depth, lwp.label, lwp.inKernel]).toEqual(before);
        expect(before.slice(1)).toEqual(['', 0]);
      }),
    );
  });
});
