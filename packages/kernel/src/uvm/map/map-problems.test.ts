/** What `show map` finds wrong; the problems one by one are in test/views-problems.test.ts. */
import { describe, expect, it } from 'vitest';
import { Patient } from '../../../test/audit.js';
import { PROT_READ } from '../../machine/protection.js';
import { mapProblems } from './map-problems.js';

function problems(patient: Patient): string[] {
  return mapProblems(patient.uvm, patient.map).map(({ subject, what, seen }) => `${subject}: ${what} (${seen})`);
}

describe('the problems of a map', () => {
  it('are none in a sound one', () => {
    expect(problems(new Patient())).toEqual([]);
  });

  it('that many pages have are told as one, with the first page and how many more there are', () => {
    const patient = new Patient();
    const entry = patient.entryAt(0);
    entry.protection = PROT_READ;
    expect(problems(patient)).toEqual([`entry ${entry.id}: MAPPING ALLOWS MORE THAN THE ENTRY (0x10000 rw-, and 1 page more)`]);
  });

  it('are told the sums first, then the page table, then the entries by address', () => {
    const patient = new Patient();
    const [first, second] = [patient.entryAt(3), patient.entryAt(7)];
    second.copyOnWrite = false;
    first.maxProtection = PROT_READ;
    patient.map.pmap.residentCount++;
    patient.map.size = 0;
    expect(problems(patient).map((problem) => problem.split(' (')[0])).toEqual([
      'map 1: SIZE IS WRONG',
      'pmap 1: RESIDENT COUNT IS WRONG',
      `entry ${first.id}: ALLOWS MORE THAN IT EVER MAY`,
      `entry ${second.id}: NEEDS A COPY BUT IS NOT COPY-ON-WRITE`,
    ]);
  });

  it('are those of this map, and not of another one', () => {
    const patient = new Patient();
    const { map } = patient.newSpace();
    patient.entryAt(7).copyOnWrite = false;
    expect(mapProblems(patient.uvm, map)).toEqual([]);
  });
});
