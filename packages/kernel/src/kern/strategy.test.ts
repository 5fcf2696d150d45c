import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { programs, RandomWithTimeouts, runProgram } from '../../test/random-program.js';
import { runOnKern, runThreads, stepper } from '../../test/threads.js';
import { Kern } from './kern.js';
import { sleepOn, WaitChannel, wakeup } from './sleepq.js';
import { nextInOrder, RandomPreemption, RoundRobin, SeededRandom, type Strategy } from './strategy.js';
import { BUILD } from './switch.js';

const stepped = BUILD !== 'direct';

/** In which order two threads of some steps each take them. */
function order(strategy: Strategy, a: number, b: number): string {
  const log: string[] = [];
  runOnKern({ strategy }, (kern) => [stepper(kern, log, 'a', a), stepper(kern, log, 'b', b)]);
  return log.join(' ');
}

/** All ways to merge `a` letters a with `b` letters b. */
function merges(a: number, b: number): string[] {
  if (a === 0) return ['b'.repeat(b)];
  if (b === 0) return ['a'.repeat(a)];
  return [...merges(a - 1, b).map((rest) => `a${rest}`), ...merges(a, b - 1).map((rest) => `b${rest}`)];
}

describe('round robin', () => {
  // Getting started is a step of the first turn. The direct build cannot take the processor from a thread.
  it('gives each thread one step in turn', () => {
    expect(order(new RoundRobin(), 3, 3)).toBe(stepped ? 'a1 b1 a2 b2 a3 b3' : 'a1 a2 a3 b1 b2 b3');
  });

  it('gives each thread its quantum of steps in turn', () => {
    expect(order(new RoundRobin(3), 6, 4)).toBe(stepped ? 'a1 a2 b1 b2 a3 a4 a5 b3 b4 a6' : 'a1 a2 a3 a4 a5 a6 b1 b2 b3 b4');
  });

  it('begins a new quantum with a thread that went on because all others waited', () => {
    const log: string[] = [];
    const kern = new Kern({ strategy: new RoundRobin(4) });
    const channel = new WaitChannel('it');
    runThreads(
      kern,
      function* () {
        yield* stepper(kern, log, 'a', 2)();
        yield* sleepOn(kern.scheduler, channel, { message: 'wait' });
        yield* stepper(kern, log, 'back', 1)();
      },
      function* () {
        // The wakeup is the first of four steps of this turn, whatever the other thread had taken of its own.
        yield* wakeup(kern.scheduler, channel);
        yield* stepper(kern, log, 'b', 5)();
      },
    );
    const after = stepped ? ['b1', 'b2', 'back1', 'b3', 'b4', 'b5'] : ['b1', 'b2', 'b3', 'b4', 'b5', 'back1'];
    expect(log).toEqual(['a1', 'a2', ...after]);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses a quantum of %s', (quantum) => {
    expect(() => new RoundRobin(quantum)).toThrow(`a quantum is a whole number of steps from 1 up, not ${quantum}`);
  });
});

describe('random preemption', () => {
  it('reaches every interleaving of a small program over the seeds', () => {
    const reached = new Set<string>();
    for (let seed = 0; seed < 600; seed++) reached.add(order(new RandomPreemption(seed), 3, 3).replace(/[^ab]/g, ''));
    // The direct build runs a thread through once it has begun.
    expect([...reached].sort()).toEqual(stepped ? merges(3, 3).sort() : ['aaabbb', 'bbbaaa']);
  });

  it('gives equal runs for equal seeds, and other runs for other seeds', () => {
    let different = 0;
    fc.assert(
      fc.property(programs, fc.nat(), (program, seed) => {
        const once = runProgram(program, new RandomWithTimeouts(seed));
        expect(runProgram(program, new RandomWithTimeouts(seed))).toEqual(once);
        const other = runProgram(program, new RandomWithTimeouts(seed + 1));
        if (other.trace.join() !== once.trace.join()) different++;
      }),
    );
    expect(different).toBeGreaterThan(10);
  });

  it('takes the ordinary way at every choice unless faults are asked for', () => {
    const kern = new Kern({ strategy: new RandomPreemption(3) });
    for (let i = 0; i < 100; i++) expect(kern.choose('test.choice', 4)).toBe(0);
  });

  it('takes another way in about one choice in n, each of them alike', () => {
    const kern = new Kern({ strategy: new RandomPreemption(3, { faultsIn: 4 }) });
    const taken = Array.from({ length: 4000 }, () => kern.choose('test.choice', 3));
    const [ordinary, one, other] = [0, 1, 2].map((way) => taken.filter((each) => each === way).length);
    expect(ordinary).toBeGreaterThan(2800);
    expect(ordinary).toBeLessThan(3200);
    expect(one).toBeGreaterThan(400);
    expect(other).toBeGreaterThan(400);
  });

  it('takes the one way that there is, whether or not faults are asked for', () => {
    const kern = new Kern({ strategy: new RandomPreemption(3, { faultsIn: 2 }) });
    for (let i = 0; i < 100; i++) expect(kern.choose('test.choice', 1)).toBe(0);
  });

  it('names its seed', () => {
    expect(new RandomPreemption(17).name).toBe('random (seed 17)');
  });
});

describe('the random numbers', () => {
  const stream = (seed: number, length = 3): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length }, () => random.next());
  };

  it('are the same for the same seed on every machine, and others for another', () => {
    expect(stream(1)).toEqual([573_063_952, 3_268_221_502, 703_077_755]);
    expect(stream(1)).not.toEqual(stream(2));
  });

  it('use the bits of a seed above 2^32 too', () => {
    expect(stream(5)).not.toEqual(stream(5 + 2 ** 32));
  });

  it('are whole numbers from 0 to 2^32 - 1, and below a bound when one is given', () => {
    const random = new SeededRandom(9);
    const seen = new Set<number>();
    for (let i = 0; i < 1000; i++) {
      const number = random.next();
      expect(Number.isInteger(number) && number >= 0 && number < 2 ** 32).toBe(true);
      seen.add(random.below(7));
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

describe('the next in order', () => {
  it('is the first at or after a number, round to the first of all', () => {
    const { scheduler } = new Kern();
    const first = scheduler.create({ pid: 1, name: 'p' }, 1);
    const second = scheduler.create({ pid: 2, name: 'p' }, 1);
    expect(nextInOrder([first, second], 1)).toBe(first);
    expect(nextInOrder([first, second], 2)).toBe(second);
    expect(nextInOrder([first, second], 3)).toBe(first);
    expect(() => nextInOrder([], 0)).toThrow('there is nothing to choose from');
  });
});
