/** `faultline debug`: steps through a finding, forwards and backwards. */
import { createInterface } from 'node:readline';
import { LabelledReplay } from '@faultline/explorer';
import { Replay, type Strategy } from '@faultline/kernel';
import { mostSteps, programModel, replayFinding } from '@faultline/program';
import { Command, Option } from 'commander';
import { Debugger } from '../debugger/debugger.js';
import { type LoadedFinding, loadFinding } from '../findings.js';
import { collect } from '../machine-options.js';
import { loadPatches } from '../patches.js';
import { fill, print } from '../terminal.js';
import { EXIT_CLEAN, UsageError } from '../usage.js';

interface DebugFlags {
  readonly defect: boolean;
  readonly fix: readonly string[];
}

/** As ddb asks on the first processor. */
const PROMPT = 'db{0}> ';

/** The command. */
export function debugCommand(): Command {
  return new Command('debug')
    .description('Step through a finding at a prompt, forwards and backwards, and look at the machine at each step.')
    .argument('<file>', 'a finding, as "faultline explore" writes it')
    .option('--no-defect', 'leave out the patches that it was found with: the kernel of today')
    .addOption(
      new Option('--fix <patch>', 'add a patch: a name from the catalogue, MODULE or MODULE#PATCH (may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    )
    .addHelpText('after', '\nCommands are read from the standard input; "help" lists them.')
    .action(async (file: string, flags: DebugFlags) => {
      process.exitCode = await debug(file, flags);
    });
}

async function debug(file: string, flags: DebugFlags): Promise<number> {
  const loaded = await loadFinding(file);
  const { finding, program } = loaded;
  const patches = [...(flags.defect ? loaded.patches : []), ...(await loadPatches(flags.fix))];
  const changed = !flags.defect || flags.fix.length > 0;
  const model = programModel(program, { machine: finding.machine, patches });
  const { followed } = replayFinding(finding, model, { changed });
  const source = (): Strategy => (followed === 'steps' ? new Replay(finding.schedule) : new LabelledReplay(finding.decisions));
  const session = new Debugger(model, source, mostSteps(finding));
  print([...introduction(loaded, session, followed), '']);
  print(listOf(session.execute('where')));
  await prompt(session);
  return EXIT_CLEAN;
}

function introduction({ finding, warnings }: LoadedFinding, { timeline }: Debugger, followed: 'steps' | 'labels'): string[] {
  const { failure, steps, stops } = timeline;
  const ends = failure === null ? 'Nothing goes wrong in it' : `It ends with: ${failure.signature}`;
  return [
    ...fill(finding.title),
    ...warnings.flatMap((warning) => fill(`${warning}.`)),
    ...(followed === 'labels' ? fill('This is not the recorded execution: the places of its decisions were followed.') : []),
    ...fill(`Steps ${stops[0]?.step ?? 0} to ${steps}. ${ends}. "help" lists the commands.`),
  ];
}

/** Reads commands to the end. What is read from a file or a pipe is printed too, so that what comes out can be read. */
async function prompt(session: Debugger): Promise<void> {
  const terminal = process.stdin.isTTY === true;
  const lines = createInterface({ input: process.stdin, ...(terminal && { output: process.stdout }), terminal, prompt: PROMPT });
  lines.prompt();
  for await (const line of lines) {
    if (!terminal) print([`${PROMPT}${line}`]);
    const answer = answerTo(session, line);
    if (answer === 'quit') break;
    if (answer.length > 0) print(answer);
    lines.prompt();
  }
  lines.close();
}

function answerTo(session: Debugger, line: string): readonly string[] | 'quit' {
  try {
    return session.execute(line);
  } catch (error) {
    if (error instanceof UsageError) return fill(`${error.message}.`);
    throw error;
  }
}

function listOf(answer: readonly string[] | 'quit'): readonly string[] {
  return answer === 'quit' ? [] : answer;
}
