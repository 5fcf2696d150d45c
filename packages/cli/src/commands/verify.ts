/** `faultline verify`: does a fix cure a defect, in every interleaving, and does it break nothing else? */
import { findEntry } from '@faultline/catalogue';
import { explainAll, exploreJson, exploreReport } from '@faultline/program';
import { Command, Option } from 'commander';
import { STEPPED, watchedBuild } from '../build.js';
import { mismatchesTold } from '../explore/mismatch.js';
import { addExploreOptions, conductOptions, type ExploreFlags } from '../explore/options.js';
import { onBuildOf, saveFindings } from '../explore/outcome.js';
import { ExploreProgress } from '../explore/progress.js';
import { addSubjectOptions, loadSubject, namesOf, type SubjectFlags, type SubjectNames, settingsOf } from '../explore/subject.js';
import { type Trial, type Verdict, type Verification, verify } from '../explore/verify.js';
import { collect } from '../machine-options.js';
import { fill, heading, print, printJson } from '../terminal.js';
import { EXIT_CLEAN, EXIT_FOUND, EXIT_OPEN, UsageError } from '../usage.js';

interface Flags extends Omit<SubjectFlags, 'defect'>, ExploreFlags {
  readonly defect: readonly string[];
  readonly fix: readonly string[];
  readonly json?: boolean;
  readonly out: string;
}

const EXIT_STATUS: Readonly<Record<Verdict, number>> = {
  cures: EXIT_CLEAN,
  'cures so far': EXIT_OPEN,
  refuted: EXIT_FOUND,
  breaks: EXIT_FOUND,
  'no defect': EXIT_OPEN,
};

