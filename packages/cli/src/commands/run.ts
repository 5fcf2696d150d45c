/** `faultline run`: runs a program, and says what came of it. */

import { explain, isClean, type RunOptions, type RunResult, runProgram } from '@faultline/program';
import { Command, Option } from 'commander';
import { type InputFlags, type LoadedInput, loadInput } from '../input.js';
import { addMachineOptions, collect, type MachineFlags, toRunOptions } from '../machine-options.js';
import { Progress } from '../progress.js';
import { resultJson } from '../result-json.js';
import { resultLines } from '../result-text.js';
import { print, printJson } from '../terminal.js';
import { EXIT_CLEAN, EXIT_FOUND } from '../usage.js';

interface RunFlags extends MachineFlags, InputFlags {
  readonly audit?: 'each-call' | 'end';
  readonly calls?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function runCommand(): Command {
  const command = new Command('run')
    .description(
      'Run a program, and say what it did to memory: its calls, what went wrong and why, the maps and counters at the end.',
    )
    .argument('<input>', 'a TypeScript or JavaScript module, a .syz program, an strace log, or catalogue:ENTRY');
  return addInputOptions(addMachineOptions(command))
    .addOption(
      new Option('--audit <when>', 'when the invariants are checked (default: each-call; end for strace logs)').choices([
        'each-call',
        'end',
      ]),
    )
    .option('--calls', 'list all calls, however many')
    .option('--json', 'print the result as JSON')
    .action(async (input: string, flags: RunFlags) => {
      process.exitCode = await run(input, flags);
    });
}

/** Adds the options that say how an input is to be understood. */
export function addInputOptions(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'what INPUT is, when its name does not say').choices(['module', 'syz', 'strace']))
    .addOption(new Option('--os <os>', 'whose numbers a syzkaller program uses (default: netbsd)').choices(['netbsd', 'linux']))
    .option('--no-defect', 'run a catalogue entry without the patch that brings the defect back')
    .option('--strict', 'refuse a syzkaller program with unknown calls instead of leaving them out')
    .addOption(
      new Option('--file <path>', 'a file of the host that the program finds: HOSTPATH[:/NAME][:ro] (may be repeated)')
        .argParser(collect)
        .default([], 'none'),
    );
}

async function run(input: string, flags: RunFlags): Promise<number> {
  const loaded = await loadInput(input, flags);
  const options = await runOptions(loaded, flags);
  const progress = new Progress(input);
  const result = runProgram(loaded.program, { ...options, onProgress: (calls) => progress.tell(calls) });
  progress.done();
  const explanation = explain(loaded.program, options, result);
  if (flags.json) printJson(resultJson(result, explanation));
  else {
    const next = nextCommands(input, flags, result);
    print(resultLines(result, explanation, { allCalls: flags.calls === true, recorded: loaded.recorded, next }));
  }
  return isClean(result) ? EXIT_CLEAN : EXIT_FOUND;
}

/** How to run a loaded input. */
async function runOptions(loaded: LoadedInput, flags: RunFlags): Promise<RunOptions> {
  const options = await toRunOptions(flags, loaded.defects);
  return {
    ...options,
    audit: flags.audit ?? (loaded.recorded ? 'end' : 'each-call'),
    ...(flags.calls === true && { keepCalls: Number.POSITIVE_INFINITY }),
  };
}

/** What to try next. */
function nextCommands(input: string, flags: RunFlags, result: RunResult): string[] {
  const broken = result.firstViolation?.call?.number ?? null;
  const patches = flags.patch.map((patch) => ` --patch ${patch}`).join('');
  const next: string[] = [];
  if (broken !== null) next.push(`faultline show map ${input} --after ${broken} --full${patches}`);
  if (input.startsWith('catalogue:')) next.push(`faultline catalogue ${input.slice('catalogue:'.length)}`);
  return next;
}
