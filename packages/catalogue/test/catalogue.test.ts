import { BUILD } from '@faultline/kernel';
import { runProgram } from '@faultline/program';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, type CatalogueEntry, findEntry, isFinding, shownBy, tryEntry } from '../src/index.js';

/** Schedules after which a defect counts as not found. */
const FEW = 100;

/** Entries that show whatever the schedule is, and those that show in some schedules only. The direct build has no such. */
const SEQUENTIAL = CATALOGUE.filter(({ finds }) => finds.call !== undefined);
const RACES = CATALOGUE.filter(({ finds }) => finds.call === undefined);
/** Schedules that a sound kernel is tried with. */
const enough = ({ finds }: CatalogueEntry): number => (finds.call === undefined ? 600 : 20);
const TRIED = BUILD === 'direct' ? SEQUENTIAL : CATALOGUE;

const named = (entries: readonly CatalogueEntry[]) => entries.map((entry) => ({ id: entry.id, entry }));

describe.each(named(TRIED))('$id', ({ id, entry }) => {
  const { defect, finds, program, remedies } = entry;

  it('is found with the defect: what the entry says, and nothing else', () => {
    const { result, schedules } = tryEntry(entry, { patches: [defect], schedules: FEW });
    const shown = shownBy(result);
    expect(isFinding(finds, shown), `after ${schedules} schedules: ${shown?.kind} ${shown?.message}`).toBe(true);
  });

  it('shows in the same way when the schedule is replayed', () => {
    const { result, options } = tryEntry(entry, { patches: [defect], schedules: FEW });
    const again = runProgram(program, options);
    expect(shownBy(again)).toEqual(shownBy(result));
    expect(again.steps).toBe(result.steps);
  });

  it('is not found without the defect', () => {
    expect(shownBy(tryEntry(entry, { patches: [], schedules: enough(entry) }).result)).toBeNull();
  });

  it.each(remedies.map((remedy) => ({ remedy, does: remedy.cures ? 'cures' : 'does not cure', name: remedy.patch.id })))(
    '$name $does it',
    ({ remedy: { patch, cures } }) => {
      const { result } = tryEntry(entry, { patches: [defect, patch], schedules: cures ? enough(entry) : FEW });
      expect(shownBy(result) === null).toBe(cures);
    },
  );

  it('has a patch and a program of its name', () => {
    expect([defect.id, program.name]).toEqual([id, `catalogue:${id}`]);
    expect(findEntry(id)).toBe(entry);
  });
});

describe('the catalogue', () => {
  it('has races that each thread running until it blocks does not show', () => {
    for (const entry of RACES.filter((race) => TRIED.includes(race)))
      expect(shownBy(runProgram(entry.program, { patches: [entry.defect] })), entry.id).toBeNull();
  });

  it('shows a defect in each way in which one can show', () => {
    const kinds = new Set(CATALOGUE.map(({ finds }) => finds.kind));
    expect([...kinds].sort()).toEqual(['check', 'deadlock', 'invariant', 'leak', 'panic', 'sleeps-for-ever']);
  });

  it('has no entry of a name that it does not have', () => {
    expect(findEntry('netbsd-2019-mlock')).toBeNull();
  });
});
