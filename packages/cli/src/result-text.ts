/** What came of a run, as text. */
import { view } from '@faultline/kernel';
import {
  type CallRecord,
  callText,
  cleanText,
  type Explanation,
  explanationText,
  isClean,
  type RunResult,
  remainsText,
  resultText,
} from '@faultline/program';
import { fill } from './terminal.js';

/** Calls that are listed unless all are wanted, and differences. */
const FEW_CALLS = 40;
const MOST_DIFFERENCES = 100;
/** Processes whose maps are printed, and lines of each. */
const MOST_PROCESSES = 8;
const MOST_MAPPINGS = 40;

/** How much is told. */
export interface TextOptions {
  readonly allCalls: boolean;
  /** Whether answers were compared with those of a log. */
  readonly recorded: boolean;
  /** Commands to try next. */
  readonly next: readonly string[];
}

/** A result in the order: where it ran, the calls, the verdict, the differences, maps and counters, what to do next. */
export function resultLines(result: RunResult, explanation: Explanation | null, options: TextOptions): string[] {
  return [
    `${result.program} on ${result.settings}`,
    '',
    ...callLines(result, options),
    ...verdictLines(result, explanation),
    ...differenceLines(result, options),
    ...remarkLines(result),
    ...memoryLines(result),
    ...counterLines(result),
    ...(options.next.length === 0 ? [] : ['Next', ...options.next.map((command) => `  ${command}`)]),
  ];
}

function callLines(result: RunResult, { allCalls }: TextOptions): string[] {
  const made = [...result.counts].map(
    ([name, { made: times, failed }]) => `${name} ${times}${failed > 0 ? ` (${failed} failed)` : ''}`,
  );
  const summary = made.length === 0 ? [] : ['Calls', ...wrapList(made), ''];
  if (!allCalls && result.callCount > FEW_CALLS) return summary;
  return [...result.calls.map(callLine), '', ...summary];
}

function callLine({ number, pid, lid, name, args, result }: CallRecord): string {
  return `${String(number).padStart(5)}  ${`${pid}.${lid}`.padEnd(6)} ${callText({ name, args })} = ${resultText(result)}`;
}

function verdictLines(result: RunResult, explanation: Explanation | null): string[] {
  if (explanation !== null) return [...explanationText(result, explanation), ...endWith(remainsText(result))];
  if (isClean(result)) return [...cleanText(result), ''];
  return endWith(remainsText(result));
}

function differenceLines(result: RunResult, { recorded }: TextOptions): string[] {
  const differing = result.calls.filter(({ differs }) => differs !== undefined);
  if (differing.length === 0) return recorded ? ['No call answered otherwise than recorded.', ''] : [];
  const lines = differing
    .slice(0, MOST_DIFFERENCES)
    .flatMap((call) => [
      `${callLine(call)}; recorded ${call.differs?.recorded ?? ''}`,
      `               ${call.differs?.why === '' ? 'not explained' : (call.differs?.why ?? '')}`,
    ]);
  const more = differing.length - MOST_DIFFERENCES;
  return [
    'Answered otherwise than recorded',
    ...lines,
    ...(more > 0 ? [`       and ${more} more: --json lists them all`] : []),
    '',
  ];
}

function remarkLines(result: RunResult): string[] {
  return result.remarks.length === 0 ? [] : ['Remarks', ...result.remarks.flatMap((remark) => fill(remark, '  ', '    ')), ''];
}

function memoryLines(result: RunResult): string[] {
  const memory = result.session.memory();
  const lines = memory
    .slice(0, MOST_PROCESSES)
    .flatMap(({ pid, name, ended, view: { text } }) => [
      `Memory of process ${pid} (${name})${ended ? ' when it ended' : ''}`,
      ...abridged(text.split('\n')).map((line) => `  ${line}`),
      '',
    ]);
  const more = memory.length - MOST_PROCESSES;
  return more > 0 ? [...lines, `and of ${more} more processes: --json lists them`, ''] : lines;
}

/** A listing without its middle, if it is long. The total at its end stays. */
function abridged(lines: readonly string[]): readonly string[] {
  if (lines.length <= MOST_MAPPINGS) return lines;
  const more = lines.length - MOST_MAPPINGS;
  return [...lines.slice(0, MOST_MAPPINGS - 1), `… ${more} mappings more: --json lists them`, ...lines.slice(-1)];
}

/** The counters that are not 0. */
function counterLines(result: RunResult): string[] {
  const { text } = view(result.system, { kind: 'vmstat' });
  const counted = text.split('\n').filter((line) => !/^ *0 /.test(line));
  return ['Counters', ...counted.map((line) => `  ${line}`), ''];
}

function wrapList(items: readonly string[]): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last === undefined || last.length + item.length > 100) lines.push(`  ${item}`);
    else lines[lines.length - 1] = `${last}, ${item}`;
  }
  return lines;
}

function endWith(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [...lines, ''];
}
