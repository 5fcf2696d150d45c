/**
 * Traces of page references, as they are kept in files: a line of JSON, and behind it the references, all compressed by brotli.
 *
 *     { … }\n
 *     varint varint varint …      the distance to the page before, folded as 0 -1 1 -2 2 → 0 1 2 3 4; times two; plus one for a store
 *
 * Pages are numbered from 0 in the order of their addresses, without the gaps: neighbours stay neighbours. A varint has seven bits to
 * the byte, the low ones first; the high bit says that more follow.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

/** Where the recorded traces are. */
export const TRACES = fileURLToPath(new URL('traces', import.meta.url));
export const SUFFIX = '.trace.br';

/**
 * What is known about a trace besides its references.
 *
 * @typedef {object} TraceFacts
 * @property {string} what the program in a few words
 * @property {string} command as it was run
 * @property {string} version of the program
 * @property {string} recorded the day, `2026-01-31`
 * @property {number} accesses loads, stores and instructions that were executed
 * @property {number} depth no memory of fewer pages than this must be simulated
 * @property {number} length references that are left
 * @property {number} pages how many distinct ones
 */

/**
 * A trace.
 *
 * @typedef {object} Trace
 * @property {string} name
 * @property {TraceFacts} facts
 * @property {Uint32Array} references each `page * 2 + stored`
 */

/** Reads the committed traces, in the order of their names. */
export function readTraces() {
  const names = readdirSync(TRACES).filter((name) => name.endsWith(SUFFIX));
  return names.sort().map((name) => decodeTrace(basename(name, SUFFIX), readFileSync(join(TRACES, name))));
}

/** @param {TraceFacts} facts @param {Uint32Array} references */
export function encodeTrace(facts, references) {
  const bytes = [...Buffer.from(`${JSON.stringify(facts)}\n`)];
  let before = 0;
  for (const reference of references) {
    const page = reference >>> 1;
    const step = page - before;
    before = page;
    let rest = (step < 0 ? -2 * step - 1 : 2 * step) * 2 + (reference & 1);
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
  }
  return brotliCompressSync(Uint8Array.from(bytes), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 },
  });
}

/**
 * @param {string} name @param {Uint8Array} file
 * @returns {Trace}
 * @throws {Error} when the file is not as it says
 */
export function decodeTrace(name, file) {
  const bytes = brotliDecompressSync(file);
  let at = bytes.indexOf('\n') + 1;
  /** @type {TraceFacts} */
  const facts = JSON.parse(bytes.toString('utf8', 0, at));
  const references = new Uint32Array(facts.length);
  let page = 0;
  for (let i = 0; i < facts.length; i++) {
    let folded = 0;
    let byte = 0;
    let shift = 0;
    do {
      byte = bytes[at++] ?? 0;
      folded |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    const distance = folded >>> 1;
    page += distance % 2 === 0 ? distance / 2 : -(distance + 1) / 2;
    references[i] = page * 2 + (folded & 1);
  }
  if (at !== bytes.length)
    throw new Error(`the trace ${name} has ${bytes.length - at} bytes more than its ${facts.length} references`);
  return { name, facts, references };
}

/** Numbers pages from 0 in the order of their addresses. @param {Float64Array} kept each `page * 2 + stored` */
export function numberPages(kept) {
  const pages = [...new Set(kept.map((reference) => Math.floor(reference / 2)))].sort((a, b) => a - b);
  const numbers = new Map(pages.map((page, number) => [page, number]));
  const references = Uint32Array.from(kept, (reference) => (numbers.get(Math.floor(reference / 2)) ?? 0) * 2 + (reference % 2));
  return { references, pages: pages.length };
}
