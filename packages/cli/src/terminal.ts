/** Printing for a terminal. */
import pc from 'picocolors';
import { UsageError } from './usage.js';

const WIDTH = 110;

/** Colours are for a terminal: a file, a pipe and a log of CI get plain text, unless FORCE_COLOR asks for more. */
const colours = pc.createColors(
  process.env['FORCE_COLOR'] !== undefined || (Boolean(process.stdout.isTTY) && process.env['NO_COLOR'] === undefined),
);

/** Prints lines. */
export function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.map(paint).join('\n')}\n`);
}

/** Prints data as JSON. */
export function printJson(data: unknown): void {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
}

/** A heading. */
export function heading(text: string): string {
  return colours.bold(text);
}

/** A paragraph in lines; `first` stands before the first one, `others` before the others. */
export function fill(text: string, first = '', others = first): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = others;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

/** Colour for the words that a reader looks for; they mean the same without it. */
function paint(line: string): string {
  if (/^ *(FOUND|FAILS|LEAK|WRONG|FALSE)\b/.test(line)) return colours.red(line);
  if (/^ *(OK|CURES)\b/.test(line)) return colours.green(line);
  return line;
}

// There is nobody left to tell.
process.stderr.on('error', () => undefined);

// A reader that goes away, as `head` does, has seen what it wanted; the exit status stays what was found.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  throw new UsageError(`what was found cannot be written: ${error.message}.`);
});
