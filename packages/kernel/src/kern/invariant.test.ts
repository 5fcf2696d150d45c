import { describe, expect, it } from 'vitest';
import { nothing, runJob } from '../../test/threads.js';
import { Auditor, type BrokenRule, type Invariant } from './invariant.js';
import { Kern } from './kern.js';

/** An invariant that is false wherever a list says so. */
function invariant(name: string, ...findings: readonly (readonly [finding: string, subject?: string])[]): Invariant {
  return {
    name,
    sentence: `${name} holds`,
    check(report) {
      for (const [finding, subject] of findings) report(finding, subject);
    },
  };
}

function auditorOf(...invariants: readonly Invariant[]): Auditor {
  const auditor = new Auditor();
  auditor.register(invariants);
  return auditor;
}

describe('the audit', () => {
  it('finds nothing when all invariants hold', () => {
    expect(auditorOf(invariant('one'), invariant('two')).audit()).toEqual([]);
  });

  it('reports each place where an invariant is false, with its sentence, in order of registration', () => {
    const auditor = auditorOf(invariant('one', ['page 3 is lost', 'PAGE 3']), invariant('two'), invariant('three', ['a'], ['b']));
    expect(auditor.audit()).toEqual([
      { invariant: 'one', sentence: 'one holds', finding: 'page 3 is lost', subject: 'PAGE 3' },
      { invariant: 'three', sentence: 'three holds', finding: 'a', subject: '' },
      { invariant: 'three', sentence: 'three holds', finding: 'b', subject: '' },
    ]);
  });

  it('looks anew each time', () => {
    let broken = true;
    const auditor = auditorOf({ name: 'one', sentence: '', check: (report) => broken && report('broken') });
    expect(auditor.audit()).toHaveLength(1);
    broken = false;
    expect(auditor.audit()).toEqual([]);
  });
});

describe('invariants', () => {
  it('have names of their own, across registrations and within one', () => {
    const auditor = auditorOf(invariant('one'));
    expect(() => auditor.register([invariant('one')])).toThrow('there are two invariants named "one"');
    expect(() => auditor.register([invariant('two'), invariant('two')])).toThrow('there are two invariants named "two"');
  });

  it('are listed in order of registration', () => {
    const auditor = auditorOf(invariant('one'));
    auditor.register([invariant('two')]);
    expect(auditor.invariants.map(({ name }) => name)).toEqual(['one', 'two']);
  });
});

describe('an invariant that is found to be false by somebody else than its checker', () => {
  it('is told as the audit tells it', () => {
    const auditor = auditorOf(invariant('one'));
    expect(auditor.violation('one', 'a', 'b')).toEqual({
      invariant: 'one',
      sentence: 'one holds',
      finding: 'a',
      subject: 'b',
    });
    expect(() => auditor.violation('two', 'a', 'b')).toThrow('there is no invariant named "two"');
  });

  it('is told to whoever watches, with where that was, and goes by unnoticed when nobody does', () => {
    const kern = new Kern();
    kern.auditor.register([invariant('one')]);
    kern.broken('one', 'a');
    expect(kern.log.events()).toEqual([]);
    const told: BrokenRule[] = [];
    kern.onBroken = (broken) => told.push(broken);
    runJob(kern, function* () {
      yield* nothing();
      kern.broken('one', 'a', 'b');
    });
    expect(told).toEqual([
      { violation: { invariant: 'one', sentence: 'one holds', finding: 'a', subject: 'b' }, frames: [], lwp: expect.any(String) },
    ]);
  });
});

describe('advisory rules', () => {
  it('are no invariants: the audit does not look at them', () => {
    const auditor = auditorOf(invariant('one'));
    auditor.registerAdvisories([{ ...invariant('two', ['a']), leadsTo: ['one'] }]);
    expect(auditor.audit()).toEqual([]);
    expect(auditor.advise()).toEqual([{ invariant: 'two', sentence: 'two holds', finding: 'a', subject: '' }]);
    expect(auditor.advisories.map(({ name }) => name)).toEqual(['two']);
  });
});
