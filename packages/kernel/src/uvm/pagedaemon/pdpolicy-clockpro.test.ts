/** CLOCK-Pro. */
import { describe, expect, it } from 'vitest';
import { PolicyBench } from '../../../test/policy.js';
import { EINVAL } from '../../kern/errno.js';
import { StateText } from '../../kern/state.js';
import type { ClockProPolicy } from './pdpolicy-clockpro.js';
import { PQ_HOT, PQ_TEST } from './pdpolicy-clockpro-queues.js';

/** A bench with so many cold pages at most. */
function clockpro(coldTarget = 1, frames = 16): PolicyBench & { readonly policy: ClockProPolicy } {
  const bench = new PolicyBench('clockpro', frames) as PolicyBench & { readonly policy: ClockProPolicy };
  bench.policy.coldTarget = coldTarget;
  return bench;
}

/** A page that comes in last, and so stays on the fresh queue. */
const FRESH = 15;

/** `H` hot, `T` cold and tested, `c` cold, `.` on no queue; page by page. */
function states(bench: PolicyBench, count: number): string {
  return Array.from({ length: count }, (_, i) => {
    const pqflags = bench.pages.pqflags(bench.page(i));
    if (!bench.policy.isQueued(bench.page(i))) return '.';
    return pqflags & PQ_HOT ? 'H' : pqflags & PQ_TEST ? 'T' : 'c';
  }).join('');
}

describe('a page that comes in', () => {
  it('is cold, in its test period', () => {
    const bench = clockpro();
    bench.activate(0, 1);
    expect([states(bench, 3), bench.queue('fresh'), bench.uvmexp.active, bench.uvmexp.inactive]).toEqual(['TT.', [0, 1], 0, 2]);
    expect(bench.problems).toEqual([]);
  });

  it('is not as good as used by what brought it in', () => {
    const bench = clockpro();
    bench.activate(0, FRESH);
    bench.use(0);
    expect(bench.victims(1)).toEqual([0]);
  });

  it('without having been asked for is cold without a test period, which begins with its first use', () => {
    const bench = clockpro();
    bench.policy.enqueue(bench.page(0));
    expect(states(bench, 1)).toBe('c');
    bench.activate(0);
    expect(states(bench, 1)).toBe('T');
    expect(bench.problems).toEqual([]);
  });

  it('soon after it went is hot, and cold pages may be more', () => {
    const bench = clockpro(4);
    bench.activate(0, 1);
    expect(bench.victims(1)).toEqual([0]);
    bench.evict(0);
    bench.activate(0);
    expect([states(bench, 2), bench.policy.coldTarget]).toEqual(['HT', 5]);
    expect(bench.problems).toEqual([]);
  });

  it('is not remembered when it went without its having been tested, or when nobody chose it', () => {
    const bench = clockpro(4);
    bench.policy.enqueue(bench.page(0));
    bench.activate(1);
    expect(bench.victims()).toContain(0);
    bench.evict(0);
    bench.activate(0);
    expect(states(bench, 1)).toBe('T');
    bench.activate(2);
    bench.evict(2);
    bench.activate(2);
    expect(states(bench, 3)[2]).toBe('T');
  });

  it('is forgotten with its anon', () => {
    const bench = clockpro(4);
    bench.activate(0, 1);
    bench.victims(1);
    bench.evict(0);
    bench.policy.anfree(bench.anons[0] as never);
    bench.activate(0);
    expect(states(bench, 1)).toBe('T');
  });
});

