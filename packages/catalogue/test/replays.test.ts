/** What is found in the catalogue comes again, step for step, as often as one likes; and its places lead there without counting steps. */
import { sample } from '@faultline/explorer';
import { BUILD } from '@faultline/kernel';
import {
  type FindingFile,
  findingText,
  makeFinding,
  parseFinding,
  programModel,
  replayFinding,
  replayTimes,
} from '@faultline/program';
import { describe, expect, it } from 'vitest';
import { CATALOGUE, type CatalogueEntry, defectsOf } from '../src/index.js';

/** Replays of each finding, with a check of the whole state at each step. */
const TIMES = 1000;
/** A thread can be switched at each step in the stepped build only; the other has what shows in the same call each time. */
const ENTRIES = BUILD === 'stepped' ? CATALOGUE : CATALOGUE.filter(({ finds }) => finds.call !== undefined);

function findingOf(entry: CatalogueEntry): FindingFile {
  const model = programModel(entry.program, { patches: defectsOf(entry) });
  const [found] = sample(model, { seed: 1, budget: { executions: 2000 } }).found;
  if (found === undefined) throw new Error(`${entry.id} is not found`);
  const finding = makeFinding({
    model,
    found,
    program: { kind: 'catalogue', id: entry.id },
    patches: defectsOf(entry).map(({ id }) => ({ id })),
    version: '0.1.0',
  });
  return parseFinding(findingText(finding));
}

describe.each(ENTRIES.map((entry) => ({ id: entry.id, entry })))('the finding of $id', ({ entry }) => {
  const finding = findingOf(entry);
  const withDefect = programModel(entry.program, { patches: defectsOf(entry) });

  it(`is the same ${TIMES} times, in each step and in the state at each step`, () => {
    expect(replayTimes(finding, withDefect, TIMES)).toEqual({ times: TIMES, different: null });
  });

  it('comes again by the places of its decisions alone', () => {
    const { failed, deviations } = replayFinding(finding, withDefect, { changed: true });
    expect([failed, deviations]).toEqual(['same', []]);
  });

  it.skipIf(entry.defect === null)('does not come on the kernel of today, whose steps are others', () => {
    const verdict = replayFinding(finding, programModel(entry.program));
    expect([verdict.failed, verdict.followed]).toEqual(['none', 'labels']);
    expect(verdict.differsAt).not.toBeNull();
  });

  it('has a file of a few KB', () => {
    expect(findingText(finding).length).toBeLessThan(4096);
  });
});
