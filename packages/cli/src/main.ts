/** The command `faultline`. */
import { Command, CommanderError } from 'commander';
import { catalogueCommand } from './commands/catalogue.js';
import { debugCommand } from './commands/debug.js';
import { exploreCommand } from './commands/explore.js';
import { exportCommand } from './commands/export.js';
import { replayCommand } from './commands/replay.js';
import { runCommand } from './commands/run.js';
import { showCommand } from './commands/show.js';
import { verifyCommand } from './commands/verify.js';
import { errorOfSomeModule } from './module-errors.js';
import { EXIT_BROKEN, EXIT_USAGE, UsageError } from './usage.js';
import { VERSION } from './version.js';

const program = new Command('faultline')
  .description('A BSD virtual memory system: run programs on it, look into it, and have its panics explained.')
  .version(VERSION)
  .showHelpAfterError('(faultline --help says more)')
  .exitOverride();
const commands = [
  exploreCommand(),
  verifyCommand(),
  replayCommand(),
  debugCommand(),
  exportCommand(),
  runCommand(),
  showCommand(),
  catalogueCommand(),
];
for (const command of commands) {
  program.addCommand(command.copyInheritedSettings(program));
}
program.addHelpText(
  'after',
  `
Exit status: 0 nothing wrong, 1 something was found, 2 the command line or an input is wrong, 3 nothing was found, but not
everything was explored, 4 Faultline itself is wrong.

  faultline catalogue                                  what can be brought back
  faultline catalogue netbsd-2019-mlock-zero           bring it back, explain it, try its remedies
  faultline run examples/strace/pipeline.strace        the memory life of a real program`,
);

let over = false;
// What is thrown in a timer or a promise that a module has left behind.
process.on('uncaughtException', (error) => {
  over = true;
  process.exit(report(error));
});
process.on('exit', () => {
  if (over) return;
  process.exitCode = EXIT_USAGE;
  process.stderr.write(
    'faultline: the module ended the command before its run was over: it calls process.exit, or awaits what never comes.\n',
  );
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
over = true;
// A module's timers must not keep the command; what it has thrown until now is to be heard of.
process.stdout.write('', () => setImmediate(() => process.exit()));

/** Says what went wrong; answers the exit status. */
function report(error: unknown): number {
  // Commander has said it already, or has printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const told = error instanceof UsageError || (error instanceof Error && isExpected(error)) ? error : errorOfSomeModule(error);
  if (told !== null) {
    process.stderr.write(`faultline: ${told.message}\n`);
    return EXIT_USAGE;
  }
  const stack = error instanceof Error ? error.stack : String(error);
  process.stderr.write(
    `faultline: this is a mistake of Faultline's own; please report it, with what you ran and this:\n${stack}\n`,
  );
  return EXIT_BROKEN;
}

/** Mistakes of the input, which say in a sentence what is wrong; anything else is a mistake of ours, and is thrown on. */
function isExpected(error: Error): boolean {
  return ['FormatError', 'HostFileError', 'PatchError', 'RangeError', 'RecordingMismatch', 'ScheduleMismatch'].includes(
    error.name,
  );
}