describe('HAND_cold', () => {
  it('makes a page hot that was used in its test period, and cold pages may be more', () => {
    const bench = clockpro();
    bench.activate(0, 1, 2, FRESH);
    expect(bench.victims(1)).toEqual([0]);
    bench.use(1);
    expect(bench.victims(1)).toEqual([2]);
    expect([states(bench, 3), bench.policy.coldTarget]).toEqual(['THT', 2]);
    expect(bench.uvmexp).toMatchObject({ pdreact: 1, active: 1, inactive: 3 });
  });

  it('begins a test period for a page that was used without being in one', () => {
    const bench = clockpro();
    bench.policy.enqueue(bench.page(0));
    bench.activate(1, 2, FRESH);
    bench.use(0);
    expect(bench.victims(1)).toEqual([1]);
    expect(states(bench, 1)).toBe('T');
  });

  it('passes hot pages, and such as somebody has locked', () => {
    const bench = clockpro(4);
    bench.activate(0, 1, 2, 3);
    expect(bench.victims(4)).toHaveLength(4);
    bench.use(1);
    bench.locked.add(bench.page(2));
    const victims = bench.victims(4);
    expect([victims.includes(1), victims.includes(2)]).toEqual([false, false]);
  });

  it('looks at each page twice at most in one scan', () => {
    const bench = clockpro();
    bench.activate(0, 1, 2);
    for (const page of [0, 1, 2]) bench.locked.add(bench.page(page));
    expect(bench.victims()).toEqual([]);
    expect(bench.uvmexp.pdscans).toBeLessThanOrEqual(7);
  });

  it('finds nothing where there is nothing', () => {
    expect(clockpro().victims()).toEqual([]);
  });
});

/** Pages 0 to 3 hot, and on the clock; 4 behind them, cold and tested, chosen to go; 5 the same, fresh. */
function withHotPages(coldTarget: number): ReturnType<typeof clockpro> {
  const bench = clockpro();
  bench.activate(0, 1, 2, 3, FRESH);
  expect(bench.victims(4)).toEqual([0, 1, 2, 3]);
  bench.evict(0, 1, 2, 3, FRESH);
  bench.activate(0, 1, 2, 3, 4, 5);
  bench.policy.coldTarget = 1;
  expect([bench.victims(1), bench.queue('clock'), states(bench, 6)]).toEqual([[4], [0, 1, 2, 3, 4], 'HHHHTT']);
  bench.policy.coldTarget = coldTarget;
  return bench;
}

describe('HAND_hot', () => {
  it('rests while there are enough cold pages', () => {
    const bench = withHotPages(2);
    bench.victims(1);
    expect(states(bench, 4)).toBe('HHHH');
  });

  it('makes hot pages cold that were not used, the longest unused first, until there are enough cold ones', () => {
    const bench = withHotPages(4);
    bench.use(1);
    bench.victims(1);
    expect(states(bench, 4)).toBe('cHcH');
    expect(bench.uvmexp).toMatchObject({ active: 2, inactive: 4, pddeact: 2 });
    expect(bench.problems).toEqual([]);
  });

  it('ends the test periods of cold pages that it passes, and there may be fewer cold pages', () => {
    const bench = withHotPages(3);
    bench.use(0, 1, 2, 3);
    bench.victims(1);
    expect([states(bench, 6), bench.policy.coldTarget]).toEqual(['HHHHcT', 2]);
  });

  it('ends those of pages that have gone, in one turn', () => {
    const bench = withHotPages(2);
    bench.evict(4);
    bench.use(0, 1, 2, 3);
    bench.victims(1);
    expect(bench.policy.coldTarget).toBe(1);
    bench.activate(4);
    expect(states(bench, 6), 'as if it had never been there').toBe('HHHHTc');
  });

  it('leaves a page hot whose owner somebody has locked', () => {
    const bench = withHotPages(6);
    for (const page of [0, 1, 2, 3]) bench.locked.add(bench.page(page));
    bench.victims(1);
    expect(states(bench, 4)).toBe('HHHH');
  });
});

