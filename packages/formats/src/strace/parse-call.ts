/** Reads the text of a call in an strace log, from its name to its duration. */
import { numberToken, wordEnd } from './number-token.js';
import { annotationEnd, ValueParser } from './parse-value.js';
import type { StraceResult } from './records.js';
import { unescapeText } from './strings.js';
import type { StraceValue } from './value.js';

/** A call and its outcome. */
export interface ParsedCall {
  readonly name: string;
  readonly args: readonly StraceValue[];
  readonly result: StraceResult;
  readonly durationSeconds: number | undefined;
}

/** What is wrong with the text of a call. */
export interface CallProblem {
  /** The offset in the text at which the mistake shows. */
  readonly at: number;
  readonly expected: string;
}

/** The name and the opening parenthesis that a call starts with; `???` is what strace writes when it cannot know. */
const CALL_START = /([A-Za-z_?][\w?]*)\(/y;

/** The name of the call that starts at an offset. */
export function callNameAt(text: string, at: number): string | undefined {
  CALL_START.lastIndex = at;
  return CALL_START.exec(text)?.[1];
}

/** A process died within the call, and strace says so inside the parentheses. */
const DIED_WITHIN = / ?<unfinished \.\.\.>\) += \?$/;

/**
 * Reads `name(args) = result <duration>`.
 *
 * Arguments that cannot be followed become one opaque argument, as long as there is a result behind them.
 */
export function parseCall(text: string): ParsedCall | CallProblem {
  const name = callNameAt(text, 0) ?? '';
  if (text.endsWith('= ?') && DIED_WITHIN.test(text)) return { ...parseUnfinishedCall(text.replace(DIED_WITHIN, '')), ...DIED };
  const parser = new ValueParser(text, name.length + 1);
  const list = parser.list(')');
  const resultAt = list === undefined ? undefined : resultStart(text, parser.at);
  if (list !== undefined && resultAt !== undefined) return finishCall({ text, resultAt, name, args: list.items });

  const at = lastResultStart(text);
  if (at === undefined) return { at: text.length, expected: 'a closing parenthesis and a result, as in ") = 0"' };
  const raw = text.slice(name.length + 1, text.lastIndexOf(')', at));
  return finishCall({ text, resultAt: at, name, args: [{ kind: 'opaque', text: raw }] });
}

const UNKNOWN: StraceResult = { value: undefined, radix: 10, errno: undefined, annotation: undefined, notes: [] };

const DIED = { result: UNKNOWN, durationSeconds: undefined };

/** Reads `name(args` as far as strace had written it when another process interrupted it. */
export function parseUnfinishedCall(text: string): Pick<ParsedCall, 'name' | 'args'> {
  const name = callNameAt(text, 0) ?? '';
  return { name, args: new ValueParser(text, name.length + 1).openList() };
}

/** The offset of the result behind the closing parenthesis that ends at an offset: ` = 0`, with blanks before for the column. */
function resultStart(text: string, from: number): number | undefined {
  let at = from;
  while (text.charAt(at) === ' ') at++;
  return at > from && text.startsWith('= ', at) ? at + 2 : undefined;
}

/** The offset of the rightmost result, for arguments that cannot be followed. */
function lastResultStart(text: string): number | undefined {
  for (let at = text.lastIndexOf(' = '); at >= 0; at = at === 0 ? -1 : text.lastIndexOf(' = ', at - 1)) {
    let before = at;
    while (before > 0 && text.charAt(before - 1) === ' ') before--;
    if (text.charAt(before - 1) === ')') return at + 3;
    if (before === 0) return undefined;
    at = before;
  }
  return undefined;
}

const DURATION = / <(\d+(?:\.\d+)?)>$/;

interface CallInPieces {
  readonly text: string;
  readonly resultAt: number;
  readonly name: string;
  readonly args: readonly StraceValue[];
}

function finishCall({ text, resultAt, name, args }: CallInPieces): ParsedCall | CallProblem {
  const tail = text.slice(resultAt);
  const duration = tail.endsWith('>') ? DURATION.exec(tail) : null;
  const result = parseResult(duration === null ? tail : tail.slice(0, duration.index));
  if (result === undefined) return { at: resultAt, expected: 'a number, an address or "?" as the result' };
  return { name, args, result, durationSeconds: duration === null ? undefined : Number(duration[1]) };
}

const NO_NOTES: readonly string[] = [];

/** Reads what is behind the equals sign: `3</etc/passwd>`, `-1 ENOENT (No such file or directory)`, `? ERESTARTSYS (…)`. */
function parseResult(text: string): StraceResult | undefined {
  if (text.startsWith('?')) return outcome({ value: undefined, radix: 10 }, undefined, text.slice(1));
  const end = wordEnd(text, text.startsWith('-') ? 1 : 0);
  const number = numberToken(text, 0, end);
  if (number === undefined) return undefined;
  const annotated = text.charAt(end) === '<' ? annotationEnd(text, end) : undefined;
  const annotation = annotated === undefined ? undefined : unescapeText(text.slice(end + 1, annotated - 1));
  return outcome(number, annotation, text.slice(annotated ?? end));
}

const ERRNO = /^ ([A-Z][A-Z0-9_]*)(?= |$)/;

/** A result with what stands behind its number: an errno, and notes in parentheses. */
function outcome(number: Pick<StraceResult, 'value' | 'radix'>, annotation: string | undefined, text: string): StraceResult {
  const { value, radix } = number;
  if (text === '') return { value, radix, errno: undefined, annotation, notes: NO_NOTES };
  const errno = ERRNO.exec(text);
  const notes: string[] = [];
  let rest = text.slice(errno?.[0].length ?? 0).trim();
  while (rest !== '') {
    const end = parenthesisEnd(rest);
    notes.push(end === undefined ? rest : rest.slice(1, end - 1));
    rest = end === undefined ? '' : rest.slice(end).trimStart();
  }
  return { value, radix, errno: errno?.[1], annotation, notes };
}

/** The offset behind the parenthesis that matches the one at the start of the text. */
function parenthesisEnd(text: string): number | undefined {
  let open = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '(') open++;
    else if (char === ')') open--;
    if (open === 0) return at === 0 ? undefined : at + 1;
  }
  return undefined;
}
