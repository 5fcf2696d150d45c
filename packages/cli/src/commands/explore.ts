/** `faultline explore`: tries the interleavings of a program, all of them if it can. */
import { writeFileSync } from 'node:fs';
import type { Exploration } from '@faultline/explorer';
import { errorsOf, HostFileError } from '@faultline/host-node';
import { explainAll, exploreJson, exploreReport } from '@faultline/program';
import { Command } from 'commander';
import { STEPPED, watchedBuild } from '../build.js';
import { type Conducted, conduct } from '../explore/conduct.js';
import { loadJournal, saveJournal } from '../explore/journal.js';
import { junitOf } from '../explore/junit.js';
import { identityOf, usualJournal } from '../explore/keep.js';
import { mismatchesTold } from '../explore/mismatch.js';
import { addExploreOptions, conductOptions, type ExploreFlags } from '../explore/options.js';
import { exitStatusOf, onBuildOf, saveFindings } from '../explore/outcome.js';
import { ExploreProgress } from '../explore/progress.js';
import {
  addSubjectOptions,
  loadSubject,
  namesOf,
  refuseBroken,
  type SubjectFlags,
  type SubjectNames,
  settingsOf,
} from '../explore/subject.js';
import { heading, print, printJson } from '../terminal.js';
import { EXIT_USAGE } from '../usage.js';

interface Flags extends SubjectFlags, ExploreFlags {
  readonly json?: boolean;
  readonly junit?: string;
  readonly journal?: string;
  readonly out: string;
}

/** The command. */
export function exploreCommand(): Command {
  const command = new Command('explore')
    .description(
      'Try the interleavings of a program, the simplest first, until all are covered: proves that nothing goes wrong, or shows the simplest way in which it does.',
    )
    .argument('<input>', 'a TypeScript or JavaScript module, a .syz program, or catalogue:ENTRY');
  return addSubjectOptions(addExploreOptions(command))
    .option('--out <folder>', 'where a finding file is written for each thing that is found', 'findings')
    .option('--journal <file>', 'go on from this file if it is there, and keep in it what was explored')
    .option('--json', 'print the result as JSON')
    .option('--junit <file>', 'write a report for a server of continuous integration, too')
    .addHelpText(
      'after',
      `
Exit status: 0 everything was explored and nothing found, 1 something was found, 2 the command line or an input is wrong,
3 nothing was found, but not everything was explored: the time, the room or the bound was reached.

Interrupting it with control-C loses nothing: it says how to go on.

  faultline explore catalogue:netbsd-2017-fixed-race             find what went wrong in 2017
  faultline explore catalogue:netbsd-2017-fixed-race --no-defect prove that it does not any more
  faultline explore my-race.ts --patch my-fix.ts --budget 10m    explore your own`,
    )
    .action(async (input: string, flags: Flags) => {
      process.exitCode = await explore(namesOf(input, flags), flags);
    });
}

async function explore(names: SubjectNames, flags: Flags): Promise<number> {
  const { input } = names;
  const subject = await loadSubject(names, await watchedBuild());
  refuseBroken(subject);
  const identity = identityOf(names, flags);
  const resume = flags.journal === undefined ? null : loadJournal(flags.journal, identity);
  const progress = new ExploreProgress(input, { lines: flags.progress === true });
  const conducted = await mismatchesTold(input, resume === null ? null : (flags.journal ?? null), () =>
    conduct(subject.model, names, {
      ...conductOptions(flags),
      resume,
      onStage: (stage) => progress.stage(stage),
      onProgress: (how) => progress.tell(how),
    }),
  ).finally(() => progress.done());
  const { exploration } = conducted;
  const unwritten: HostFileError[] = [];
  const kept = unlessUnwritable(unwritten, () => keep(names, flags, conducted)) ?? null;
  const { junit } = flags;
  if (junit !== undefined) {
    unlessUnwritable(unwritten, () => errorsOf(junit, () => writeFileSync(junit, junitOf(input, exploration))));
  }
  await tell(names, flags, exploration, kept);
  for (const { message } of unwritten) process.stderr.write(`faultline: ${message}\n`);
  return unwritten.length > 0 ? EXIT_USAGE : exitStatusOf(exploration);
}

/** Writes something; that it cannot be written is told when the result has been. */
function unlessUnwritable<T>(unwritten: HostFileError[], write: () => T): T | null {
  try {
    return write();
  } catch (error) {
    if (!(error instanceof HostFileError)) throw error;
    unwritten.push(error);
    return null;
  }
}

/** Keeps what was explored where it was asked for, or, if it would be lost, where that is usual; answers where. */
function keep(names: SubjectNames, flags: Flags, { exploration, interrupted }: Conducted): string | null {
  const { graph, coverage } = exploration;
  const unfinished = interrupted || graph.full || coverage === 'budget';
  const path = flags.journal ?? (unfinished && !graph.exhausted ? usualJournal(names, flags) : null);
  if (path === null) return null;
  saveJournal(path, { identity: identityOf(names, flags), snapshot: graph.snapshot() });
  return unfinished && !graph.exhausted ? path : null;
}

/** Prints what came of it, on the build that replays it. */
async function tell(names: SubjectNames, flags: Flags, explored: Exploration, kept: string | null): Promise<void> {
  const subject = await loadSubject(names, STEPPED);
  const exploration = onBuildOf(subject, explored);
  const explanations = explainAll(exploration);
  const files = await saveFindings(names, flags.out, subject, exploration, explanations);
  const goOn = kept === null ? null : `faultline explore ${commandLine(names, flags)} --journal ${kept}`;
  if (flags.json) {
    printJson({ ...exploreJson(exploration, { explanations }), exitStatus: exitStatusOf(exploration), findings: files, goOn });
    return;
  }
  const next = [
    ...files.map((file) => `faultline replay ${file}      have it again, step by step`),
    ...(files[0] === undefined ? [] : [`faultline debug ${files[0]}       walk through it, both ways`]),
    ...(goOn === null ? [] : [`${goOn}      go on where it ended`]),
  ];
  print([heading(settingsOf(subject)), '', ...exploreReport(exploration, { explanations, next })]);
}

/** The arguments by which the same is explored once more. */
function commandLine({ input, flags: of }: SubjectNames, flags: Flags): string {
  return [
    input,
    ...of.patch.map((name) => `--patch ${name}`),
    ...(of.defect ? [] : ['--no-defect']),
    ...(of.diagnostic ? [] : ['--no-diagnostic']),
    ...(of.ram === undefined ? [] : [`--ram ${of.ram}`]),
    ...(of.cpus === undefined ? [] : [`--cpus ${of.cpus}`]),
    ...(of.counterWidth === undefined ? [] : [`--counter-width ${of.counterWidth}`]),
    ...(of.format === undefined ? [] : [`--format ${of.format}`]),
    ...(of.os === undefined ? [] : [`--os ${of.os}`]),
    ...(of.strict === true ? ['--strict'] : []),
    ...(flags.bound === undefined ? [] : [`--bound ${flags.bound}`]),
    ...(flags.faults === undefined ? [] : [`--faults ${flags.faults}`]),
    ...(flags.timeouts === true ? ['--timeouts'] : []),
    ...(flags.wide === true ? ['--wide'] : []),
  ].join(' ');
}
