/**
 * Reads the arguments of a call in an strace log.
 *
 *     item       = [name "="] expression ["=>" item]
 *     expression = operand [comment] { operator operand [comment] }          binary operators by precedence, see operators.ts
 *     operand    = number | symbol | "NULL" | string | "{" items "}" | "[" items "]" | "~" operand | "(" expression ")"
 *                | symbol "(" items ")"
 *
 * An item that does not follow this grammar becomes an opaque value that reaches to the next comma or closing bracket of its
 * level. Only when even that cannot be found, because of a lone quote or bracket, does the reader give up on the whole list.
 */
import { numberToken, wordEnd } from './number-token.js';
import { applyOperator, binaryOperatorAt } from './operators.js';
import { readQuoted, unescapeText } from './strings.js';
import type { StraceValue } from './value.js';

/** How deep values may be nested; what is deeper is opaque. Real logs stay below 10; the bound protects the host's stack. */
export const MAX_STRACE_NESTING = 64;

/** How many operators an item may chain. A real mask has fewer than 40 names; the bound keeps the tree of operations shallow. */
const MAX_OPERATORS = 256;

/** A list of items, and whether it contained `...`. */
export interface ItemList {
  readonly items: readonly StraceValue[];
  readonly abbreviated: boolean;
  /** Whether blanks instead of commas stood between some of them. */
  readonly spaced: boolean;
}

const BLANK = 0x20;

const CLOSERS = ',)]}';

/** Walks over the text of one call. */
export class ValueParser {
  readonly #text: string;
  /** Offset of the next character. */
  at: number;
  /** Nothing that follows can be made sense of: a quote or a bracket is never closed. */
  #lost = false;
  /** No annotation, no comment is closed from here on; looking again at each opening would take quadratic time. */
  #noMoreAnnotations = false;
  #noMoreComments = false;

  constructor(text: string, at: number) {
    this.#text = text;
    this.at = at;
  }

