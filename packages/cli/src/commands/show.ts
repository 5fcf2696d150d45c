/** `faultline show`: a view of the system at the end of a run, or after one of its calls. */
import { VIEW_KINDS, type ViewKind, type ViewRequest, view } from '@faultline/kernel';
import { runProgram } from '@faultline/program';
import { Argument, Command } from 'commander';
import { type InputFlags, loadInput } from '../input.js';
import { addMachineOptions, type MachineFlags, parseWhole, toRunOptions } from '../machine-options.js';
import { Progress } from '../progress.js';
import { print, printJson } from '../terminal.js';
import { EXIT_CLEAN, EXIT_FOUND, UsageError } from '../usage.js';
import { addInputOptions } from './run.js';

interface ShowFlags extends MachineFlags, InputFlags {
  readonly after?: number;
  readonly id?: number;
  readonly pid?: number;
  readonly page?: number;
  readonly full?: boolean;
  readonly json?: boolean;
}

/** The command. */
export function showCommand(): Command {
  const kinds = VIEW_KINDS.map(({ kind }) => kind);
  const command = new Command('show')
    .description('Run a program, and show something of the system as it is at the end, or after a call.')
    .addArgument(new Argument('<view>', 'what to show').choices(kinds))
    .argument('<input>', 'what to run, as for "faultline run"');
  return addInputOptions(addMachineOptions(command))
    .option('--after <call>', 'stop after the call of this number', parseWhole(1))
    .option('--id <n>', 'number of the map, object or amap', parseWhole(0))
    .option('--pid <n>', 'number of the process', parseWhole(0))
    .option('--page <n>', 'number of the page', parseWhole(0))
    .option('--full', 'show all there is')
    .option('--json', 'print the view as JSON')
    .addHelpText(
      'after',
      `\nViews:\n${VIEW_KINDS.map(({ kind, description }) => `  ${kind.padEnd(8)} ${description}`).join('\n')}`,
    )
    .action(async (kind: ViewKind, input: string, flags: ShowFlags) => {
      process.exitCode = await show(kind, input, flags);
    });
}

async function show(kind: ViewKind, input: string, flags: ShowFlags): Promise<number> {
  const loaded = await loadInput(input, flags);
  const options = await toRunOptions(flags, loaded.defects);
  const progress = new Progress(input);
  const result = runProgram(loaded.program, {
    ...options,
    audit: 'end',
    onProgress: (calls) => progress.tell(calls),
    ...(flags.after !== undefined && { stopAfter: flags.after }),
  });
  progress.done();
  if (flags.after !== undefined && result.end.kind !== 'stopped') {
    const { callCount } = result;
    throw new UsageError(
      result.end.kind === 'done' || flags.after > callCount
        ? `${input}: there is no call ${flags.after} to stop after; the run has ${callCount}.`
        : `${input}: call ${flags.after} never returns: the kernel stops in it. Leave --after out to see the system as it is then.`,
    );
  }
  const request: ViewRequest = {
    kind,
    ...(flags.id !== undefined && { id: flags.id }),
    ...(flags.pid !== undefined && { pid: flags.pid }),
    ...(flags.page !== undefined && { page: flags.page }),
    ...(flags.full !== undefined && { full: flags.full }),
  };
  const seen = viewOrUsage(() => view(result.system, request), { atEnd: result.end.kind === 'done' });
  if (flags.json) printJson(seen.data);
  else print(seen.text === '' ? [`There is no ${kind} to show.`] : seen.text.split('\n'));
  return result.end.kind === 'panic' ? EXIT_FOUND : EXIT_CLEAN;
}

/** A view that cannot be shown is a mistake of whoever asked for it; often of one who looks when all is over. */
function viewOrUsage<T>(look: () => T, { atEnd }: { atEnd: boolean }): T {
  try {
    return look();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const gone = atEnd && /^there is no (map|object|amap|process) /.test(message);
    const hint = gone ? '; the run is over by then: --after CALL shows the system as it was earlier' : '';
    throw new UsageError(`${message}${hint}.`);
  }
}
