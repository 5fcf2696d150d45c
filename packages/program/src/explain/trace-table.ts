/** Rows of a trace as a table for a terminal: a column a thread. */
import type { TracedThread } from '@faultline/explorer';
import type { ThreadLetters } from './thread-letters.js';
import type { TraceRow } from './trace-rows.js';

const WIDTH = 118;
/** Where the columns begin: behind the number of the step. */
const MARGIN = 8;
const GAP = 2;
/** Columns; when there are more threads, those with the least to say share the last one. */
const MOST_COLUMNS = 5;
/** Lines of a cell. */
const MOST_LINES = 3;

/** A column, and who is in it. */
interface Column {
  readonly title: string;
  readonly threads: ReadonlySet<TracedThread>;
  readonly shared: boolean;
}

/** The table, line by line. */
export function traceTable(rows: readonly TraceRow[], threads: readonly TracedThread[], letters: ThreadLetters): string[] {
  const columns = columnsFor(rows, threads, letters);
  const width = Math.floor((WIDTH - MARGIN + GAP) / Math.max(1, columns.length)) - GAP;
  const line = (number: string, cells: readonly string[]): string =>
    `${number.padStart(MARGIN - GAP)}  ${cells.map((cell) => cell.padEnd(width)).join(' '.repeat(GAP))}`.trimEnd();
  const lines = [
    line(
      'step',
      columns.map(({ title }) => title.slice(0, width)),
    ),
    line(
      '----',
      columns.map(() => '-'.repeat(width)),
    ),
  ];
  let last: number | null = null;
  for (const { number, thread, text } of rows) {
    if (thread === null) {
      lines.push(`    ==== ${text} `.padEnd(WIDTH, '='));
      last = null;
      continue;
    }
    const at = columns.findIndex((column) => column.threads.has(thread));
    const told = columns[at]?.shared === true ? `${letters.of(thread)}: ${text}` : text;
    for (const [index, part] of wrapped(told, width).entries()) {
      const shown = index === 0 && number !== null && number !== last ? String(number) : '';
      lines.push(
        line(
          shown,
          columns.map((_, column) => (column === at ? part : '')),
        ),
      );
    }
    last = number;
  }
  return lines;
}

function columnsFor(rows: readonly TraceRow[], threads: readonly TracedThread[], letters: ThreadLetters): Column[] {
  const rowsOf = (thread: TracedThread): number => rows.filter((row) => row.thread === thread).length;
  const acting = threads.filter((thread) => rowsOf(thread) > 0);
  const own = acting.filter(({ kernel }) => !kernel).sort((a, b) => rowsOf(b) - rowsOf(a));
  const first = new Set(acting.length <= MOST_COLUMNS ? acting : own.slice(0, MOST_COLUMNS - 1));
  const columns: Column[] = acting
    .filter((thread) => first.has(thread))
    .map((thread) => ({ title: titleOf(thread, letters), threads: new Set([thread]), shared: false }));
  const others = acting.filter((thread) => !first.has(thread));
  if (others.length > 0) columns.push({ title: 'others', threads: new Set(others), shared: true });
  return columns;
}

/** `A (main 1.1)` */
function titleOf(thread: TracedThread, letters: ThreadLetters): string {
  return thread.kernel ? `${letters.of(thread)} (kernel)` : `${letters.of(thread)} (${thread.process} ${thread.name})`;
}

/** A text in lines of a width, the later ones set in; what does not fit at all is cut. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    const longer = line === '' ? word : `${line} ${word}`;
    if (longer.length <= width || line.trim() === '') lines[lines.length - 1] = longer;
    else lines.push(`  ${word}`);
  }
  const kept = lines.slice(0, MOST_LINES);
  if (lines.length > MOST_LINES) kept[MOST_LINES - 1] = `${kept[MOST_LINES - 1]} …`;
  return kept.map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
}
