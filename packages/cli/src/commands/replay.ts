/** `faultline replay`: has a finding again, step for step, and says whether it still fails. */
import { decisionText } from '@faultline/explorer';
import { RunToBlock } from '@faultline/kernel';
import {
  bootOptions,
  describeSettings,
  type FindingFile,
  programModel,
  type RepeatedReplay,
  type ReplayVerdict,
  replayFinding,
  replayTimes,
} from '@faultline/program';
import { Command, Option } from 'commander';
import { type LoadedFinding, loadFinding } from '../findings.js';
import { collect, parseWhole } from '../machine-options.js';
import { loadPatches } from '../patches.js';
import { fill, print, printJson } from '../terminal.js';
import { EXIT_CLEAN, EXIT_FOUND, UsageError } from '../usage.js';

interface ReplayFlags {
  readonly times: number;
  readonly defect: boolean;
  readonly fix: readonly string[];
  readonly json?: boolean;
}

/** What a replay was of, and what came of it. */
interface Replayed {
  readonly loaded: LoadedFinding;
  readonly settings: string;
  /** Whether the kernel is another than that of the finding. */
  readonly changed: boolean;
  readonly verdict: ReplayVerdict;
  /** Null when it was replayed once. */
  readonly repeated: RepeatedReplay | null;
}

