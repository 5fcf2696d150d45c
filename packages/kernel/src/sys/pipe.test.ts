import { describe, expect, it } from 'vitest';
import { runThreads, startThread, thrownBy } from '../../test/threads.js';
import { EAGAIN, EINTR, EPIPE, type Errno } from '../kern/errno.js';
import { Kern } from '../kern/kern.js';
import { Deadlock } from '../kern/scheduler.js';
import { pause } from '../kern/sleepq.js';
import { RandomPreemption, RoundRobin } from '../kern/strategy.js';
import { BUILD, type Step } from '../kern/switch.js';
import { PIPE_BUF, PIPE_SIZE, Pipe } from './pipe.js';

const WAIT = { nonblocking: false };
const NOW = { nonblocking: true };

/** Leaves what was read in the buffer. */
// biome-ignore lint/correctness/useYield: to deliver may take time, but this does not
function* keep(): Step<Errno> {
  return 0;
}

function* readAll(pipe: Pipe, chunk: number): Step<number[]> {
  const got: number[] = [];
  for (;;) {
    const into = new Uint8Array(chunk);
    const count = yield* pipe.read(into, WAIT, keep);
    if (count <= 0) return got;
    got.push(...into.subarray(0, count));
  }
}

/** Runs one thread on a pipe, which answers something. */
function alone<T>(job: (pipe: Pipe) => Step<T>): T {
  const kern = new Kern();
  const pipe = new Pipe(kern, 1);
  const outcome: T[] = [];
  runThreads(kern, function* () {
    outcome.push(yield* job(pipe));
  });
  return outcome[0] as T;
}

