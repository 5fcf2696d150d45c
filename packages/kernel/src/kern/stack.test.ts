import { describe, expect, it } from 'vitest';
import { atOnce, nothing, runThreads } from '../../test/threads.js';
import { Kern } from './kern.js';
import { sleepOn, WaitChannel } from './sleepq.js';
import { kernelName, kernelStack, registerKernelFunctions } from './stack.js';
import type { Step } from './switch.js';

/** The stack that the innermost function saw last. */
let seen: string[] = [];

/** Something of the host's own, which no kernel has. */
function hostHelper(): void {
  seen = kernelStack();
}

const functions = {
  *testMapPageable(sleep: () => Step<unknown>): Step<void> {
    yield* functions.testFaultWire(sleep);
  },

  *testFaultWire(sleep: () => Step<unknown>): Step<void> {
    yield* sleep();
    functions.testPagewire();
  },

  testPagewire(): void {
    hostHelper();
  },

  *testFaultWirePart(): Step<void> {
    yield* functions.testFaultWire(nothing);
  },

  testHelper(): void {
    functions.testPagewire();
  },

  notAFunction: 7,
};
registerKernelFunctions(functions, { testFaultWirePart: 'testFaultWire', testHelper: '' });

/** The stack seen from a thread that does this. */
function stackOf(body: (kern: Kern) => Step<unknown>): string[] {
  const kern = new Kern();
  runThreads(kern, function* () {
    yield* body(kern);
  });
  return seen;
}

describe('the name of a kernel function', () => {
  it.each([
    ['uvmMapPageable', 'uvm_map_pageable'],
    ['pmapKenterPa', 'pmap_kenter_pa'],
    ['amapPpAdjref', 'amap_pp_adjref'],
    ['exit1', 'exit1'],
    ['trap', 'trap'],
  ])('of %s is %s', (name, expected) => {
    expect(kernelName(name)).toBe(expected);
  });
});

describe('the kernel stack', () => {
  it('has the kernel functions that are running, innermost first, and nothing of the host', () => {
    expect(stackOf(() => functions.testMapPageable(nothing))).toEqual(['test_pagewire', 'test_fault_wire', 'test_map_pageable']);
  });

  it('is whole after the thread has slept', () => {
    const sleep = (kern: Kern) => (): Step<unknown> =>
      sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 1 });
    const stack = stackOf((kern) => functions.testMapPageable(sleep(kern)));
    expect(stack).toEqual(['test_pagewire', 'test_fault_wire', 'test_map_pageable']);
  });

  it('ends where the thread begins, though in the direct build others lie below', () => {
    const kern = new Kern();
    let stack: string[] = [];
    const sleep = (): Step<unknown> => sleepOn(kern.scheduler, new WaitChannel('it'), { message: 'wait', timeout: 1 });
    runThreads(
      kern,
      () => functions.testMapPageable(sleep),
      atOnce(() => {
        functions.testPagewire();
        stack = seen;
      }),
    );
    expect(stack).toEqual(['test_pagewire']);
  });

  it('shows a part of a function as that function, once', () => {
    expect(stackOf(() => functions.testFaultWirePart())).toEqual(['test_pagewire', 'test_fault_wire']);
  });

  it('leaves out functions that stand for none of the kernel', () => {
    functions.testHelper();
    expect(seen).toEqual(['test_pagewire']);
  });

  it('is deeper than the host shows by itself, and leaves the host as it was', () => {
    const limit = Error.stackTraceLimit;
    const deep = function* (levels: number): Step<void> {
      if (levels > 0) yield* deep(levels - 1);
      else yield* functions.testMapPageable(nothing);
    };
    const outer = {
      *testOutermost(): Step<void> {
        yield* deep(20);
      },
    };
    registerKernelFunctions(outer);
    expect(stackOf(() => outer.testOutermost()).at(-1)).toBe('test_outermost');
    expect(Error.stackTraceLimit).toBe(limit);
  });
});