/** The command. */
export function replayCommand(): Command {
  return new Command('replay')
    .description('Repeat a finding, with a check at each step, and say whether it still fails.')
    .argument('<file>', 'a finding, as "faultline explore" writes it')
    .addOption(new Option('--times <n>', 'repeat it so many times, each with all checks').argParser(parseWhole(1)).default(1))
    .option('--no-defect', 'leave out the patches that it was found with: the kernel of today')
    .addOption(
      new Option('--fix <patch>', 'add a patch: a name from the catalogue, MODULE or MODULE#PATCH (may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    )
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExit status: 1 it fails again, 0 it does not, 2 the command line or the finding is wrong.')
    .action(async (file: string, flags: ReplayFlags) => {
      process.exitCode = await replay(file, flags);
    });
}

async function replay(file: string, flags: ReplayFlags): Promise<number> {
  const loaded = await loadFinding(file);
  const { finding, program } = loaded;
  const changed = !flags.defect || flags.fix.length > 0;
  if (changed && flags.times > 1)
    throw new UsageError(
      `--times compares each step with the finding's, and ${flags.defect ? '--fix' : '--no-defect'} changes the kernel; leave one of them out.`,
    );
  const patches = [...(flags.defect ? loaded.patches : []), ...(await loadPatches(flags.fix))];
  const { machine } = finding;
  const model = programModel(program, { machine, patches });
  const settings = describeSettings(bootOptions([program.machine, machine], new RunToBlock(), patches)).replace(
    'run-to-block',
    'replay',
  );
  const repeated = flags.times > 1 ? replayTimes(finding, model, flags.times) : null;
  const verdict = repeated?.different?.verdict ?? replayFinding(finding, model, { changed });
  const replayed: Replayed = { loaded, settings, changed, verdict, repeated };
  if (flags.json) printJson(replayJson(replayed));
  else print(replayLines(replayed));
  return verdict.failed === 'none' ? EXIT_CLEAN : EXIT_FOUND;
}

function replayJson({ loaded, settings, changed, verdict, repeated }: Replayed) {
  const { finding, path, warnings } = loaded;
  const { failed, failure, followed, differsAt, mismatch, deviations, outcome } = verdict;
  return {
    finding: path,
    title: finding.title,
    settings,
    changed,
    warnings,
    failed,
    failure,
    followed,
    differsAt,
    mismatch,
    deviations,
    steps: outcome.steps,
    schedule: outcome.schedule,
    decisions: finding.decisions.map(decisionText),
    times: repeated?.times ?? 1,
    firstDifferent: repeated?.different?.time ?? null,
  };
}

function replayLines(replayed: Replayed): string[] {
  const { loaded, settings } = replayed;
  const { finding, warnings } = loaded;
  return [
    ...fill(finding.title),
    settings,
    '',
    ...verdictLines(replayed),
    '',
    ...decisionLines(finding),
    ...remarkLines([...warnings.map((warning) => `${warning}.`), ...versionRemark(replayed)]),
    ...nextLines(replayed),
  ];
}

function verdictLines(replayed: Replayed): string[] {
  const { verdict, loaded, repeated } = replayed;
  const { failure, failed, outcome } = verdict;
  const indent = ' '.repeat(8);
  const comes = (text: string): string[] => {
    const [first = '', ...rest] = (failure?.message ?? '').split('\n');
    return [...fill(first, 'FOUND   ', indent), ...rest.flatMap((line) => fill(line, indent)), ...fill(text, indent)];
  };
  const frames = failure !== null && failure.frames.length > 0 ? fill(failure.frames.join('  '), `${indent}in `, indent) : [];
  if (failed === 'none') return okLines(replayed);
  if (failed === 'other')
    return [...comes(`This is another failure than the finding's, which is ${loaded.finding.failure.signature}.`), ...frames];
  if (verdict.followed === 'labels')
    return [...comes(`The same failure comes again, ${howFollowed(replayed)}`), ...frames, ...deviationLines(verdict)];
  const times = repeated === null ? '' : `${repeated.times.toLocaleString('en-US')} times `;
  const eachTime = repeated === null ? '' : ' each time';
  return [
    ...comes(`The same failure comes again ${times}after ${outcome.steps} steps, all of them as recorded${eachTime}.`),
    ...frames,
  ];
}

function okLines(replayed: Replayed): string[] {
  const { verdict, loaded } = replayed;
  return [
    ...fill(`Nothing goes wrong under this schedule, ${howFollowed(replayed)}`, 'OK      ', ' '.repeat(8)),
    ...fill(`It does not come to this any more: ${loaded.finding.failure.signature}.`, ' '.repeat(8)),
    ...deviationLines(verdict),
  ];
}

/** How the schedule was followed, as the end of a sentence. */
function howFollowed({ verdict, changed, repeated }: Replayed): string {
  const { differsAt, mismatch, deviations, outcome, followed } = verdict;
  if (followed === 'steps') return `in ${outcome.steps} steps, all of them as recorded.`;
  const places = `with ${deviations.length === 0 ? 'all' : 'some'} of its decisions at the places that they were recorded at.`;
  if (changed) return places;
  const time = repeated?.different ? `in replay ${repeated.different.time} ` : '';
  const why = mismatch === null ? '' : ` (${mismatch})`;
  return `${places} ${time === '' ? '' : `This is so ${time.trim()}. `}From step ${differsAt} on it is another execution than the recorded one${why}.`;
}

function deviationLines({ deviations }: ReplayVerdict): string[] {
  if (deviations.length === 0) return [];
  return ['', 'Not as recorded', ...deviations.flatMap((deviation) => fill(`${deviation}.`, '  ', '    '))];
}

function decisionLines({ decisions }: FindingFile): string[] {
  if (decisions.length === 0) return ['Schedule: each thread runs until it blocks.', ''];
  return [
    'Schedule: each thread runs until it blocks, but',
    ...decisions.flatMap((d) => fill(decisionText(d), '  ', '    ')),
    '',
  ];
}

function versionRemark({ loaded, changed, verdict }: Replayed): string[] {
  const different = !changed && verdict.differsAt !== null;
  return different ? [`It was found by Faultline ${loaded.finding.foundBy}; program or kernel are not what they were then.`] : [];
}

function remarkLines(remarks: readonly string[]): string[] {
  return remarks.length === 0 ? [] : ['Remarks', ...remarks.flatMap((remark) => fill(remark, '  ', '    ')), ''];
}

function nextLines({ loaded: { path }, verdict }: Replayed): string[] {
  return [
    'Next',
    ...(verdict.failed === 'none' ? [] : [`  faultline debug ${path}      step through it, both ways`]),
    `  faultline export ${path}     keep it as a regression test`,
  ];
}
