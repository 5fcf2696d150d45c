/** `faultline catalogue`: lists the entries, or brings one back, explains it, and tries its remedies. */
import { CATALOGUE, type CatalogueEntry, findEntry } from '@faultline/catalogue';
import { cleanText, explain, explanationText, isClean, type RunOptions, type RunResult, runProgram } from '@faultline/program';
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
      CATALOGUE.map(({ id, system, title, story, remedies }) => ({
        id,
        system,
        title,
        story,
        remedies: remedies.map(({ patch }) => patch.id),
      })),
    );
    return;
  }
  const width = Math.max(...CATALOGUE.map(({ id }) => id.length));
  print(CATALOGUE.map(({ id, title }) => `${id.padEnd(width)}  ${title}`));
}

/** What was tried, and what came of it. */
interface Trial {
  readonly what: string;
  readonly options: RunOptions;
  readonly result: RunResult;
}

function demonstrate(entry: CatalogueEntry, { json }: { json: boolean }): number {
  const attempt = (what: string, options: RunOptions): Trial => ({ what, options, result: runProgram(entry.program, options) });
  const defect = attempt('with the defect', { patches: [entry.defect] });
  const silent = attempt('with the defect, assertions off', { patches: [entry.defect], machine: { diagnostic: false } });
  const today = attempt('without the defect', {});
  const remedies = entry.remedies.map((remedy) => ({
    remedy,
    trial: attempt(`with the defect and ${remedy.patch.id}`, { patches: [entry.defect, remedy.patch] }),
  }));
  const asExpected =
    matches(entry, defect.result) &&
    isClean(today.result) &&
    remedies.every(({ remedy, trial }) => isClean(trial.result) === remedy.cures);
  if (json) {
    const tell = ({ what, options, result }: Trial) => ({ what, ...resultJson(result, explain(entry.program, options, result)) });
    printJson({ id: entry.id, asExpected, trials: [defect, silent, today, ...remedies.map(({ trial }) => trial)].map(tell) });
    return asExpected ? EXIT_CLEAN : EXIT_FOUND;
  }
  print([heading(`${entry.id}: ${entry.title}`), '', ...fill(entry.story), '']);
  print(trialLines(entry, 1, 'The defect brought back', defect));
  print(trialLines(entry, 2, 'The same without assertions: the damage goes on', silent));
  print([
    heading('3. The kernel of today'),
    '',
    `   ${today.result.settings}`,
    ...cleanText(today.result).map((line) => `   ${line}`),
    '',
  ]);
  print([
    heading('4. The remedies, on top of the defect'),
    '',
    ...remedies.flatMap(({ remedy, trial }) => remedyLines(remedy, trial.result)),
    '',
  ]);
  print([
    asExpected ? `All as the catalogue says.` : `NOT as the catalogue says: see "faultline catalogue ${entry.id} --json".`,
    '',
  ]);
  print([
    'Next',
    `  faultline show map catalogue:${entry.id} --after ${entry.finds.call} --full     the map right after things went wrong`,
    `  faultline run catalogue:${entry.id} --patch ${entry.remedies[0]?.patch.id ?? ''}`,
    '  faultline run examples/strace/pipeline.strace          the memory life of a real program',
  ]);
  return asExpected ? EXIT_CLEAN : EXIT_FOUND;
}

/** Whether a run found what the entry says must be found. */
function matches({ finds }: CatalogueEntry, { end, firstViolation }: RunResult): boolean {
  const [first] = firstViolation?.violations ?? [];
  return (
    end.kind === 'panic' &&
    end.panic.message === finds.panic &&
    first?.invariant === finds.invariant &&
    firstViolation?.call?.number === finds.call
  );
}

function trialLines(entry: CatalogueEntry, number: number, title: string, { options, result }: Trial): string[] {
  const explanation = explain(entry.program, options, result);
  const told = explanation === null ? cleanText(result) : explanationText(result, explanation);
  return [heading(`${number}. ${title}`), '', `   ${result.settings}`, '', ...told.map((line) => `   ${line}`.trimEnd())];
}

function remedyLines({ patch, history }: CatalogueEntry['remedies'][number], result: RunResult): string[] {
  const { end, firstViolation } = result;
  const verdict = isClean(result)
    ? 'CURES   all calls succeed, every invariant holds, nothing is left over'
    : `FAILS   ${end.kind === 'panic' ? end.panic.message : `false after call ${firstViolation?.call?.number}: ${firstViolation?.violations[0]?.sentence}`}`;
  return [`   ${patch.id}: ${patch.summary}`, `     ${history}`, `     ${verdict}`, ''];
}