describe('a pipe', () => {
  it('gives bytes in the order in which they came, around its end', () => {
    const got = alone(function* (pipe) {
      const seen: number[] = [];
      for (let round = 0; round < 5; round++) {
        const from = Uint8Array.from({ length: 10_000 }, (_, i) => (i + round) % 251);
        expect(yield* pipe.write(from, WAIT)).toBe(10_000);
        const into = new Uint8Array(10_000);
        expect(yield* pipe.read(into, WAIT, keep)).toBe(10_000);
        expect(into).toEqual(from);
        seen.push(into.length);
      }
      return seen;
    });
    expect(got).toHaveLength(5);
  });

  it('gives what is there, and does not wait for the rest', () => {
    const count = alone(function* (pipe) {
      yield* pipe.write(new Uint8Array(5), WAIT);
      return yield* pipe.read(new Uint8Array(100), WAIT, keep);
    });
    expect(count).toBe(5);
  });

  it('answers nothing to who asks for nothing', () => {
    expect(alone((pipe) => pipe.read(new Uint8Array(0), WAIT, keep))).toBe(0);
    expect(alone((pipe) => pipe.write(new Uint8Array(0), WAIT))).toBe(0);
  });

  it('is at its end when nobody can write any more, once it is empty', () => {
    const counts = alone(function* (pipe) {
      yield* pipe.write(new Uint8Array(3), WAIT);
      yield* pipe.close('write');
      return [yield* pipe.read(new Uint8Array(10), WAIT, keep), yield* pipe.read(new Uint8Array(10), WAIT, keep)];
    });
    expect(counts).toEqual([3, 0]);
  });

  it('is EPIPE when nobody can read any more, even after some of it was written', () => {
    expect(
      alone(function* (pipe) {
        yield* pipe.close('read');
        return yield* pipe.write(new Uint8Array(1), WAIT);
      }),
    ).toBe(-EPIPE);
    const kern = new Kern();
    const pipe = new Pipe(kern, 1);
    const answers: number[] = [];
    runThreads(
      kern,
      function* () {
        answers.push(yield* pipe.write(new Uint8Array(PIPE_SIZE + 1), WAIT));
      },
      () => pipe.close('read'),
    );
    expect(answers).toEqual([-EPIPE]);
  });

  it('without waiting is EAGAIN when there is nothing, or no room; else what could be moved', () => {
    const answers = alone(function* (pipe) {
      const empty = yield* pipe.read(new Uint8Array(1), NOW, keep);
      const fits = yield* pipe.write(new Uint8Array(PIPE_SIZE + 100), NOW);
      const full = yield* pipe.write(new Uint8Array(1), NOW);
      yield* pipe.read(new Uint8Array(100), NOW, keep);
      return [empty, fits, full, yield* pipe.write(new Uint8Array(PIPE_BUF), NOW), yield* pipe.write(new Uint8Array(200), NOW)];
    });
    // The last two are small: they go as a whole, or not at all.
    expect(answers).toEqual([-EAGAIN, PIPE_SIZE, -EAGAIN, -EAGAIN, -EAGAIN]);
  });

  it('takes more than it holds, as fast as somebody reads', () => {
    const kern = new Kern();
    const pipe = new Pipe(kern, 1);
    const from = Uint8Array.from({ length: 3 * PIPE_SIZE }, (_, i) => i % 253);
    let got: number[] = [];
    const writer = function* (): Step<void> {
      expect(yield* pipe.write(from, WAIT)).toBe(from.length);
      yield* pipe.close('write');
    };
    startThread(kern, writer);
    startThread(kern, function* () {
      got = yield* readAll(pipe, 1000);
    });
    if (BUILD === 'direct') {
      // The reader runs on top of the writer, which cannot go on before the reader has ended.
      expect(thrownBy(Deadlock, () => kern.scheduler.run()).message).toContain('sleeps on "pipe');
      return;
    }
    kern.scheduler.run();
    expect(Uint8Array.from(got)).toEqual(from);
  });

  it('never mixes small writes', () => {
    for (let seed = 1; seed <= (BUILD !== 'direct' ? 10 : 1); seed++) {
      const kern = new Kern({ strategy: new RandomPreemption(seed) });
      const pipe = new Pipe(kern, 1);
      let got: number[] = [];
      let writers = BUILD !== 'direct' ? 3 : 1;
      for (let writer = 1; writer <= (BUILD !== 'direct' ? 3 : 1); writer++) {
        startThread(kern, function* () {
          for (let i = 0; i < 20; i++) expect(yield* pipe.write(new Uint8Array(PIPE_BUF).fill(writer), WAIT)).toBe(PIPE_BUF);
          writers--;
          if (writers === 0) yield* pipe.close('write');
        });
      }
      startThread(kern, function* () {
        got = yield* readAll(pipe, 700);
      });
      kern.scheduler.run();
      expect(got).toHaveLength((BUILD !== 'direct' ? 60 : 20) * PIPE_BUF);
      for (let at = 0; at < got.length; at += PIPE_BUF) expect(new Set(got.slice(at, at + PIPE_BUF)).size).toBe(1);
    }
  });

  it('lets one reader at a time take bytes away, so that none are read twice, or out of their order', () => {
    const kern = new Kern({ strategy: new RoundRobin(1) });
    const pipe = new Pipe(kern, 1);
    const log: string[] = [];
    const readSlowly = function* (): Step<void> {
      yield* pipe.read(new Uint8Array(2), WAIT, function* (bytes) {
        log.push(`takes ${bytes.join(' ')}`);
        yield* pause(kern.scheduler, 'slow', 5);
        log.push('has them');
        return 0;
      });
    };
    runThreads(kern, readSlowly, readSlowly, function* () {
      yield* pipe.write(Uint8Array.of(1, 2, 3, 4), WAIT);
    });
    expect(log).toEqual(['takes 1 2', 'has them', 'takes 3 4', 'has them']);
  });

  it('wakes who waits at the other end when it is closed', () => {
    const kern = new Kern();
    const pipe = new Pipe(kern, 1);
    const answers: number[] = [];
    runThreads(
      kern,
      function* () {
        answers.push(yield* pipe.read(new Uint8Array(1), WAIT, keep));
      },
      () => pipe.close('write'),
    );
    expect(answers).toEqual([0]);
  });

  it('is left by who gets a signal: EINTR, or what was moved until then', () => {
    const kern = new Kern();
    const pipe = new Pipe(kern, 1);
    const answers: number[] = [];
    const reader = startThread(kern, function* () {
      answers.push(yield* pipe.read(new Uint8Array(1), WAIT, keep));
    });
    startThread(kern, function* () {
      yield* pipe.write(new Uint8Array(0), WAIT);
      kern.scheduler.interrupt(reader);
    });
    kern.scheduler.run();
    const writer = startThread(kern, function* () {
      answers.push(yield* pipe.write(new Uint8Array(PIPE_SIZE + 1), WAIT));
    });
    startThread(kern, function* () {
      yield* pipe.write(new Uint8Array(0), WAIT);
      kern.scheduler.interrupt(writer);
    });
    kern.scheduler.run();
    expect(answers).toEqual([-EINTR, PIPE_SIZE]);
  });
});
