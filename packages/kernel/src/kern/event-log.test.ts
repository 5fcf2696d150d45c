import { describe, expect, it, vi } from 'vitest';
import { act, bootProcess } from '../../test/harness.js';
import { runThreads, stepper } from '../../test/threads.js';
import { MAP_ANON, MAP_PRIVATE } from '../index.js';
import { EventLog } from './event-log.js';
import { Kern } from './kern.js';

/** A log that holds three events, with some in it. */
function logWith(count: number): EventLog {
  const log = new EventLog(new Kern().scheduler, { capacity: 3 });
  for (let i = 0; i < count; i++) log.emit({ kind: `event ${i}` });
  return log;
}

function kinds(log: EventLog, since?: number): string[] {
  return log.events(since).map(({ event }) => event.kind);
}

describe('the ring', () => {
  it('gives the events in order, each with its number', () => {
    const log = logWith(2);
    expect(log.events().map(({ sequence, event }) => [sequence, event.kind])).toEqual([
      [0, 'event 0'],
      [1, 'event 1'],
    ]);
  });

  it('keeps no more than it holds: the newest, under the numbers that they had', () => {
    const log = logWith(8);
    expect(log.events().map(({ sequence, event }) => [sequence, event.kind])).toEqual([
      [5, 'event 5'],
      [6, 'event 6'],
      [7, 'event 7'],
    ]);
    expect(log.emitted).toBe(8);
  });

  it('gives the events from a number on, or what is left of them', () => {
    const log = logWith(8);
    expect(kinds(log, 6)).toEqual(['event 6', 'event 7']);
    expect(kinds(log, 0)).toEqual(['event 5', 'event 6', 'event 7']);
    expect(kinds(log, 8)).toEqual([]);
  });

  it('is empty at first', () => {
    expect([logWith(0).events(), logWith(0).emitted]).toEqual([[], 0]);
  });

  it.each([0, -1, 2.5, Number.NaN])('refuses to hold %s events', (capacity) => {
    expect(() => new EventLog(new Kern().scheduler, { capacity })).toThrow(
      `an event log holds a whole number of events from 1 up, not ${capacity}`,
    );
  });

  it('has the size that the kernel was booted with', () => {
    const kern = new Kern({ eventCapacity: 2 });
    for (let i = 0; i < 5; i++) kern.log.emit({ kind: 'event' });
    expect(kern.log.events()).toHaveLength(2);
  });
});

describe('an event', () => {
  it('tells in which thread and at which step it happened', () => {
    const kern = new Kern();
    runThreads(kern, stepper(kern, [], 'a', 3), function* () {
      yield* stepper(kern, [], 'b', 2)();
      kern.log.emit({ kind: 'here' });
    });
    const [logged] = kern.log.events();
    // Three steps and the end of the first thread come before.
    expect(logged).toEqual({ sequence: 0, step: 6, lwp: '2.1', event: { kind: 'here' } });
  });
});

describe('while the log is off', () => {
  /** How often a kernel emits an event while a process maps, touches, wires, splits and unmaps memory. */
  function emitted(on: boolean): number {
    const { system, process } = bootProcess();
    system.kern.log.on = on;
    const emit = vi.spyOn(system.kern.log, 'emit');
    act(system, process, function* (user) {
      const address = yield* user.mmap(0, 4 * 4096, 3, MAP_ANON | MAP_PRIVATE);
      yield* user.store32(address, 1);
      yield* user.mlock(address, 4096);
      yield* user.munmap(address + 4096, 4096);
      yield* user.munmap(address, 4 * 4096);
    });
    system.kern.printf('a line');
    return emit.mock.calls.length;
  }

  it('no event is even made, however much happens', () => {
    expect(emitted(false)).toBe(0);
    expect(emitted(true)).toBeGreaterThan(10);
  });
});
