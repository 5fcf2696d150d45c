import { describe, expect, it } from 'vitest';
import { Patient } from '../../../test/audit.js';
import { StateText } from '../../kern/state.js';
import { writeUvmState } from '../state.js';

function stateOf(patient: Patient): string[] {
  const text = new StateText();
  writeUvmState(patient.uvm, text);
  return text.lines;
}

describe('the invariants of UVM', () => {
  it('have names, each used once, and sentences', () => {
    const { invariants } = new Patient().kern.auditor;
    const names = invariants.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(invariants.every(({ name, sentence }) => /^[a-z-]+$/.test(name) && /^[a-z].*[a-z0-9]$/.test(sentence))).toBe(true);
  });

  it('say among others what the design says of them', () => {
    const sentences = new Patient().kern.auditor.invariants.map(({ name, sentence }) => `${name}: ${sentence}`);
    for (const sentence of [
      'wired-entry: an entry with wired_count > 0 has every resident page wired',
      "wire-count: a page's wire_count equals the wirings that can be named",
      'free-page: a free page is mapped nowhere, belongs to nobody and is not wired',
      "object-references: an object's reference count equals its referrers",
      'stale-translation: no translation outlives its page: a TLB holds only what the page table says',
    ]) {
      expect(sentences).toContain(sentence);
    }
  });

  it('all hold in a sound kernel, and looking changes nothing', () => {
    const patient = new Patient();
    const before = stateOf(patient);
    expect(patient.audit()).toEqual([]);
    expect(stateOf(patient)).toEqual(before);
  });

  it('are reported with name, sentence, finding and the structure as the debugger shows it', () => {
    const patient = new Patient();
    const page = patient.pageOf(3);
    patient.uvm.pages.setWireCount(page, 2);
    expect(patient.audit()).toEqual([
      {
        invariant: 'wire-count',
        sentence: "a page's wire_count equals the wirings that can be named",
        finding: `page ${page} has wire_count 2; 1 wired entries map it`,
        subject: expect.stringContaining(`PAGE page ${page}`) as string,
      },
    ]);
  });

  it('are reported once for each place where they are broken', () => {
    const patient = new Patient();
    for (const page of [0, 1, 3]) patient.uvm.pages.setWireCount(patient.pageOf(page), 7);
    expect(patient.audit().filter(({ invariant }) => invariant === 'wire-count')).toHaveLength(3);
  });
});
