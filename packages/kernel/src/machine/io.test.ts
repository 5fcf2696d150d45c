import { describe, expect, it } from 'vitest';
import { deadlockOf, runJob, runThreads } from '../../test/threads.js';
import { EIO, ENOSPC, type Errno } from '../kern/errno.js';
import { Kern } from '../kern/kern.js';
import type { StepObject } from '../kern/lwp.js';
import { pause, sleepOn, WaitChannel } from '../kern/sleepq.js';
import { RandomPreemption, RunToBlock, type SchedulingPoint } from '../kern/strategy.js';
import { BUILD, type Step } from '../kern/switch.js';
import { type IoOperation, type IoRequest, startIo, waitForIo } from './io.js';

const stepped = BUILD !== 'direct';

/** What all operations move bytes of. */
const MEDIUM: StepObject = { label: 'a disk', admits: () => true };

/** An operation that notes what becomes of it, and may take some ticks after its transfer. */
class Noted implements IoOperation {
  readonly site: IoOperation['site'];
  readonly label: string;
  readonly medium = MEDIUM;
  readonly #kern: Kern;
  readonly #log: string[];
  readonly #errno: Errno;
  readonly #ticks: number;

  constructor(
    kern: Kern,
    log: string[],
    label: string,
    options: { errno?: Errno; ticks?: number; site?: IoOperation['site'] } = {},
  ) {
    this.#kern = kern;
    this.#log = log;
    this.label = label;
    this.#errno = options.errno ?? 0;
    this.#ticks = options.ticks ?? 0;
    this.site = options.site ?? 'io.read';
  }

  transfer(): Errno {
    this.#log.push(`${this.label} moves`);
    return this.#errno;
  }

  *done(errno: Errno): Step<void> {
    if (this.#ticks > 0) yield* pause(this.#kern.scheduler, 'done', this.#ticks);
    this.#log.push(`${this.label} done ${errno}`);
  }
}

/** Fails the operations at one site. */
class Failing extends RunToBlock {
  readonly #site: string;

  constructor(site: string) {
    super();
    this.#site = site;
  }