/** The command. */
export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Say whether a fix cures a defect, in every interleaving of a program, and breaks nothing in the catalogue; or show the schedule that refutes it.',
    )
    .argument('<input>', 'a TypeScript or JavaScript module, a .syz program, or catalogue:ENTRY')
    .addOption(
      new Option('--defect <patch>', 'what brings the defect about (default: what belongs to the entry; may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    )
    .addOption(new Option('--fix <patch>', 'what is said to cure it (may be repeated)').argParser(collect).default([], 'none'));
  return addSubjectOptions(addExploreOptions(command), { defect: false })
    .option('--out <folder>', 'where a finding file is written for each thing that goes wrong', 'findings')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Exit status: 0 it cures the defect in all interleavings and breaks nothing, 1 it does not, 2 the command line or an input is
wrong, 3 nothing speaks against it, but not everything was explored, or the defect did not show.

  faultline verify catalogue:netbsd-2017-fixed-race --fix netbsd-fixed-replaces-in-one-hold
  faultline verify my-race.ts --defect my-race.ts --fix my-fix.ts --budget 10m`,
    )
    .action(async (input: string, flags: Flags) => {
      process.exitCode = await run(input, flags);
    });
}

async function run(input: string, { defect, ...flags }: Flags): Promise<number> {
  if (flags.fix.length === 0)
    throw new UsageError('there is nothing to verify; name the patch that is said to cure: --fix PATCH.');
  const build = await watchedBuild();
  const named = namesOf(input, { ...flags, defect: !isEntry(input) || defect.length === 0, patch: [...flags.patch, ...defect] });
  if (defect.length === 0 && !isOpen(input) && (await loadSubject(named, build)).patches.length === 0) {
    throw new UsageError(`${input}: what brings the defect about? Name the patch: --defect PATCH.`);
  }
  // A patch that is not there is to be known before the first exploration.
  await loadSubject({ ...named, flags: { ...named.flags, patch: [...named.flags.patch, ...flags.fix] } }, build);
  let progress = new ExploreProgress(input, { lines: false });
  const verification = await mismatchesTold(input, null, () =>
    verify({ names: named, fix: flags.fix }, build, {
      ...conductOptions(flags),
      budget: flags.budget,
      onTrial: (what) => {
        progress.done();
        progress = new ExploreProgress(what, { lines: flags.progress === true });
      },
      onStage: (stage) => progress.stage(stage),
      onProgress: (how) => progress.tell(how),
    }),
  ).finally(() => progress.done());
  const exitStatus = EXIT_STATUS[verification.verdict];
  const files = await saveAll(verification, flags.out);
  if (flags.json) printJson({ ...(await verificationJson(verification)), exitStatus, findings: files });
  else print(await verificationLines(verification, flags.fix, files));
  return exitStatus;
}

function isEntry(input: string): boolean {
  return input.startsWith('catalogue:');
}

/** Whether the kernel of today has the defect of that entry. */
function isOpen(input: string): boolean {
  return isEntry(input) && findEntry(input.slice('catalogue:'.length))?.defect === null;
}

/** What speaks against the fix. */
function refutations({ verdict, cure, broken }: Verification): readonly Trial[] {
  return verdict === 'refuted' && cure !== null ? [cure] : broken;
}

async function saveAll(verification: Verification, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { names, exploration } of refutations(verification)) {
    const subject = await loadSubject(names, STEPPED);
    const here = onBuildOf(subject, exploration);
    files.push(...(await saveFindings(names, folder, subject, here, explainAll(here))));
  }
  return files;
}

async function verificationLines(
  verification: Verification,
  fix: readonly string[],
  files: readonly string[],
): Promise<string[]> {
  const { defect, cure, others } = verification;
  const subject = await loadSubject(cure?.names ?? defect.names, STEPPED);
  const lines = [heading(settingsOf(subject)), '', ...(await verdictLines(verification, fix.join(' and '))), ''];
  lines.push(`  without the fix    ${outcomeText(defect)}`);
  if (cure !== null) lines.push(`  with the fix       ${outcomeText(cure)}`);
  if (others.length > 0) lines.push('', '  Other programs, with the fix and without their defects');
  const width = Math.max(...others.map(({ names }) => names.input.length));
  for (const trial of others) {
    const isNew = verification.broken.includes(trial);
    const known = trial.exploration.found.length > 0 && !isNew ? ' (without the fix as well)' : '';
    lines.push(`    ${trial.names.input.padEnd(width)}  ${outcomeText(trial)}${known}`);
  }
  for (const { names, exploration } of refutations(verification)) {
    const next = files.map((file) => `faultline replay ${file}      have it again, step by step`);
    lines.push('', ...exploreReport(onBuildOf(await loadSubject(names, STEPPED), exploration), { next }));
  }
  return lines;
}

async function verdictLines({ verdict, defect, cure, others, broken }: Verification, fix: string): Promise<string[]> {
  const { input } = defect.names;
  const covered = cure === null ? '' : coveredText(cure);
  switch (verdict) {
    case 'cures':
    case 'cures so far': {
      const isProven = cure?.exploration.coverage === 'exhausted';
      const open = others.filter(({ exploration }) => exploration.coverage !== 'exhausted').length;
      const rest = open === 0 ? '' : `, as far as it is known: ${open} of them could not be explored to the end`;
      return fill(
        `${isProven ? 'CURES' : 'OPEN '}   ${fix}: with it nothing goes wrong in ${covered} of ${input}. ` +
          `It breaks none of ${others.length} other programs${rest}.`,
        '',
        '        ',
      );
    }
    case 'refuted':
      return [`FAILS   ${fix}: something goes wrong with it, too.`];
    case 'breaks':
      return fill(
        `FAILS   ${fix}: it cures the defect (nothing goes wrong in ${covered} of it), but because of it something goes wrong in ` +
          `${broken.map(({ names }) => names.input).join(', ')}.`,
        '',
        '        ',
      );
    case 'no defect':
      return [`OPEN    Nothing goes wrong without ${fix} either: the defect does not show in this program.`];
  }
}

/** How much of a program was explored. */
function coveredText({ exploration: { coverage, interleavings, graph } }: Trial): string {
  const states = `${graph.states.toLocaleString('en-US')} states`;
  if (coverage === 'exhausted') {
    if (interleavings === 1n) return `the only interleaving (${states})`;
    return interleavings === null
      ? `all interleavings (${states})`
      : `all ${interleavings.toLocaleString('en-US')} interleavings (${states})`;
  }
  return graph.levelsDone === 0 ? `${states}` : `all schedules with at most ${preemptionsText(graph.levelsDone - 1)} (${states})`;
}

function outcomeText(trial: Trial): string {
  const { found, milliseconds } = trial.exploration;
  const time = `${(milliseconds / 1000).toFixed(1)} s`;
  const [first] = found;
  if (first === undefined) return `OK: ${coveredText(trial)} in ${time}`;
  const preemptions = preemptionsText(first.preemptions);
  const more = found.length > 1 ? `, and ${found.length - 1} more` : '';
  return `FOUND: ${first.failure.signature} (${preemptions}, ${first.steps} steps)${more} in ${time}`;
}

function preemptionsText(preemptions: number): string {
  return preemptions === 1 ? '1 preemption' : `${preemptions} preemptions`;
}

async function verificationJson(verification: Verification): Promise<Record<string, unknown>> {
  const { verdict, defect, cure, others, broken } = verification;
  const tell = async ({ names, exploration }: Trial): Promise<Record<string, unknown>> => ({
    input: names.input,
    patches: (await loadSubject(names, STEPPED)).patches.map(({ id }) => id),
    ...exploreJson(onBuildOf(await loadSubject(names, STEPPED), exploration)),
  });
  return {
    verdict,
    defect: await tell(defect),
    cure: cure === null ? null : await tell(cure),
    others: await Promise.all(others.map(tell)),
    broken: broken.map(({ names }: { readonly names: SubjectNames }) => names.input),
  };
}
