/** The arguments of syzkaller calls; grammar in syzkaller's docs/program_syntax.md, practice in its prog/encoding.go. */
import type { LineCursor } from '../text/line-cursor.js';
import { parseData } from './data.js';
import { parseConst, parseUint64 } from './number.js';
import { SYZ_ADDRESS_BASE, type SyzArg, type SyzPointer, type SyzResult, type SyzUnion } from './program.js';

/** How deep arguments may be nested. Real programs stay below 20; the bound keeps hostile ones off the host's stack. */
export const MAX_SYZ_NESTING = 256;

const VARIABLE = /^r[0-9]+$/;

/** Reads the arguments of one call. */
export class SyzArgParser {
  readonly #cursor: LineCursor;
  /** The variables that have been given a value so far, by earlier calls or by this one. */
  readonly #variables: Set<string>;
  #depth = 0;

  constructor(cursor: LineCursor, variables: Set<string>) {
    this.#cursor = cursor;
    this.#variables = variables;
  }

  /** Reads arguments up to the closing bracket `close`, and that; a comma before it is allowed. */
  list(close: string, expected: string): SyzArg[] {
    const args: SyzArg[] = [];
    while (!this.#cursor.take(close)) {
      if (this.#cursor.done) this.#cursor.fail(expected);
      args.push(this.#arg());
      if (this.#cursor.next !== close) this.#cursor.demand(',', `a comma or ${expected}`);
    }
    return args;
  }

  #arg(): SyzArg {
    if (this.#depth === MAX_SYZ_NESTING) this.#cursor.fail(`at most ${MAX_SYZ_NESTING} levels of nesting`);
    this.#depth++;
    const arg = this.#cursor.take('<') ? this.#declaration() : this.#plainArg();
    this.#depth--;
    return arg;
  }

  #declaration(): SyzArg {
    const start = this.#cursor.at;
    const name = this.#cursor.word();
    if (!VARIABLE.test(name)) this.#cursor.fail('a variable such as r0', start);
    this.#cursor.demand('=>', '=>');
    const value = this.#plainArg();
    // Only now: an argument cannot depend on what the call will leave in it.
    this.#variables.add(name);
    return { kind: 'declare', name, value };
  }

  #plainArg(): SyzArg {
    const cursor = this.#cursor;
    switch (cursor.next) {
      case '&':
        return this.#pointer();
      case '"':
      case "'":
        return parseData(cursor);
      case '{':
        cursor.take('{');
        return { kind: 'struct', fields: this.list('}', 'a closing brace') };
      case '[':
        cursor.take('[');
        return { kind: 'array', items: this.list(']', 'a closing bracket') };
      case '@':
        return this.#union();
      case 'r':
        return this.#result();
      case 'n':
        return this.#keyword('nil', { kind: 'nil' });
      case 'A':
        return this.#keyword('AUTO', { kind: 'auto' });
      default:
        if (!/[-0-9]/.test(cursor.next)) cursor.fail('an argument');
        return { kind: 'const', value: parseConst(cursor) };
    }
  }

  #keyword(keyword: string, arg: SyzArg): SyzArg {
    const start = this.#cursor.at;
    if (this.#cursor.word() !== keyword) this.#cursor.fail(`an argument; ${keyword} perhaps`, start);
    return arg;
  }

  #result(): SyzResult {
    const cursor = this.#cursor;
    const start = cursor.at;
    const name = cursor.word();
    if (!VARIABLE.test(name)) cursor.fail('an argument; a variable such as r0 perhaps', start);
    if (!this.#variables.has(name)) cursor.fail('a variable that an earlier call or argument has set', start);
    const div = cursor.take('/') ? parseUint64(cursor, 'a number to divide by') : 0n;
    const add = cursor.take('+') ? parseUint64(cursor, 'a number to add') : 0n;
    return { kind: 'result', name, div, add };
  }

  #union(): SyzUnion {
    const cursor = this.#cursor;
    cursor.take('@');
    const option = cursor.word();
    if (option === '') cursor.fail('the name of a union option');
    return { kind: 'union', option, value: cursor.take('=') ? this.#arg() : undefined };
  }

  #pointer(): SyzPointer {
    const cursor = this.#cursor;
    cursor.take('&');
    let address: bigint | 'auto' = 'auto';
    let size: bigint | undefined;
    if (cursor.take('(')) {
      address = this.#address();
      if (cursor.take('/')) size = parseUint64(cursor, 'the length of the piece of address space');
      cursor.demand(')', 'a closing parenthesis');
    } else {
      this.#keyword('AUTO', { kind: 'auto' });
    }
    if (!cursor.take('=')) return { kind: 'pointer', address, size, any: false, pointee: undefined };
    const any = cursor.take('ANY');
    if (any) cursor.demand('=', '= behind ANY');
    return { kind: 'pointer', address, size, any, pointee: this.#arg() };
  }

  /** Reads an address; programs of old have it in two parts, `0x7f0000000000+0x1000`. */
  #address(): bigint {
    const cursor = this.#cursor;
    const start = cursor.at;
    let address = parseUint64(cursor, 'an address');
    if (cursor.take('+')) address += parseUint64(cursor, 'an offset');
    else if (cursor.take('-')) address -= parseUint64(cursor, 'an offset');
    if (address < SYZ_ADDRESS_BASE || address >= 1n << 64n) {
      cursor.fail(`an address from 0x${SYZ_ADDRESS_BASE.toString(16)} up`, start);
    }
    return address;
  }
}
