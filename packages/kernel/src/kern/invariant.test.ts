import { describe, expect, it } from 'vitest';
import { Auditor, type Invariant } from './invariant.js';

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
