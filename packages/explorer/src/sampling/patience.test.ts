import { AtomicCell, Kern, type Lwp, Mutex } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { Patience } from './patience.js';

/** Puts a thread in front of a step, and answers whether it goes round in circles. */
function stepper(): { readonly kern: Kern; readonly lwp: Lwp; readonly at: (op: Lwp['op'], object: Lwp['object']) => boolean } {
  const kern = new Kern();
  const lwp = kern.scheduler.create({ pid: 1, name: 'p' }, 1);
  const patience = new Patience();
  return {
    kern,
    lwp,
    at: (op, object) => {
      lwp.op = op;
      lwp.object = object;
      return patience.goesInCircles(lwp);
    },
  };
}

describe('patience', () => {
  it('is over when a lock is tried again that was not had', () => {
    const { kern, at } = stepper();
    const lock = new Mutex(kern, kern.lockClass('lock'));
    expect([at('try', lock), at('try', lock)]).toEqual([false, true]);
  });

  it('is not over when a lock is tried again that was had in between', () => {
    const { kern, lwp, at } = stepper();
    const lock = new Mutex(kern, kern.lockClass('lock'));
    expect(at('try', lock)).toBe(false);
    lwp.held.push(lock);
    expect(at('release', lock)).toBe(false);
    lwp.held.pop();
    expect(at('try', lock)).toBe(false);
  });

  it('lasts for 200 steps that touch nothing new', () => {
    const { at } = stepper();
    const [a, b] = [new AtomicCell('a', 0), new AtomicCell('b', 0)];
    const answers = Array.from({ length: 202 }, (_, i) => at('load', i % 2 === 0 ? a : b));
    expect(answers.indexOf(true)).toBe(201);
  });

  it.each(['something new', 'a new label'])('begins afresh with %s', (what) => {
    const { lwp, at } = stepper();
    const word = new AtomicCell('word', 0);
    for (let i = 0; i < 1000; i++) {
      if (i % 100 === 0 && what === 'a new label') lwp.label = `label ${i}`;
      const isNew = i % 100 === 0 && what === 'something new';
      expect(at('load', isNew ? new AtomicCell('other', 0) : word)).toBe(false);
    }
  });
});
