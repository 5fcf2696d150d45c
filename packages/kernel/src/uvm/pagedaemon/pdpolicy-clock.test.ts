/** The clock policy. */
import { describe, expect, it } from 'vitest';
import { PolicyBench } from '../../../test/policy.js';
import { EINVAL } from '../../kern/errno.js';
import { StateText } from '../../kern/state.js';

function clock(frames = 16): PolicyBench {
  return new PolicyBench('clock', frames);
}

describe('the queues', () => {
  it('are first in, first out; being used again or being idle moves a page to the end', () => {
    const bench = clock();
    bench.activate(0, 1, 2, 3, 4);
    bench.deactivate(1, 3);
    bench.activate(0);
    expect([bench.queue('active'), bench.queue('inactive')]).toEqual([
      [2, 4, 0],
      [1, 3],
    ]);
    bench.activate(3);
    bench.deactivate(1);
    expect([bench.queue('active'), bench.queue('inactive')]).toEqual([[2, 4, 0, 3], [1]]);
    expect(bench.uvmexp).toMatchObject({ active: 4, inactive: 1 });
    expect(bench.policy.estimatePageable()).toEqual({ active: 4, inactive: 1 });
  });

  it('know which page is on which', () => {
    const bench = clock();
    bench.activate(0);
    bench.deactivate(1);
    const { policy } = bench;
    expect([0, 1, 2].map((page) => policy.queueOf(bench.page(page))?.name ?? null)).toEqual(['active', 'inactive', null]);
    expect([0, 1, 2].map((page) => policy.isQueued(bench.page(page)))).toEqual([true, true, false]);
    expect([0, 1, 2].map((page) => policy.isInactive(bench.page(page)))).toEqual([false, true, false]);
  });

  it('let go of a page, whether it is on one or not', () => {
    const bench = clock();
    bench.activate(0, 1);
    bench.deactivate(1);
    bench.evict(0, 1, 2);
    expect([bench.queue('active'), bench.queue('inactive'), bench.uvmexp.active, bench.uvmexp.inactive]).toEqual([[], [], 0, 0]);
  });

  it('forget that a page was used as it becomes inactive', () => {
    const bench = clock();
    bench.activate(0);
    bench.use(0);
    bench.deactivate(0);
    expect(bench.referenced.size).toBe(0);
  });
});

describe('victims', () => {
  it('are inactive pages, the longest inactive first, that have not been used since', () => {
    const bench = clock();
    bench.activate(4);
    bench.deactivate(0, 1, 2, 3);
    bench.use(1, 3);
    expect(bench.victims()).toEqual([0, 2]);
    expect([bench.queue('active'), bench.queue('inactive')]).toEqual([
      [4, 1, 3],
      [0, 2],
    ]);
    expect(bench.uvmexp).toMatchObject({ pdscans: 4, pdreact: 2 });
  });

  it('are not such as somebody has locked', () => {
    const bench = clock();
    bench.deactivate(0, 1);
    bench.locked.add(bench.page(0));
    expect(bench.victims()).toEqual([1]);
    expect(bench.queue('inactive')).toEqual([0, 1]);
  });

  it('are looked for from the beginning when the page at the hand has left the queue', () => {
    const bench = clock();
    bench.deactivate(0, 1, 2);
    const { policy } = bench;
    const order: number[] = [];
    bench.uvmpdTrylockowner = function* (page) {
      order.push(...bench.numbers([page]));
      // The next page goes while this one is looked at.
      if (order.length === 1) policy.activate(bench.page(1));
      return yield* Object.getPrototypeOf(bench).uvmpdTrylockowner.call(bench, page);
    };
    bench.victims(3);
    expect(order).toEqual([0, 0, 2]);
  });
});

describe('kinds of memory', () => {
  /** Sixteen pages: so many of each kind, all inactive, anons first. */
  function kinds(counts: { anon: number; file: number; exec: number }): PolicyBench {
    const bench = clock();
    let next = 0;
    for (const kind of ['anon', 'file', 'exec'] as const) {
      const numbers = Array.from({ length: counts[kind] }, () => next++);
      bench.own(kind, ...numbers);
      bench.deactivate(...numbers);
    }
    return bench;
  }

  it('are all alike as long as there is enough of each, and too much of none', () => {
    expect(kinds({ anon: 8, file: 6, exec: 2 }).victims()).toHaveLength(16);
  });

  it('of which there is too little stay: active from then on', () => {
    const bench = kinds({ anon: 1, file: 11, exec: 4 });
    expect(bench.victims()).not.toContain(0);
    expect(bench.uvmexp).toMatchObject({ pdreanon: 1, pdreexec: 4, pdrefile: 0 });
    expect(bench.queue('active')).toEqual([0, 12, 13, 14, 15]);
  });

  it('stay while there is too much of another', () => {
    const bench = kinds({ anon: 4, file: 10, exec: 2 });
    expect(bench.victims(), 'of files there are more than 50 percent').toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    const anonymous = kinds({ anon: 13, file: 2, exec: 1 });
    expect(anonymous.victims(), 'of anonymous memory more than 80').toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(anonymous.uvmexp).toMatchObject({ pdrefile: 2, pdreexec: 1, pdreanon: 0 });
  });

  it('go all the same when nothing would be left to go', () => {
    const bench = kinds({ anon: 9, file: 1, exec: 0 });
    expect(bench.victims()).toHaveLength(9);
    const full = kinds({ anon: 9, file: 1, exec: 0 });
    full.swapIsFull = true;
    expect(full.victims()).toHaveLength(10);
  });

  it('stay as the settings say', () => {
    const bench = kinds({ anon: 8, file: 6, exec: 2 });
    expect(bench.policy.change('filemin', 40)).toBe(0);
    expect(bench.victims()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 14, 15]);
  });
});