  override choose(site: string): number {
    return site === this.#site ? 1 : 0;
  }
}

describe('an operation', () => {
  it('goes on by itself while its initiator does, and moves its bytes as it completes', () => {
    const kern = new Kern();
    const log: string[] = [];
    runThreads(kern, function* () {
      const request = yield* startIo(kern, new Noted(kern, log, 'a'));
      log.push(`started, ${request.result}`);
      const errno = yield* waitForIo(kern, request);
      log.push(`waited, ${errno}, ${request.result}`);
    });
    expect(log).toEqual(['started, null', 'a moves', 'a done 0', 'waited, 0, 0']);
  });

  it('is three steps: one on itself, one on what its bytes move from or to, and one on itself that lets the waiters go on', () => {
    const touched: string[] = [];
    class Watching extends RunToBlock {
      override readonly preemptive = true;
      override preempts({ current }: SchedulingPoint): boolean {
        touched.push(`${current.op} ${current.object?.label}`);
        return false;
      }
    }
    const kern = new Kern({ strategy: new Watching() });
    // A strategy is asked only where there is more than one thread.
    runThreads(
      kern,
      () => pause(kern.scheduler, 'bystander', 1),
      function* () {
        yield* startIo(kern, new Noted(kern, [], 'read'));
      },
    );
    // Nobody asks it in the direct build.
    expect(touched).toEqual(stepped ? ['sleep bystander', 'io-start read', 'io-done a disk', 'wakeup read'] : []);
  });

  it('completes though nobody waits for it', () => {
    const kern = new Kern();
    const log: string[] = [];
    runThreads(kern, function* () {
      yield* startIo(kern, new Noted(kern, log, 'a'));
      expect(kern.scheduler.kernelThreads).toBe(1);
      log.push('initiator ends');
    });
    expect(log).toEqual(['initiator ends', 'a moves', 'a done 0']);
    expect(kern.scheduler.kernelThreads).toBe(0);
  });

  it('has not completed before `done` has run to its end', () => {
    const kern = new Kern();
    const log: string[] = [];
    runThreads(kern, function* () {
      yield* waitForIo(kern, yield* startIo(kern, new Noted(kern, log, 'a', { ticks: 3 })));
      log.push(`waited until tick ${kern.scheduler.tick}`);
    });
    expect(log).toEqual(['a moves', 'a done 0', 'waited until tick 3']);
  });

  it('is named by its label', () => {
    const kern = new Kern();
    const request = runJob(kern, () => startIo(kern, new Noted(kern, [], 'read /etc/passwd @ 8192')));
    expect(request.label).toBe('read /etc/passwd @ 8192');
  });

  it('needs no wait once it has completed', () => {
    const kern = new Kern();
    const request = runJob(kern, () => startIo(kern, new Noted(kern, [], 'a', { errno: ENOSPC })));
    expect(request.result).toBe(ENOSPC);
    expect(runJob(kern, () => waitForIo(kern, request))).toBe(ENOSPC);
  });
});

describe('errors', () => {
  it('of the transfer come to `done` and to whoever waits', () => {
    const kern = new Kern();
    const log: string[] = [];
    const errno = runJob(kern, function* () {
      return yield* waitForIo(kern, yield* startIo(kern, new Noted(kern, log, 'a', { errno: ENOSPC })));
    });
    expect([errno, log]).toEqual([ENOSPC, ['a moves', `a done ${ENOSPC}`]]);
  });

  it.each<['io.read' | 'io.write', Errno]>([
    ['io.read', EIO],
    ['io.write', 0],
  ])('by choice of the environment are EIO, move nothing, and are those of their site: %s answers %i', (site, expected) => {
    const kern = new Kern({ strategy: new Failing('io.read') });
    const log: string[] = [];
    const errno = runJob(kern, function* () {
      return yield* waitForIo(kern, yield* startIo(kern, new Noted(kern, log, 'a', { site })));
    });
    expect(errno).toBe(expected);
    expect(log).toEqual(expected === EIO ? [`a done ${EIO}`] : ['a moves', 'a done 0']);
    expect(kern.scheduler.recorder.schedule.choices.map((choice) => choice.site)).toEqual(expected === EIO ? ['io.read'] : []);
  });
});

describe('several operations', () => {
  /** In which order two operations complete that one thread has started and then waits for. */
  function order(kern: Kern): string {
    const log: string[] = [];
    runThreads(kern, function* () {
      const first = yield* startIo(kern, new Noted(kern, log, 'a'));
      const second = yield* startIo(kern, new Noted(kern, log, 'b'));
      yield* waitForIo(kern, first);
      yield* waitForIo(kern, second);
    });
    return log.filter((line) => line.includes('done')).join(' ');
  }

  it('complete in the order in which they were started, unless a strategy says otherwise', () => {
    expect(order(new Kern())).toBe('a done 0 b done 0');
  });

  it('complete in any order under some schedule', () => {
    const orders = new Set<string>();
    for (let seed = 0; seed < 60; seed++) orders.add(order(new Kern({ strategy: new RandomPreemption(seed) })));
    expect(orders).toEqual(new Set(['a done 0 b done 0', 'b done 0 a done 0']));
  });

  it('are waited for by several threads, each of which learns the outcome', () => {
    const kern = new Kern();
    const log: string[] = [];
    const shared: { request: IoRequest | null } = { request: null };
    const wait = (who: string) =>
      function* (): Step<void> {
        shared.request ??= yield* startIo(kern, new Noted(kern, log, 'a', { errno: EIO }));
        log.push(`${who} has ${yield* waitForIo(kern, shared.request)}`);
      };
    runThreads(kern, wait('one'), wait('two'), wait('three'));
    const waiters = [`one has ${EIO}`, `two has ${EIO}`, `three has ${EIO}`];
    expect(log.slice(0, 2)).toEqual(['a moves', `a done ${EIO}`]);
    // In the direct build those that came later lie on top of those before.
    expect(log.slice(2)).toEqual(stepped ? waiters : waiters.toReversed());
  });
});

describe('a wait for an operation that never completes', () => {
  it('is reported as the kernel calls it, with the operation', () => {
    const kern = new Kern();
    class Stuck extends Noted {
      override *done(): Step<void> {
        yield* sleepOn(kern.scheduler, new WaitChannel('the controller'), { message: 'stuck' });
      }
    }
    const { message } = deadlockOf(kern, function* () {
      yield* waitForIo(kern, yield* startIo(kern, new Stuck(kern, [], 'read f @ 0')));
    });
    expect(message.split('\n')).toEqual([
      'nothing can run: 2 threads wait and nothing will wake them',
      '  lwp 1.1 sleeps on "biowait" (read f @ 0)',
      '  lwp 0.2 sleeps on "stuck" (the controller)',
    ]);
  });
});
