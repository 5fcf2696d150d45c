/** Results as text for people. Order: the verdict; what went wrong first; how that became the symptom; the symptom. */
import { errnoName } from '@faultline/kernel';
import { isClean, type RunResult } from '../run.js';
import type { CallRecord } from '../session.js';
import type { ExplainedCall, Explanation } from './explain.js';
import type { WalkLine } from './walk.js';

/** Columns of a terminal of 120, with room to be set in. */
const WIDTH = 116;
/** Where the sentence of an invariant ends and its name begins. */
const NAME_COLUMN = 96;
/** Findings of one invariant that are shown. */
const MOST_FINDINGS = 4;

/** `mlock(0x7f7ff7ed6000, 0)` */
export function callText(call: Pick<CallRecord, 'name' | 'args'>): string {
  return `${call.name}(${call.args.map(argumentText).join(', ')})`;
}

function argumentText(value: number | string): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return value >= 65_536 && Number.isFinite(value) ? `0x${value.toString(16)}` : String(value);
}

/** `0`, `0x7f7ff7ed6000`, `-1 EINVAL`; `?` when it never answered. */
export function resultText(result: number | null): string {
  if (result === null) return '?';
  if (result < 0) return `-1 ${errnoName(-result)}`;
  return result >= 65_536 ? `0x${result.toString(16)}` : String(result);
}

/** Why a run went wrong, as lines. */
export function explanationText(result: RunResult, explanation: Explanation): string[] {
  const { switches } = result.schedule;
  const where = explanation.where === '' ? '' : ` in ${explanation.where}`;
  const lines = [
    `FOUND   ${explanation.verdict}${where}`.padEnd(74) +
      ` ${count(result.callCount, 'call')}, 1 schedule, ${count(switches.length, 'preemption')}`,
    '',
  ];
  const { first, after, symptom, otherwise } = explanation;
  if (first !== null) {
    const { number } = first.call;
    lines.push(
      `What went wrong first: call ${number} of ${result.callCount}, ${callText(first.call)} = ${resultText(first.call.result)}` +
        distanceText(symptom, result.callCount - number),
    );
    lines.push(first.within === true ? '  While it was under way, it was false that' : '  From its return on it is false that');
    lines.push(...violationsText(first.violations));
    if (first.walk.length > 0) lines.push('', ...walkText(first.walk));
    lines.push('');
  }
  if (after.length > 0) {
    lines.push(
      first === null ? 'What happened' : symptom === null ? 'What followed' : `How it became the ${symptomWord(symptom.message)}`,
    );
    for (const each of after) lines.push(...consequenceText(each));
    lines.push('');
  }
  if (symptom !== null) {
    for (const line of symptom.message.split('\n')) lines.push(`  ${line}`);
    if (symptom.frames.length > 0) lines.push(`    ${symptom.frames.join('  ')}   lwp ${symptom.lwp}`);
    lines.push(...memoryText(result), '');
  }
  if (otherwise !== null) {
    lines.push(
      'It cannot be explained further, because the program does not do the same when it is run again:',
      `  ${otherwise}.`,
      '  What a program does must not depend on the time, on chance, or on how often it was run.',
      '',
    );
  }
  return lines;
}

/** For a deadlock in which somebody waits for memory: that more of it would help. */
function memoryText({ end, system }: RunResult): string[] {
  if (end.kind !== 'deadlock' || !end.deadlock.waiting.some(({ object }) => object === system.uvm.freeChannel)) return [];
  const { npages, free } = system.uvm.uvmexp;
  return [
    '',
    `  RAM is full: ${free} of ${count(npages, 'page')} are free, which are kept for the kernel, and the page daemon finds none to take back.`,
    '  Run it with more RAM, or with swap.',
  ];
}

/** How far the cause lies before the symptom. */
function distanceText(symptom: Explanation['symptom'], calls: number): string {
  return symptom === null || calls <= 0 ? '' : `, ${count(calls, 'call')} before the ${symptomWord(symptom.message)}`;
}

function symptomWord(message: string): string {
  return message.startsWith('panic') ? 'panic' : 'deadlock';
}