describe('the settings', () => {
  it('are percentages', () => {
    const { policy } = clock();
    for (const [name, percent] of [
      ['anonmax', -1],
      ['anonmax', 101],
      ['anonmax', 1.5],
      ['nothing', 1],
      ['toString', 1],
    ] as const) {
      expect(policy.change(name, percent), name).toBe(EINVAL);
    }
    expect(policy.change('anonmax', 100)).toBe(0);
    expect(policy.settings).toEqual({
      anonmin: 10,
      filemin: 10,
      execmin: 5,
      anonmax: 100,
      filemax: 50,
      execmax: 30,
      inactivepct: 33,
    });
  });

  it('keep no more than 95 percent for somebody', () => {
    const { policy } = clock();
    expect([policy.change('anonmin', 80), policy.change('filemin', 11), policy.change('execmin', 6)]).toEqual([
      0,
      EINVAL,
      EINVAL,
    ]);
    expect(policy.change('anonmin', 79)).toBe(0);
    expect(policy.change('filemin', 11)).toBe(0);
  });
});

describe('the inactive queue', () => {
  it('is to have a third of all pages, and more than are to be free', () => {
    const bench = clock(64);
    bench.activate(...Array.from({ length: 60 }, (_, i) => i));
    bench.policy.tune();
    expect([bench.policy.needsScan(), (bench.policy as { inactiveTarget?: number }).inactiveTarget]).toEqual([true, 19]);
    bench.balance();
    expect([bench.uvmexp.inactive, bench.uvmexp.pddeact, bench.policy.needsScan()]).toEqual([19, 19, false]);
    expect(bench.queue('inactive')).toEqual(Array.from({ length: 19 }, (_, i) => i));
    bench.uvmexp.freetarg = 30;
    bench.policy.tune();
    bench.balance();
    expect(bench.uvmexp.inactive).toBe(31);
  });

  it('gets no page that somebody has locked', () => {
    const bench = clock();
    bench.activate(0, 1, 2);
    bench.locked.add(bench.page(0));
    bench.uvmexp.freetarg = 0;
    bench.policy.tune();
    bench.balance();
    expect(bench.queue('inactive')).toEqual([1]);
  });

  it('gets its pages whether or not swap is short; active pages lose their slots when it is', () => {
    const bench = clock();
    bench.activate(0, 1, 2, 3);
    bench.deactivate(4, 5);
    for (const page of [0, 2, 3, 4]) bench.slots.add(bench.page(page));
    bench.policy.tune();
    bench.balance(2);
    expect(bench.numbers([...bench.slots])).toEqual([3, 4]);
    expect(bench.queue('inactive')).toEqual([4, 5]);
  });
});

describe('the state of the clock', () => {
  function told(bench: PolicyBench): string[] {
    const text = new StateText();
    bench.policy.writeState(text);
    bench.policy.writeQueues(text);
    return text.lines;
  }

  it('has the settings, the target, the order of the queues, and the scan under way', () => {
    const changes: ((bench: PolicyBench) => void)[] = [
      (bench) => bench.policy.change('filemax', 51),
      (bench) => bench.policy.tune(),
      (bench) => bench.activate(0),
      (bench) => bench.policy.scanInit(),
    ];
    for (const change of changes) {
      const [before, after] = [clock(), clock()];
      for (const bench of [before, after]) {
        bench.activate(0, 1);
        bench.deactivate(2, 3);
      }
      change(after);
      expect(told(after)).not.toEqual(told(before));
    }
  });

  it('is in order when no scan is under way', () => {
    const bench = clock();
    bench.activate(0, 1);
    expect(bench.problems).toEqual([]);
    bench.policy.scanInit();
    expect(bench.problems).toEqual(['a scan for victims is under way']);
  });
});
