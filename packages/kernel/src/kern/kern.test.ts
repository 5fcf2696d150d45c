import { describe, expect, it } from 'vitest';
import { atOnce, panicOf, runThreads, startThread, thrownBy } from '../../test/threads.js';
import { Kern, type KernOptions } from './kern.js';
import { KernelPanic } from './panic.js';
import { registerKernelFunctions } from './stack.js';
import { RandomPreemption } from './strategy.js';

const functions = {
  testPageunwire(kern: Kern, wireCount: number): void {
    kern.kassert(wireCount !== 0, 'pg->wire_count != 0');
  },
};
registerKernelFunctions(functions);

function panicIn(kern: Kern): KernelPanic {
  return thrownBy(KernelPanic, () =>
    runThreads(
      kern,
      atOnce(() => functions.testPageunwire(kern, 0)),
    ),
  );
}

describe('a panic', () => {
  it('stops the machine with the message, the thread and the kernel functions that it was in', () => {
    const kern = new Kern();
    const panic = panicIn(kern);
    expect(panic.name).toBe('KernelPanic');
    expect(panic.message).toBe('kernel diagnostic assertion "pg->wire_count != 0" failed');
    expect(panic.lwp).toBe('1.1');
    expect(panic.frames).toEqual(['test_pageunwire']);
    expect(kern.panicked).toBe(panic);
  });

  it('leaves the machine as it was at that moment', () => {
    const kern = new Kern();
    panicIn(kern);
    expect(kern.scheduler.current.name).toBe('1.1');
  });

  it('is in the log when that is on', () => {
    const kern = new Kern();
    kern.log.on = true;
    const { message } = panicIn(kern);
    expect(kern.log.events().map(({ event }) => event)).toEqual([{ kind: 'panic', message, frames: ['test_pageunwire'] }]);
  });

  it('is none before there was one', () => {
    expect(new Kern().panicked).toBeNull();
  });
});

describe('assertions', () => {
  it('do nothing when they hold', () => {
    const kern = new Kern();
    runThreads(
      kern,
      atOnce(() => functions.testPageunwire(kern, 1)),
    );
    expect(kern.panicked).toBeNull();
  });

  it('are not checked without DIAGNOSTIC', () => {
    const kern = new Kern({ diagnostic: false });
    runThreads(
      kern,
      atOnce(() => functions.testPageunwire(kern, 0)),
    );
    expect(kern.panicked).toBeNull();
  });

  it('leave panics alone, which do not depend on DIAGNOSTIC', () => {
    const kern = new Kern({ diagnostic: false });
    expect(panicOf(kern, () => kern.panic('no more'))).toBe('no more');
  });
});

describe('the console', () => {
  it('has the lines that the kernel printed, in order', () => {
    const kern = new Kern();
    kern.printf('one');
    kern.printf('two');
    expect(kern.console).toEqual(['one', 'two']);
  });

  it('is in the log when that is on', () => {
    const kern = new Kern();
    kern.printf('one');
    kern.log.on = true;
    kern.printf('two');
    expect(kern.log.events().map(({ event }) => event)).toEqual([{ kind: 'printf', line: 'two' }]);
  });
});

describe('a quiet point', () => {
  it('is when the last thread leaves the kernel', () => {
    const kern = new Kern();
    let quiet = 0;
    kern.onQuiet = () => quiet++;
    kern.enter();
    kern.enter();
    kern.leave();
    expect(quiet).toBe(0);
    kern.leave();
    expect([quiet, kern.inside]).toEqual([1, 0]);
  });
});

describe('an announcement', () => {
  it('stays with the thread that made it: label and the values that live on', () => {
    const kern = new Kern();
    const first = startThread(
      kern,
      atOnce(() => kern.announce('ReFault', 4096, 1, 2)),
    );
    const second = startThread(
      kern,
      atOnce(() => kern.announce('again', 7)),
    );
    kern.scheduler.run();
    expect([first.label, first.live0, first.live1, first.live2]).toEqual(['ReFault', 4096, 1, 2]);
    expect([second.label, second.live0, second.live1, second.live2]).toEqual(['again', 7, 0, 0]);
  });
});

describe('a choice of the environment', () => {
  it('is the ordinary way unless the strategy says otherwise', () => {
    expect(new Kern().choose('io.read')).toBe(0);
  });

  it('has two ways unless more are asked for', () => {
    const kern = new Kern({ strategy: new RandomPreemption(1, { faultsIn: 1 }) });
    for (let i = 0; i < 20; i++) expect(kern.choose('io.read')).toBe(1);
  });
});

describe('how a kernel is booted', () => {
  it.each([0, -1, 1.5, Number.NaN])('refuses %s processors', (cpus) => {
    expect(() => new Kern({ cpus })).toThrow(`a machine has a whole number of processors from 1 up, not ${cpus}`);
  });

  it.each<[KernOptions, { diagnostic: boolean; cpus: number }]>([
    [{}, { diagnostic: true, cpus: 1 }],
    [
      { diagnostic: false, cpus: 4 },
      { diagnostic: false, cpus: 4 },
    ],
  ])('with %o has %o', (options, expected) => {
    expect(new Kern(options)).toMatchObject(expected);
  });
});
