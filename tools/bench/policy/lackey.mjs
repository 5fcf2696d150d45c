/** Reading what valgrind's tool lackey prints of a program. */
/** @typedef {import('./reduce.mjs').Reducer} Reducer */

const PAGE_SIZE = 4096;

const code = (/** @type {string} */ character) => character.charCodeAt(0);
const NEWLINE = code('\n');
const SPACE = code(' ');
const COMMA = code(',');
const EQUALS = code('=');
const DIGIT_0 = code('0');
const LETTER_A = code('a');
const INSTRUCTION = code('I');
const LOAD = code('L');
const STORE = code('S');
const MODIFY = code('M');

/**
 * Reads lines as they come, in pieces, and gives the pages that they speak of to a reducer. A line is an access, its address
 * hexadecimal and its size decimal; one that begins with `==` is about something else.
 *
 *     I  04001a40,3        an instruction
 *      L 1ffeffe7e0,8      a load; S a store, M a load and a store of the same
 */
export class LackeyReader {
  #reducer;
  /** What kind of line this is; 0 before that is known. */
  #kind = 0;
  #address = 0;
  #size = 0;
  #inSize = false;

  /** @param {Reducer} reducer */
  constructor(reducer) {
    this.#reducer = reducer;
  }

  read(/** @type {Uint8Array} */ chunk) {
    for (const byte of chunk) {
      if (byte === NEWLINE) this.#endLine();
      else if (this.#kind === 0) this.#kind = byte === SPACE ? 0 : byte;
      else if (byte === SPACE || this.#kind === EQUALS) continue;
      else if (byte === COMMA) this.#inSize = true;
      else if (this.#inSize) this.#size = this.#size * 10 + byte - DIGIT_0;
      else this.#address = this.#address * 16 + (byte >= LETTER_A ? byte - LETTER_A + 10 : byte - DIGIT_0);
    }
  }

  #endLine() {
    const kind = this.#kind;
    if (kind === LOAD || kind === STORE || kind === MODIFY || kind === INSTRUCTION) {
      const written = kind === STORE || kind === MODIFY;
      const first = Math.floor(this.#address / PAGE_SIZE);
      const last = Math.floor((this.#address + this.#size - 1) / PAGE_SIZE);
      for (let page = first; page <= last; page++) this.#reducer.reference(page, written);
    }
    this.#kind = 0;
    this.#address = 0;
    this.#size = 0;
    this.#inSize = false;
  }
}
