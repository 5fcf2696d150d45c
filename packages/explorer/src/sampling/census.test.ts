import { AtomicCell, type Kern, Mutex, type Step } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { execute } from '../execution.js';
import { programModel } from '../models/program.js';
import { Census, Tally } from './census.js';
import { OrderSampler } from './orders.js';

interface Things {
  readonly lock: Mutex;
  readonly guarded: AtomicCell;
  readonly open: AtomicCell;
  readonly constant: AtomicCell;
  readonly own: AtomicCell;
}

function* touch({ scheduler }: Kern, { lock, guarded, open, constant }: Things): Step<void> {
  yield* constant.load(scheduler);
  yield* lock.enter();
  yield* guarded.add(scheduler, 1);
  yield* open.store(scheduler, 1);
  yield* lock.exit();
}

function* touchOtherwise(kern: Kern, things: Things): Step<void> {
  yield* things.own.add(kern.scheduler, 1);
  yield* things.open.load(kern.scheduler);
  yield* touch(kern, things);
}

/** What one execution shows. */
function census(): { readonly census: Census; readonly site: (label: string) => number } {
  const model = programModel('touching', (kern) => {
    const cell = (label: string) => new AtomicCell(label, 0);
    const things = {
      lock: new Mutex(kern, kern.lockClass('lock')),
      guarded: cell('guarded'),
      open: cell('open'),
      constant: cell('constant'),
      own: cell('own'),
    };
    return { bodies: [() => touch(kern, things), () => touchOtherwise(kern, things)], writeState: () => undefined };
  });
  const result = new Census();
  const tally = new Tally(result.sites);
  execute(model, new OrderSampler([], tally, { maxSteps: 100, adversity: null }));
  result.add(tally);
  return { census: result, site: (label) => result.sites.numberOf(label) };
}

describe('what an execution shows', () => {
  it('is where the order of threads is open: not what only one touches, nobody changes, or a lock protects', () => {
    const { census: seen, site } = census();
    expect(seen.shared).toEqual([site('lock'), site('open')].sort((a, b) => a - b));
  });

  it('is how many steps each thread has at each site; releases follow from what went before, and do not count', () => {
    const { census: seen, site } = census();
    expect([1, 2].map((lwp) => seen.counts[lwp]?.[site('open')])).toEqual([1, 2]);
    expect([1, 2].map((lwp) => seen.counts[lwp]?.[site('lock')])).toEqual([1, 1]);
    expect(seen.counts[1]?.[site('own')]).toBeUndefined();
  });

  it('is as much as any execution had of it', () => {
    const sum = new Census();
    const first = new Tally(sum.sites);
    const second = new Tally(sum.sites);
    first.counts[1] = [2, undefined, 1];
    second.counts[1] = [1, 3];
    sum.add(first);
    sum.add(second);
    expect(sum.counts[1]).toEqual([2, 3, 1]);
  });
});