/** Invariants that are false: the first in full; of the others, which. */
export function violationsText(violations: Parameters<typeof byInvariant>[0]): string[] {
  const [main, ...others] = byInvariant(violations);
  if (main === undefined) return [];
  const { sentence, invariant, findings } = main;
  const lines = [`${`      ${sentence}`.padEnd(NAME_COLUMN)} [${invariant}]`];
  for (const finding of findings.slice(0, MOST_FINDINGS)) lines.push(`  ${finding}.`);
  if (findings.length > MOST_FINDINGS) lines.push(`  … and ${count(findings.length - MOST_FINDINGS, 'place')} more.`);
  if (others.length > 0) {
    lines.push(
      `  Also false: ${others.map((each) => `${each.invariant} (${count(each.findings.length, 'place')})`).join(', ')}.`,
    );
  }
  return lines;
}

function byInvariant(violations: readonly { invariant: string; sentence: string; finding: string }[]) {
  const groups = new Map<string, { invariant: string; sentence: string; findings: string[] }>();
  for (const { invariant, sentence, finding } of violations) {
    const group = groups.get(invariant) ?? { invariant, sentence, findings: [] };
    group.findings.push(finding);
    groups.set(invariant, group);
  }
  return [...groups.values()];
}

/** A walk in columns. */
export function walkText(walk: readonly WalkLine[]): string[] {
  const labels = Math.max(...walk.map(({ label }) => label.length)) + 2;
  const texts = Math.min(60, Math.max(...walk.filter(({ depth }) => depth > 0).map(({ text }) => text.length), 0) + 4);
  return walk.map(({ depth, label, text, remark }) =>
    (depth === 0 ? `  ${text}` : `    ${label.padEnd(labels)}${text.padEnd(texts)}${remark}`).trimEnd(),
  );
}

/** One call on the way to the symptom, in one line or, if that is too long, a few. */
function consequenceText({ call, walk }: ExplainedCall): string[] {
  const head = `  call ${call.number}  ${callText(call)}`;
  const answer = call.result === null ? '' : ` = ${resultText(call.result)}`;
  const steps = walk
    .filter(
      ({ depth, label, text }) => depth > 0 && !['lookup', 'return', 'panic'].includes(label) && !text.startsWith('no split'),
    )
    .map(({ label, text, remark }) => `${label} ${text}${remark === '' ? '' : `: ${remark}`}`);
  return wrap(`${head}${answer}`.padEnd(46), steps);
}

/** Text with parts behind it: each part on a line of its own, or on more where it is too long for one. */
function wrap(head: string, parts: readonly string[]): string[] {
  const lines: string[] = [];
  let line = head;
  for (const [i, part] of parts.entries()) {
    const words = (i < parts.length - 1 ? `${part};` : part).split(' ');
    if (i > 0) {
      lines.push(line);
      line = ' '.repeat(head.length);
    }
    for (const word of words) {
      if (line.length + 1 + word.length > WIDTH) {
        lines.push(line);
        line = ' '.repeat(head.length + 2);
      }
      line += ` ${word}`;
    }
  }
  return [...lines, line].map((each) => each.trimEnd());
}

/** The verdict on a run in which nothing went wrong. */
export function cleanText(result: RunResult): string[] {
  const invariants = result.system.kern.auditor.invariants.length;
  const leaks = result.leaks === null ? 'some processes have not ended' : 'nothing left over';
  return [`OK   ${count(result.callCount, 'call')}. ${count(invariants, 'invariant')} hold; ${leaks}.`];
}

/** What is wrong without there being a single call to blame: leaks, complaints, what is false at the end. */
export function remainsText(result: RunResult): string[] {
  if (isClean(result)) return [];
  const lines = [
    ...(result.leaks ?? []).map((leak) => `LEAK  ${leak}`),
    ...result.complaints.map((complaint) => `WRONG ${complaint}`),
  ];
  for (const { sentence, invariant, finding } of result.violations) {
    lines.push(`FALSE ${sentence} [${invariant}]`, `      ${finding}`);
  }
  return lines;
}

/** `1 call`, `2 calls` */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** Text in lines of at most the width of a terminal: the first behind one indentation, the others behind another. */
export function fill(text: string, first: string, others: string): string[] {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line.trimEnd());
      line = others + word;
    } else {
      line += (empty ? '' : ' ') + word;
    }
    empty = false;
  }
  return [...lines, line.trimEnd()];
}
