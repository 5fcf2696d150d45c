import { describe, expect, it } from 'vitest';
import { atOnce, runOnKern, runThreads, startThread, stepper } from '../../test/threads.js';
import { AtomicCell } from './atomic.js';
import { Kern } from './kern.js';
import type { Lwp, StepObject } from './lwp.js';
import { Mutex } from './mutex.js';
import { pause, sleepOn, WaitChannel, wakeup } from './sleepq.js';
import { BUILD, park } from './switch.js';

const stepped = BUILD !== 'direct';

describe('run to block', () => {
  it('runs each thread through, in order of creation', () => {
    const log: string[] = [];
    runOnKern({}, (kern) => [stepper(kern, log, 'a', 2), stepper(kern, log, 'b', 2), stepper(kern, log, 'c', 1)]);
    expect(log).toEqual(['a1', 'a2', 'b1', 'b2', 'c1']);
  });

  it('hands over to the next in order when a thread blocks, and comes back to it in its turn', () => {
    const log: string[] = [];
    const kern = new Kern();
    const channel = new WaitChannel('it');
    runThreads(
      kern,
      function* () {
        log.push('a sleeps');
        yield* sleepOn(kern.scheduler, channel, { message: 'wait' });
        log.push('a is back');
      },
      function* () {
        log.push('b wakes a');
        yield* wakeup(kern.scheduler, channel);
        log.push('b goes on');
      },
      stepper(kern, log, 'c', 1),
    );
    // In the direct build b ran on a's stack, and a goes on as soon as it may.
    const after = stepped ? ['c1', 'a is back'] : ['a is back', 'c1'];
    expect(log).toEqual(['a sleeps', 'b wakes a', 'b goes on', ...after]);
  });

  it('lets the running thread go on after a step that others could take too', () => {
    const log: string[] = [];
    const kern = new Kern();
    const cell = new AtomicCell('cell', 0);
    const adder = (name: string) =>
      function* () {
        for (let i = 0; i < 2; i++) log.push(`${name}${yield* cell.add(kern.scheduler, 1)}`);
      };
    runThreads(kern, adder('a'), adder('b'));
    expect(log).toEqual(['a1', 'a2', 'b3', 'b4']);
  });
});

describe('steps', () => {
  it('counts each step of each thread once, and the end of each thread', () => {
    const kern = runOnKern({}, (each) => [stepper(each, [], 'a', 3), stepper(each, [], 'b', 4)]);
    expect(kern.scheduler.steps).toBe(3 + 1 + 4 + 1);
  });

  it('counts an environment choice as a step', () => {
    const kern = new Kern();
    expect(kern.choose('io.read')).toBe(0);
    expect(kern.scheduler.steps).toBe(1);
  });

  it('says of a waiting thread what it is about to do and to what', () => {
    const kern = new Kern();
    const mutex = new Mutex(kern, kern.lockClass('m'));
    const seen: [string, string | undefined][] = [];
    const first = startThread(kern, function* () {
      yield* mutex.enter();
      yield* pause(kern.scheduler, 'a while', 1);
      yield* mutex.exit();
    });
    runThreads(
      kern,
      atOnce(() => seen.push([first.op, first.object?.label])),
    );
    expect(seen).toEqual([['resume', 'a while']]);
    expect(first.op).toBe('release');
    expect(first.object).toBe(mutex);
  });
});

