import { BUILD } from '@faultline/kernel';
import { runProgram } from '@faultline/program';
import { describe, expect, it } from 'vitest';
import {
  CATALOGUE,
  type CatalogueEntry,
  defectsOf,
  findEntry,
  findingsOf,
  isFinding,
  patchesOf,
  type Shown,
  shownBy,
  tryEntry,
} from '../src/index.js';

/** Schedules after which a defect counts as not found. */
const FEW = 300;

/** Entries that show whatever the schedule is, and those that show in some schedules only. The direct build has no such. */
const SEQUENTIAL = CATALOGUE.filter(({ finds }) => finds.call !== undefined);
const RACES = CATALOGUE.filter(({ finds }) => finds.call === undefined);
/** Schedules that a sound kernel is tried with. */
const enough = ({ finds }: CatalogueEntry): number => (finds.call === undefined ? 600 : 20);
const TRIED = BUILD === 'direct' ? SEQUENTIAL : CATALOGUE;

/** Whether that is one of the ways in which an entry shows. */
const isShownIn = (entry: CatalogueEntry, shown: Shown | null): boolean =>
  findingsOf(entry).some((finding) => isFinding(finding, shown));

const named = (entries: readonly CatalogueEntry[]) => entries.map((entry) => ({ id: entry.id, entry }));

describe.each(named(TRIED))('$id', ({ id, entry }) => {
  const { defect, program, remedies, sound = [] } = entry;
  const defects = defectsOf(entry);

  it('is found with the defect: what the entry says, and nothing else', () => {
    const { result, schedules } = tryEntry(entry, { patches: defects, schedules: FEW });
    const shown = shownBy(result);
    expect(isShownIn(entry, shown), `after ${schedules} schedules: ${shown?.kind} ${shown?.message}`).toBe(true);
  });

  it('shows in the same way when the schedule is replayed', () => {
    const { result, options } = tryEntry(entry, { patches: defects, schedules: FEW });
    const again = runProgram(program, options);
    expect(shownBy(again)).toEqual(shownBy(result));
    expect(again.steps).toBe(result.steps);
  });

  it.skipIf(defect === null)('is not found without the defect', () => {
    expect(shownBy(tryEntry(entry, { patches: [], schedules: enough(entry) }).result)).toBeNull();
  });

  it.each(remedies.map((remedy) => ({ remedy, does: remedy.cures ? 'cures' : 'does not cure', name: remedy.patch.id })))(
    '$name $does it',
    ({ remedy: { patch, cures } }) => {
      const { result } = tryEntry(entry, { patches: [...defects, patch], schedules: cures ? enough(entry) : FEW });
      expect(shownBy(result) === null).toBe(cures);
    },
  );

  it.each(sound.map((other) => ({ other, name: other.name })))('is not found in $name', ({ other }) => {
    const { result } = tryEntry({ ...entry, program: other }, { patches: defects, schedules: enough(entry) });
    expect(shownBy(result)).toBeNull();
  });

  it('has a program of its name, and its patch is named after it, or after one that it is about', () => {
    expect(program.name).toBe(`catalogue:${id}`);
    expect(findEntry(id)).toBe(entry);
    if (defect !== null) expect(id.startsWith(defect.id)).toBe(true);
  });
});

describe('the catalogue', () => {
  it('has races that each thread running until it blocks does not show, unless a device takes its time', () => {
    const shown = RACES.filter((race) => TRIED.includes(race)).filter(
      (entry) => shownBy(runProgram(entry.program, { patches: defectsOf(entry) })) !== null,
    );
    expect(shown.map(({ id }) => id).filter((id) => !id.startsWith('netbsd-2003-vslock-'))).toEqual([]);
  });

  it('shows a defect in each way in which one can show', () => {
    const kinds = new Set(CATALOGUE.map(({ finds }) => finds.kind));
    expect([...kinds].sort()).toEqual(['check', 'deadlock', 'invariant', 'leak', 'panic', 'sleeps-for-ever']);
  });

  it('has one patch of each name', () => {
    const patches = new Set(CATALOGUE.flatMap(patchesOf));
    expect(new Set([...patches].map((patch) => patch.id)).size).toBe(patches.size);
  });

  it('has entries that are open: the thread of 2003 on vslock', () => {
    const open = CATALOGUE.filter(({ defect }) => defect === null).map(({ id }) => id);
    expect(open.length).toBeGreaterThan(0);
    for (const id of open) expect(id).toMatch(/^netbsd-2003-vslock-/);
  });

  it('has no entry of a name that it does not have', () => {
    expect(findEntry('netbsd-2019-mlock')).toBeNull();
  });
});
