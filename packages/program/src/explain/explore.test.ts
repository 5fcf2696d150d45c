import { type Counterexample, type Exploration, explore, type Model } from '@faultline/explorer';
import {
  asVa,
  definePatch,
  Kern,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  Mutex,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  sleepOn,
  type UserProgram,
  WaitChannel,
  wakeup,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { programModel } from '../model.js';
import { defineProgram } from '../program.js';
import { exploreJson } from './explore-json.js';
import { exploreReport } from './explore-text.js';
import { explainFound } from './found.js';

const X = 0x100000;
const READ_WRITE = PROT_READ | PROT_WRITE;

/** A program with a page at X, and a second thread. */
function twoThreads(name: string, first: UserProgram, second: UserProgram) {
  return defineProgram({
    name,
    machine: { ramPages: 32 },
    *setUp(user) {
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      yield* user.store8(X, 1);
    },
    *main(user) {
      yield* user.lwpCreate(second);
      yield* first(user);
    },
  });
}

/** mlock lets the map go and looks at it again, without asking whether it has changed. */
const unlocksInBetween = definePatch({
  id: 'test-looks-again',
  summary: 'mlock looks at the entry again after it has let the map go, and does not look whether it is still there',
  replace: {
    uvm: {
      uvmMapPageable: (original) =>
        function* (map, start, end, options) {
          const errno = yield* original.call(this, map, start, end, options);
          if (errno !== 0) return errno;
          yield* this.vmMapLock(map);
          const entry = map.entries().find((each) => each.start === start);
          if (entry === undefined) this.kern.panic('the entry is gone');
          yield* this.vmMapUnlock(map);
          return errno;
        },
    },
  },
});

function exploring(model: Model): Promise<Exploration> {
  let now = 0;
  return explore(model, { now: () => now++, patience: Number.POSITIVE_INFINITY });
}

function only({ found }: Exploration): Counterexample {
  const [first, ...others] = found;
  if (first === undefined || others.length > 0) throw new Error(`${found.length} failures were found`);
  return first;
}

describe('the report of an exploration', () => {
  const program = twoThreads(
    'mlock and munmap',
    (user) => discard(user.mlock(X, PAGE_SIZE)),
    (user) => discard(user.munmap(X, PAGE_SIZE)),
  );
  const broken = programModel(program, { patches: [unlocksInBetween] });
  let explored: Promise<Exploration> | null = null;
  const exploringBroken = (): Promise<Exploration> => {
    explored ??= exploring(broken);
    return explored;
  };

  it('says of a race what goes wrong, with how few preemptions, when it is too late and what would have gone well', async () => {
    const exploration = await exploringBroken();
    const lines = exploreReport(exploration);
    const { preemptions, steps, pointOfNoReturn } = only(exploration);
    expect(lines[0]).toMatch(/^FOUND {3}the entry is gone in .* mlock and munmap$/);
    expect(preemptions).toBe(1);
    expect(lines[1]).toContain(`${exploration.interleavings?.toLocaleString('en-US')} interleavings in`);
    expect(lines[1]).toMatch(/cover the program; \d+ of the states are doomed\.$/);
    expect(lines[2]).toContain(`Simplest schedule: ${preemptions} preemption`);
    expect(lines[2]).toContain(`${steps} steps.`);
    expect(lines).toContain(
      'What went wrong first: nothing that could be seen. No invariant was false at a quiet point before the panic.',
    );
    const turn = lines.findIndex((line) =>
      line.startsWith(`Point of no return: step ${pointOfNoReturn}, B's munmap takes vmmaplk`),
    );
    expect(turn).toBeGreaterThan(0);
    expect(lines.slice(turn).join(' ')).toMatch(/Before it, \d of \d ways on end well; after it, +none\./);
    expect(lines.join('\n')).toMatch(/Nearest schedule that ends well: A's mlock takes vmmaplk \d.* before B's munmap/s);
  });

  it('has a column for each thread, with calls, switches and their reasons, in no more lines than fit a screen', async () => {
    const lines = exploreReport(await exploringBroken());
    const head = lines.find((line) => line.startsWith('  step'));
    expect(head).toMatch(/A \(main 1\.1\) +B \(main 1\.2\)$/);
    const [a, b] = [head?.indexOf('A (') ?? 0, head?.indexOf('B (') ?? 0];
    const at = (text: string): number => lines.find((line) => line.includes(text))?.indexOf(text) ?? -1;
    expect(at('mlock(0x100000, 4096)')).toBe(a);
    expect(at('munmap(0x100000, 4096)')).toBe(b);
    expect(at('<- from here')).toBeGreaterThan(b);
    expect(lines.join('\n')).toMatch(
      /==== switch: B runs \(preemption 1\); A is set aside in front of "attempt vmmaplk \d+" =+$/m,
    );
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(118);
    expect(lines.length).toBeLessThan(80);
  });

  it('ends with the words of the kernel and the functions in which the threads are', async () => {
    const lines = exploreReport(await exploringBroken(), { next: ['faultline debug it'] });
    const panic = lines.indexOf('  panic: the entry is gone');
    expect(panic).toBeGreaterThan(0);
    expect(lines[panic + 1]).toMatch(/^ {4}.*sys_mlock$/);
    expect(lines.slice(-2)).toEqual(['Next', '  faultline debug it']);
  });

  it('says of a sound program how much was looked at, and that nothing was found', async () => {
    const exploration = await exploring(programModel(program));
    const [verdict, ...others] = exploreReport(exploration);
    expect(verdict).toMatch(/^OK {3}All [\d,]+ interleavings of 2 threads \([\d,]+ states\) explored in .*\. Nothing found\.$/);
    expect(others.join(' ')).toMatch(/Checked: \d+ invariants at every quiet point, .*lock order \(.*\).* Hash width 64 bits\./);
  });

  it('does not say that all is well when not all was explored', async () => {
    const exploration = await explore(programModel(program), { now: () => 0, maxPreemptions: 0 });
    const [verdict] = exploreReport(exploration);
    expect(verdict).toMatch(/^OK {3}All schedules of 2 threads without preemption .*Nothing found; with more/);
    const cramped = await explore(programModel(program), { now: () => 0, maxStates: 10, samples: 1, raceSamples: 1 });
    expect(cramped.coverage).toBe('budget');
    expect(exploreReport(cramped)[0]).toMatch(/^OPEN Not everything of 2 threads was explored within the budget/);
  });

  it('is the same as data that JSON can hold', async () => {
    const exploration = await exploringBroken();
    const json = exploreJson(exploration);
    expect(JSON.parse(JSON.stringify(json))).toMatchObject({
      coverage: 'exhausted',
      interleavings: String(exploration.interleavings),
      schedulesToFirst: exploration.schedulesToFirst,
      found: [
        {
          preemptions: only(exploration).preemptions,
          explanation: { title: expect.stringContaining('the entry is gone'), race: { first: { thread: '1.2' } } },
        },
      ],
    });
  });
});

describe('what went wrong first', () => {
  it('is the step from which on an invariant stays false, with the structure on both sides of it', async () => {
    const forgets = definePatch({
      id: 'test-forgets-entry-count',
      summary: 'munmap counts an entry too few',
      replace: {
        uvm: {
          uvmUnmap: (original) =>
            function* (map, start, end) {
              yield* original.call(this, map, start, end);
              if (start === asVa(X)) map.size += PAGE_SIZE;
            },
        },
      },
    });
    const program = twoThreads(
      'size',
      (user) => discard(user.mlock(X, PAGE_SIZE)),
      (user) => discard(user.munmap(X, PAGE_SIZE)),
    );
    const model = programModel(program, { patches: [forgets] });
    const exploration = await exploring(model);
    const { first, letters } = explainFound(model, exploration.found[0] ?? fail());
    expect(first).toMatchObject({ known: 'quiet', step: { call: 'munmap' } });
    expect(first?.before.join('\n')).toMatch(/^MAP map \d+/);
    expect(first?.before).not.toEqual(first?.after);
    const lines = exploreReport(exploration);
    expect(lines.find((line) => line.startsWith('What went wrong first'))).toContain(
      `step ${first?.step.number}, ${letters.actor(first?.step ?? fail())} `,
    );
    expect(lines.join('\n')).toContain('false from here on');
  });
});

/** A flag that no map has. */
const DISTURBED = 0x8000;

describe('what went wrong first before a panic', () => {
  it('is what a call has left false that has returned, although no quiet point came in between', async () => {
    const disturbed = definePatch({
      id: 'test-disturbed',
      summary: 'munmap counts wrong while mlock, which has let the map go, is about to look at it again',
      replace: {
        uvm: {
          uvmMapPageable: (original) =>
            function* (map, start, end, options) {
              const errno = yield* original.call(this, map, start, end, options);
              map.flags |= DISTURBED;
              yield* this.vmMapLock(map);
              map.flags &= ~DISTURBED;
              const size = map.entries().reduce((sum, entry) => sum + entry.end - entry.start, 0);
              if (map.size !== size) this.kern.panic('the size is wrong');
              yield* this.vmMapUnlock(map);
              return errno;
            },
          uvmUnmap: (original) =>
            function* (map, start, end) {
              const disturbs = (map.flags & DISTURBED) !== 0;
              yield* original.call(this, map, start, end);
              if (disturbs) map.size += PAGE_SIZE;
            },
        },
      },
    });
    const program = twoThreads(
      'disturbed',
      (user) => discard(user.mlock(X, PAGE_SIZE)),
      (user) => discard(user.munmap(X, PAGE_SIZE)),
    );
    const model = programModel(program, { patches: [disturbed] });
    const exploration = await exploring(model);
    const panic = exploration.found.find(({ failure }) => failure.kind === 'panic') ?? fail();
    const { first } = explainFound(model, panic);
    expect(first).toMatchObject({ known: 'returned', step: { call: 'munmap', thread: { name: '1.2' } } });
    expect(first?.violations[0]?.finding).toContain('bytes, but its entries cover');
    const text = exploreReport({ ...exploration, found: [panic] }).join('\n');
    expect(text).toContain('The call that made it so has returned since');
  });
});

/** A model of two threads without memory. */
function bare(name: string, make: (kern: Kern) => readonly (() => Step<void>)[]): Model {
  return {
    name,
    boot(strategy) {
      const kern = new Kern({ strategy });
      const { scheduler } = kern;
      const bodies = make(kern);
      for (const [index, body] of bodies.entries()) scheduler.start(scheduler.create({ pid: index + 1, name }, 1), body);
      return { kern, run: () => scheduler.run(), writeState: (writer) => kern.writeState(writer) };
    },
  };
}

function* nested(kern: Kern, outer: Mutex, inner: Mutex): Step<void> {
  for (const lock of [outer, inner]) {
    kern.announce(`take ${lock.label}`);
    yield* lock.enter();
  }
  kern.announce('both');
  yield* inner.exit();
  kern.announce('one');
  yield* outer.exit();
}

describe('models without memory', () => {
  it('are told as well: a deadlock with who waits for whom, and the lock order that it confirms', async () => {
    const model = bare('two locks', (kern) => {
      const [a, b] = [new Mutex(kern, kern.lockClass('a')), new Mutex(kern, kern.lockClass('b'))];
      return [() => nested(kern, a, b), () => nested(kern, b, a)];
    });
    const lines = exploreReport(await exploring(model));
    expect(lines[0]).toContain('FOUND   deadlock of A and B at a and b');
    expect(lines.join('\n')).toMatch(
      /A {2}lwp 1\.1, in the kernel, waits for b, held by B|A {2}lwp 1\.1, .*waits for b, held by B/,
    );
    expect(lines.join('\n')).toMatch(/B {2}lwp 2\.1, .*waits for a, held by A/);
    expect(lines.join('\n')).toMatch(/Lock order\n {2}. -> . -> .: confirmed; a schedule deadlocks there/);
  });

  it('are told as well: a lost wakeup with check, wakeup and sleep', async () => {
    const model = bare('waiter', (kern) => {
      const lock = new Mutex(kern, kern.lockClass('lock'));
      const channel = new WaitChannel('condition');
      let done = false;
      function* wait() {
        yield* lock.enter();
        const mustWait = !done;
        kern.announce('looked', mustWait ? 1 : 0);
        yield* lock.exit();
        if (mustWait) yield* sleepOn(kern.scheduler, channel, { message: 'cond' });
      }
      function* finish() {
        yield* lock.enter();
        done = true;
        kern.announce('done');
        yield* lock.exit();
        yield* wakeup(kern.scheduler, channel);
      }
      return [wait, finish];
    });
    const text = exploreReport(await exploring(model)).join('\n');
    expect(text).toContain('FOUND   A waits for ever');
    expect(text).toContain('The wakeup of A on condition ("cond") is lost:');
    expect(text).toMatch(/step \d+, check: {3}A .*lock, and has to wait/);
    expect(text).toMatch(/step \d+, wakeup: {2}B wakes nobody: none sleeps on condition yet/);
    expect(text).toMatch(/step \d+, sleep: {3}A falls asleep on condition, and nobody wakes it any more/);
  });
});

/** Takes a lock and tries another; gives the first back and begins anew when it cannot have that. */
function* triesAgain(kern: Kern, first: Mutex, second: Mutex): Step<void> {
  for (;;) {
    kern.announce('again');
    yield* first.enter();
    kern.announce('try');
    if (yield* second.tryEnter()) break;
    kern.announce('in vain');
    yield* first.exit();
  }
  kern.announce('got both');
  yield* second.exit();
  kern.announce('one');
  yield* first.exit();
}

describe('a livelock', () => {
  it('is told as the way into the loop and once around it', async () => {
    const model = bare('after you', (kern) => {
      const [a, b] = [new Mutex(kern, kern.lockClass('a')), new Mutex(kern, kern.lockClass('b'))];
      return [() => triesAgain(kern, a, b), () => triesAgain(kern, b, a)];
    });
    const exploration = await exploring(model);
    expect(exploration.interleavings).toBeNull();
    const text = exploreReport(exploration).join('\n');
    expect(text).toContain('FOUND   livelock: the threads go round for ever');
    expect(text).toMatch(/Simplest schedule: .* steps, the last \d+ of them again and again\./);
    expect(text).toContain('from here on it goes round');
    expect(text).toMatch(/lwp 1\.1 goes round: .*try b \(in vain\)/);
    expect(text).toContain('a -> b -> a: refuted; one side only tries, and never waits');
  });
});

describe('a program that always fails', () => {
  it('has no point of no return but its start', async () => {
    const program = defineProgram({
      name: 'alone',
      machine: { ramPages: 32 },
      *main(user) {
        yield* user.mmap(X, PAGE_SIZE, READ_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
      },
      check: () => ['it is never right'],
    });
    const lines = exploreReport(await exploring(programModel(program)));
    expect(lines.slice(0, 3)).toEqual([
      expect.stringMatching(/^FOUND {3}it is never right +alone$/),
      '        The program has one interleaving.',
      expect.stringMatching(/^ +Simplest schedule: no preemption, \d+ steps\.$/),
    ]);
    expect(lines).toContain('Point of no return: the start. No interleaving ends well.');
  });
});

function* discard(call: Step<number>): Step<void> {
  yield* call;
}

function fail(): never {
  throw new Error('it is not there');
}