describe('what CLOCK-Pro is told', () => {
  it('has a page that is idle not be used', () => {
    const bench = clockpro();
    bench.activate(0, 1);
    bench.victims(0);
    bench.use(0);
    bench.deactivate(0, 2);
    expect([bench.referenced.size, states(bench, 3)]).toEqual([0, 'TTc']);
    expect(bench.victims()).toContain(0);
  });

  it('has active pages be as good as used', () => {
    const bench = clockpro();
    bench.activate(0, 1, FRESH);
    expect(bench.victims(1)).toEqual([0]);
    bench.activate(0);
    expect(bench.victims(1)).toEqual([1]);
    expect(states(bench, 1)).toBe('T');
    expect(bench.victims(1)).toEqual([1]);
    expect(states(bench, 1)).toBe('H');
  });

  it('has a share of all pages be cold when somebody wants it so, and nothing be adapted', () => {
    const bench = clockpro();
    bench.activate(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    expect([bench.policy.change('coldtargetpct', 101), bench.policy.change('nothing', 1)]).toEqual([EINVAL, EINVAL]);
    expect(bench.policy.change('coldtargetpct', 30)).toBe(0);
    bench.policy.tune();
    expect([bench.policy.coldTarget, bench.policy.needsScan()]).toEqual([3, false]);
    const [gone] = bench.victims(1);
    bench.evict(gone as number);
    bench.activate(gone as number);
    expect(bench.policy.coldTarget).toBe(3);
  });

  it('has hot pages lose their slots when swap is short', () => {
    const bench = withHotPages(1);
    for (const page of [0, 1, 2, 3, 4]) bench.slots.add(bench.page(page));
    bench.balance(2);
    expect(bench.numbers([...bench.slots])).toEqual([2, 3, 4]);
    bench.balance(9);
    expect(bench.numbers([...bench.slots])).toEqual([4]);
  });
});

describe('the state of CLOCK-Pro', () => {
  function told(bench: PolicyBench): string[] {
    const text = new StateText();
    bench.policy.writeState(text);
    bench.policy.writeQueues(text);
    return text.lines;
  }

  it('has the settings, the target, the hands, the scan under way, and what has gone', () => {
    const changes: ((bench: ReturnType<typeof clockpro>) => void)[] = [
      (bench) => bench.policy.change('coldtargetpct', 51),
      (bench) => {
        bench.policy.coldTarget++;
      },
      (bench) => bench.policy.scanInit(),
      (bench) => bench.victims(1),
      (bench) => bench.policy.enqueue(bench.page(4)),
    ];
    for (const change of changes) {
      const [before, after] = [clockpro(), clockpro()];
      for (const bench of [before, after]) {
        bench.activate(0, 1, 2, 3);
        bench.victims(1);
      }
      change(after);
      expect(told(after)).not.toEqual(told(before));
    }
    const [kept, gone] = [clockpro(), clockpro()];
    for (const bench of [kept, gone]) {
      bench.activate(0, 1);
      bench.victims(1);
      bench.evict(0);
    }
    kept.policy.anfree(kept.anons[0] as never);
    expect(told(gone)).not.toEqual(told(kept));
  });

  it('is found wrong when it is', () => {
    const bench = clockpro();
    bench.activate(0, 1, 2);
    bench.victims(1);
    expect(bench.problems).toEqual([]);
    bench.policy.scanInit();
    expect(bench.problems).toEqual(['a scan for victims is under way']);
    bench.policy.scanEnd();
    bench.pages.setPqflags(bench.page(1), PQ_HOT);
    expect(bench.problems).toEqual([`page ${bench.page(1)} is hot, and is tested as if it were cold`]);
  });

  it('is found wrong when its queues do not have what it counts', () => {
    const bench = clockpro();
    bench.activate(0, 1, 2);
    bench.policy.queues[0].list.remove(bench.page(1));
    expect(bench.problems).toEqual([
      'the fresh queue has 2 pages; 3 are counted',
      'the fresh queue has 2 cold pages; 3 are counted',
    ]);
  });

  it('is found wrong when a page that is there is remembered as gone, or its first use is', () => {
    const bench = clockpro();
    bench.activate(0, 1, FRESH);
    bench.victims(1);
    bench.evict(0);
    bench.pages.setOwner(bench.page(1), null, bench.anons[0] as never, bench.pages.offset(bench.page(1)));
    bench.pages.setPqflags(bench.page(1), 0x0800);
    expect(bench.problems).toEqual([
      `page ${bench.page(1)} is on the clock, but its first use has not been forgotten`,
      `page ${bench.page(1)} is in memory, but remembered as having gone`,
    ]);
  });

  it('is found wrong when HAND_cold points to nowhere', () => {
    const bench = clockpro();
    bench.activate(0, 1);
    bench.victims(1);
    for (const page of [0, 1]) bench.pages.clearPqflags(bench.page(page), 0x2000);
    expect(bench.problems[0]).toMatch(/^HAND_cold points to page \d+, which is not on the clock$/);
  });
});