  /** Reads items up to the bracket `close` and moves behind it; undefined when the list cannot be followed to its end. */
  list(close: string, depth = 0): ItemList | undefined {
    const items: StraceValue[] = [];
    let abbreviated = false;
    let spaced = false;
    for (;;) {
      this.#skipBlanks();
      if (this.#take(close)) return { items, abbreviated, spaced };
      if (this.#atEllipsis()) {
        abbreviated = true;
      } else {
        const item = this.item(depth, { spaced: close === ']' });
        if (item === undefined) return undefined;
        items.push(item);
      }
      if (this.#take(',') || this.#text.startsWith(close, this.at)) continue;
      if (close !== ']' || !this.#atNextMember()) return undefined;
      spaced = true;
    }
  }

  /** Reads items up to the end of the text, for a call whose rest is yet to come. */
  openList(): StraceValue[] {
    const items: StraceValue[] = [];
    for (;;) {
      this.#skipBlanks();
      const start = this.at;
      if (start >= this.#text.length) return items;
      const item = this.item(0, { spaced: false });
      if (item !== undefined) items.push(item);
      if (item !== undefined && (this.#take(',') || this.at >= this.#text.length)) continue;
      // The rest of the call may close what is open here; until then it is only text.
      if (item !== undefined) items.pop();
      items.push({ kind: 'opaque', text: this.#text.slice(start) });
      return items;
    }
  }

  /** Reads one item up to the comma or bracket behind it. `spaced` allows a blank to end it too. */
  item(depth: number, { spaced }: { readonly spaced: boolean }): StraceValue | undefined {
    const start = this.at;
    const value = this.#understoodItem(depth);
    if (value !== undefined && this.#atItemEnd({ spaced })) return value;
    if (this.#lost) return undefined;
    this.at = start;
    return this.#opaque();
  }

  #understoodItem(depth: number): StraceValue | undefined {
    if (depth >= MAX_STRACE_NESTING) return undefined;
    const end = wordEnd(this.#text, this.at);
    if (end > this.at && isAssignment(this.#text, end)) {
      const name = this.#text.slice(this.at, end);
      this.at = end + 1;
      const value = this.#understoodItem(depth + 1);
      return value === undefined ? undefined : { kind: 'named', name, value };
    }
    const from = this.#expression(depth, 0);
    if (from === undefined || !this.#take('=>')) return from;
    this.#skipBlanks();
    const to = this.#understoodItem(depth + 1);
    return to === undefined ? undefined : { kind: 'change', from, to };
  }

  #expression(depth: number, weakest: number): StraceValue | undefined {
    let left = this.#remarkedOperand(depth);
    for (let count = 0; ; count++) {
      if (left === undefined || count === MAX_OPERATORS) return undefined;
      this.#skipBlanks();
      const operator = binaryOperatorAt(this.#text, this.at);
      if (operator === undefined || operator.strength < weakest) return left;
      this.at += operator.symbol.length;
      this.#skipBlanks();
      const right = this.#expression(depth, operator.strength + 1);
      if (right === undefined) return undefined;
      left = applyOperator(operator.symbol, left, right);
    }
  }

  #remarkedOperand(depth: number): StraceValue | undefined {
    const operand = this.#operand(depth);
    this.#skipBlanks();
    return this.#remarked(operand);
  }

  #operand(depth: number): StraceValue | undefined {
    switch (this.#text.charAt(this.at)) {
      case '"':
        return this.#string();
      case '{':
        this.at++;
        return this.#struct(depth);
      case '[':
        this.at++;
        return this.#array(depth);
      case '~':
        this.at++;
        return this.#complement(depth);
      case '(': {
        if (depth >= MAX_STRACE_NESTING) return undefined;
        this.at++;
        const value = this.#expression(depth + 1, 0);
        return value !== undefined && this.#take(')') ? value : undefined;
      }
      case '@':
        return this.#abstractName();
      default:
        return this.#word(depth);
    }
  }

  /** A number or what starts with a symbol. */
  #word(depth: number): StraceValue | undefined {
    const start = this.at;
    const first = this.#text.charAt(start);
    const sign = first === '-' || first === '&' ? 1 : 0;
    const end = wordEnd(this.#text, start + sign);
    if (end === start + sign) return undefined;
    this.at = end;
    if (first === '-' || (first >= '0' && first <= '9')) {
      const number = numberToken(this.#text, start, end);
      return number && this.#annotated({ kind: 'number', value: number.value, radix: number.radix });
    }
    const name = this.#text.slice(start, end);
    if (name === 'NULL') return { kind: 'null' };
    if (!this.#take('(')) return this.#annotated({ kind: 'flags', names: [name], rest: [] });
    const list = this.list(')', depth + 1);
    return list === undefined ? undefined : { kind: 'call', name, args: list.items };
  }

  #string(): StraceValue | undefined {
    const quoted = readQuoted(this.#text, this.at);
    if (quoted === undefined) {
      this.#lost = true;
      return undefined;
    }
    this.at = quoted.end;
    return { kind: 'string', bytes: quoted.bytes, abbreviated: this.#take('...') || quoted.cut };
  }

  /** `@"name"`, an abstract socket address: strace's way to write a leading NUL. */
  #abstractName(): StraceValue | undefined {
    if (this.#text.charAt(this.at + 1) !== '"') return undefined;
    this.at++;
    const name = this.#string();
    if (name?.kind !== 'string') return undefined;
    const bytes = new Uint8Array(name.bytes.length + 1);
    bytes.set(name.bytes, 1);
    return { ...name, bytes };
  }

  #struct(depth: number): StraceValue | undefined {
    const list = this.list('}', depth + 1);
    return list === undefined ? undefined : { kind: 'struct', fields: list.items, abbreviated: list.abbreviated };
  }

  #array(depth: number): StraceValue | undefined {
    const list = this.list(']', depth + 1);
    if (list === undefined) return undefined;
    if (list.spaced) return { kind: 'set', members: list.items, complement: false };
    return { kind: 'array', items: list.items, abbreviated: list.abbreviated };
  }

  #complement(depth: number): StraceValue | undefined {
    if (!this.#take('[')) {
      const operand = depth < MAX_STRACE_NESTING ? this.#operand(depth + 1) : undefined;
      return operand === undefined ? undefined : { kind: 'operation', operator: '~', operands: [operand] };
    }
    const list = this.list(']', depth + 1);
    return list === undefined ? undefined : { kind: 'set', members: list.items, complement: true };
  }

  /** Adds the `<…>` behind a descriptor or a pid; it may hold angle brackets itself, and the arrow of a connection. */
  #annotated(value: StraceValue): StraceValue | undefined {
    if (this.#text.charAt(this.at) !== '<' || this.#text.charAt(this.at + 1) === '<') return value;
    const end = this.#noMoreAnnotations ? undefined : annotationEnd(this.#text, this.at);
    this.#noMoreAnnotations = end === undefined;
    if (end === undefined) return undefined;
    const annotation = unescapeText(this.#text.slice(this.at + 1, end - 1));
    this.at = end;
    return { ...value, annotation: this.#take('(deleted)') ? `${annotation} (deleted)` : annotation };
  }

  #remarked(value: StraceValue | undefined): StraceValue | undefined {
    if (value === undefined || !this.#text.startsWith('/*', this.at)) return value;
    const end = this.#noMoreComments ? -1 : this.#text.indexOf('*/', this.at + 2);
    this.#noMoreComments = end < 0;
    if (end < 0) return undefined;
    const comment = this.#text.slice(this.at + 2, end).trim();
    this.at = end + 2;
    this.#skipBlanks();
    return { ...value, comment };
  }

  /** Takes the text up to the end of the item, whatever it is, as long as its quotes and brackets are in balance. */
  #opaque(): StraceValue | undefined {
    const text = this.#text;
    const start = this.at;
    let depth = 0;
    while (this.at < text.length) {
      const char = text.charAt(this.at);
      if (char === '"') {
        const quoted = readQuoted(text, this.at);
        if (quoted === undefined) break;
        this.at = quoted.end;
        continue;
      }
      if (depth === 0 && CLOSERS.includes(char)) return { kind: 'opaque', text: text.slice(start, this.at).trimEnd() };
      if ('([{'.includes(char)) depth++;
      else if (')]}'.includes(char)) depth--;
      this.at++;
    }
    this.#lost = true;
    return undefined;
  }

  #atItemEnd({ spaced }: { readonly spaced: boolean }): boolean {
    if (this.at >= this.#text.length || CLOSERS.includes(this.#text.charAt(this.at))) return true;
    return spaced && this.#atNextMember();
  }

  /** Whether a blank was just passed and another word follows, as between the members of a set. */
  #atNextMember(): boolean {
    return this.#text.charAt(this.at - 1) === ' ' && wordEnd(this.#text, this.at) > this.at;
  }

  /** Moves over an ellipsis that stands for items that were left out. */
  #atEllipsis(): boolean {
    if (!this.#text.startsWith('...', this.at) || !CLOSERS.includes(this.#text.charAt(this.at + 3))) return false;
    this.at += 3;
    return true;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.at)) return false;
    this.at += token.length;
    return true;
  }

  #skipBlanks(): void {
    while (this.#text.charCodeAt(this.at) === BLANK) this.at++;
  }
}

/** Whether there is an equals sign that belongs to no longer symbol. */
function isAssignment(text: string, at: number): boolean {
  if (text.charAt(at) !== '=') return false;
  const next = text.charAt(at + 1);
  return next !== '=' && next !== '>';
}

/** The offset behind the `<…>` that opens at an offset. */
export function annotationEnd(text: string, start: number): number | undefined {
  let open = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '<') open++;
    else if (char === '>' && text.charAt(at - 1) !== '-' && --open === 0) return at + 1;
  }
  return undefined;
}