describe('threads', () => {
  it('are idle before and after their job, and take another one then', () => {
    const log: string[] = [];
    const kern = new Kern();
    const lwp = startThread(kern, stepper(kern, log, 'a', 1));
    expect(lwp.idle).toBe(false);
    kern.scheduler.run();
    expect(lwp.idle).toBe(true);
    kern.scheduler.start(lwp, stepper(kern, log, 'b', 1));
    kern.scheduler.run();
    expect(log).toEqual(['a1', 'b1']);
    expect(kern.scheduler.lwps).toContain(lwp);
  });

  it('take one job at a time', () => {
    const kern = new Kern();
    const lwp = startThread(kern, stepper(kern, [], 'a', 1));
    expect(() => kern.scheduler.start(lwp, stepper(kern, [], 'b', 1))).toThrow('thread 1.1 has a job already');
  });

  it('run in order of creation, whatever the order in which they were given their jobs', () => {
    const log: string[] = [];
    const kern = new Kern();
    const { scheduler } = kern;
    const [a, b, c] = [1, 2, 3].map((pid) => scheduler.create({ pid, name: 'p' }, 1)) as [Lwp, Lwp, Lwp];
    scheduler.start(c, stepper(kern, log, 'c', 1));
    scheduler.start(a, stepper(kern, log, 'a', 1));
    scheduler.start(b, stepper(kern, log, 'b', 1));
    scheduler.run();
    expect(log).toEqual(['a1', 'b1', 'c1']);
  });

  it('are spread over the processors in turn', () => {
    const { scheduler } = new Kern({ cpus: 2 });
    const cpus = [1, 2, 3].map((pid) => scheduler.create({ pid, name: 'p' }, 1).cpu);
    expect(cpus).toEqual([1, 0, 1]);
  });

  it('have numbers that are not used again', () => {
    const { scheduler } = new Kern();
    const first = scheduler.create({ pid: 1, name: 'p' }, 1);
    scheduler.destroy(first);
    expect(scheduler.create({ pid: 1, name: 'p' }, 1).id).toBe(first.id + 1);
    expect(scheduler.lwps).not.toContain(first);
  });

  it('may be started by a running thread', () => {
    const log: string[] = [];
    const kern = new Kern();
    const parent = atOnce(() => {
      startThread(kern, stepper(kern, log, 'child', 1));
      log.push('parent');
    });
    runThreads(kern, parent);
    expect(log).toEqual(['parent', 'child1']);
  });

  it('are announced to onSwitch whenever they get the processor', () => {
    const kern = new Kern();
    const seen: string[] = [];
    kern.scheduler.onSwitch = (lwp) => seen.push(lwp.name);
    runThreads(
      kern,
      function* () {
        yield* pause(kern.scheduler, 'a while', 1);
      },
      stepper(kern, [], 'b', 1),
    );
    expect(seen).toEqual(['1.1', '2.1', '1.1']);
  });

  it('leave `current` to whoever ran the scheduler', () => {
    const kern = new Kern();
    const outside = kern.scheduler.current;
    runThreads(kern, stepper(kern, [], 'a', 1));
    expect(kern.scheduler.current).toBe(outside);
    expect(outside.name).toBe('0.1');
  });
});

describe('threads of the kernel itself', () => {
  it('are counted while they have not finished, and then cease to exist', () => {
    const kern = new Kern();
    const { scheduler } = kern;
    const counts: number[] = [];
    const before = scheduler.lwps.length;
    const lwp = scheduler.spawn(atOnce(() => counts.push(scheduler.kernelThreads)));
    expect(scheduler.kernelThreads).toBe(1);
    expect(scheduler.lwps).toContain(lwp);
    expect(lwp.process.name).toBe('system');
    scheduler.run();
    expect(counts).toEqual([1]);
    expect(scheduler.kernelThreads).toBe(0);
    expect(scheduler.lwps.length).toBe(before);
  });

  it('delay the quiet point until they are done', () => {
    const kern = new Kern();
    const quiet: string[] = [];
    kern.onQuiet = () => quiet.push('quiet');
    kern.enter();
    const io = kern.scheduler.spawn(function* () {});
    kern.leave();
    expect(quiet).toEqual([]);
    kern.scheduler.run();
    expect(io.idle).toBe(true);
    kern.enter();
    kern.leave();
    expect(quiet).toEqual(['quiet']);
  });
});

describe('runUntilIdle', () => {
  it('stops once the thread is done, with others still to run', () => {
    const log: string[] = [];
    const kern = new Kern();
    const a = startThread(kern, stepper(kern, log, 'a', 1));
    const b = startThread(kern, stepper(kern, log, 'b', 1));
    expect(kern.scheduler.runUntilIdle(a)).toBe(true);
    expect([log, b.idle]).toEqual([['a1'], false]);
    kern.scheduler.run();
    expect(log).toEqual(['a1', 'b1']);
  });

  it('answers false when the thread waits for what only the outside can bring about', () => {
    // Only the stepped build can leave a waiting thread: in the direct build it lies on the stack.
    const kern = new Kern();
    const channel = new WaitChannel('outside');
    const lwp = startThread(kern, function* () {
      yield* sleepOn(kern.scheduler, channel, { message: 'outside' });
    });
    if (!stepped) {
      expect(() => kern.scheduler.runUntilIdle(lwp)).toThrow('nothing can run');
      return;
    }
    expect(kern.scheduler.runUntilIdle(lwp)).toBe(false);
    kern.scheduler.wake(lwp, 0);
    expect(kern.scheduler.runUntilIdle(lwp)).toBe(true);
  });
});

describe('what a step object says', () => {
  it('decides whether a thread may take the step', () => {
    const kern = new Kern();
    const log: string[] = [];
    let open = false;
    const gate: StepObject = { label: 'gate', admits: () => open };
    const { scheduler } = kern;
    runThreads(
      kern,
      function* () {
        if (scheduler.mustSwitch('acquire', gate)) yield* park(scheduler);
        log.push('through');
      },
      atOnce(() => {
        log.push('opens');
        open = true;
      }),
    );
    expect(log).toEqual(['opens', 'through']);
  });
});
