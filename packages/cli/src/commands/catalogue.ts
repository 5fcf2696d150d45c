/** `faultline catalogue`: lists the entries, or brings one back, explains it, and tries its remedies. */
import {
  CATALOGUE,
  type CatalogueEntry,
  defectsOf,
  findEntry,
  findingsOf,
  isFinding,
  shownBy,
  type Trial,
  tryEntry,
} from '@faultline/catalogue';
import type { NetbsdPatch } from '@faultline/kernel';
import {
  cleanText,
  explain,
  explanationText,
  isClean,
  type MachineSettings,
  type RunResult,
  remainsText,
} from '@faultline/program';
import { Command } from 'commander';
import { resultJson } from '../result-json.js';
import { fill, heading, print, printJson } from '../terminal.js';
import { EXIT_CLEAN, EXIT_FOUND, UsageError } from '../usage.js';

/** The command. */
export function catalogueCommand(): Command {
  return new Command('catalogue')
    .description('List the historical defects; or bring one back, explain it, and try its remedies.')
    .argument('[entry]', 'the name of an entry')
    .option('--json', 'print it as JSON')
    .action((id: string | undefined, { json }: { json?: boolean }) => {
      if (id === undefined) list({ json: json === true });
      else process.exitCode = demonstrate(entryNamed(id), { json: json === true });
    });
}

function entryNamed(id: string): CatalogueEntry {
  const entry = findEntry(id);
  if (entry !== null) return entry;
  throw new UsageError(`the catalogue has no entry "${id}"; it has ${CATALOGUE.map((known) => known.id).join(', ')}.`);
}

function list({ json }: { json: boolean }): void {
  if (json) {
    printJson(
      CATALOGUE.map(({ id, system, title, story, defect, remedies }) => ({
        id,
        system,
        title,
        story,
        open: defect === null,
        remedies: remedies.map(({ patch }) => patch.id),
      })),
    );
    return;
  }
  const width = Math.max(...CATALOGUE.map(({ id }) => id.length));
  print(CATALOGUE.map(({ id, title, defect }) => `${id.padEnd(width)}  ${title}${defect === null ? ' (open)' : ''}`));
}

/** Schedules that are tried at most; of an entry that shows in the same call each time, there is no other. */
const SCHEDULES = 500;

/** A trial, and what it is called. */
interface NamedTrial extends Trial {
  readonly what: string;
}

function demonstrate(entry: CatalogueEntry, { json }: { json: boolean }): number {
  const attempt = (what: string, patches: readonly NetbsdPatch[], machine: MachineSettings = {}): NamedTrial => ({
    what,
    ...tryEntry(entry, { patches, machine, schedules: entry.finds.call === undefined ? SCHEDULES : 1 }),
  });
  const defects = defectsOf(entry);
  const defect = attempt('with the defect', defects);
  const silent = attempt('with the defect, assertions off', defects, { diagnostic: false });
  const today = entry.defect === null ? null : attempt('without the defect', []);
  const remedies = entry.remedies.map((remedy) => ({
    remedy,
    trial: attempt(`with the defect and ${remedy.patch.id}`, [...defects, remedy.patch]),
  }));
  const asExpected =
    findingsOf(entry).some((finding) => isFinding(finding, shownBy(defect.result))) &&
    (today === null || isClean(today.result)) &&
    remedies.every(({ remedy, trial }) => isClean(trial.result) === remedy.cures);
  if (json) {
    const tell = ({ what, options, result }: NamedTrial) => ({
      what,
      ...resultJson(result, explain(entry.program, options, result)),
    });
    const trials = [defect, silent, ...(today === null ? [] : [today]), ...remedies.map(({ trial }) => trial)];
    printJson({ id: entry.id, asExpected, trials: trials.map(tell) });
    return asExpected ? EXIT_CLEAN : EXIT_FOUND;
  }
  print([heading(`${entry.id}: ${entry.title}`), '', ...fill(entry.story), '']);
  print(trialLines(entry, 1, today === null ? 'The kernel of today: the defect is open' : 'The defect brought back', defect));
  print(trialLines(entry, 2, 'The same without assertions: the damage goes on', silent));
  if (today !== null) {
    print([
      heading('3. The kernel of today'),
      '',
      `   ${today.result.settings}`,
      ...cleanText(today.result).map((line) => `   ${line}`),
      '',
    ]);
  }
  if (remedies.length > 0) {
    print([
      heading(today === null ? '3. The remedies' : '4. The remedies, on top of the defect'),
      '',
      ...remedies.flatMap(({ remedy, trial }) => remedyLines(remedy, trial.result)),
      '',
    ]);
  }
  print([
    asExpected ? `All as the catalogue says.` : `NOT as the catalogue says: see "faultline catalogue ${entry.id} --json".`,
    '',
  ]);
  print([
    'Next',
    ...(entry.finds.call === undefined
      ? []
      : [
          `  faultline show map catalogue:${entry.id} --after ${entry.finds.call} --full     the map right after things went wrong`,
        ]),
    ...entry.remedies.slice(0, 1).map(({ patch }) => `  faultline run catalogue:${entry.id} --patch ${patch.id}`),
    '  faultline run examples/strace/pipeline.strace          the memory life of a real program',
  ]);
  return asExpected ? EXIT_CLEAN : EXIT_FOUND;
}

function trialLines(entry: CatalogueEntry, number: number, title: string, { options, result }: NamedTrial): string[] {
  const explanation = explain(entry.program, options, result);
  const told =
    explanation === null
      ? [...(isClean(result) ? cleanText(result) : remainsText(result)), '']
      : explanationText(result, explanation);
  return [heading(`${number}. ${title}`), '', `   ${result.settings}`, '', ...told.map((line) => `   ${line}`.trimEnd())];
}

function remedyLines({ patch, history }: CatalogueEntry['remedies'][number], result: RunResult): string[] {
  const { end, firstViolation } = result;
  const first = firstViolation?.violations[0];
  const verdict = isClean(result)
    ? 'CURES   all calls succeed, every invariant holds, nothing is left over'
    : `FAILS   ${end.kind === 'panic' ? end.panic.message : first === undefined ? shownBy(result)?.message.split('\n')[0] : `false after call ${firstViolation?.call?.number}: ${first.sentence}`}`;
  return [`   ${patch.id}: ${patch.summary}`, `     ${history}`, `     ${verdict}`, ''];
}
