/**
 * The journal: an exploration as a file, to go on with it later. It is compressed with gzip, whose check sum tells whether it is whole.
 *
 *     a line that says what this is
 *     a line of JSON: whose exploration it is, how it was made, what it found, and how long the columns are
 *     the columns of the graph and of the frontier, in words of 32 bits, low byte first
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import type { ExplorationSnapshot, ReachedState } from '@faultline/explorer';
import { errorsOf } from '@faultline/host-node';
import { makeFolder } from '../folders.js';
import { UsageError } from '../usage.js';

/** Whose exploration it is: texts by the name of what they are. All must be equal for it to go on. */
export type Identity = Readonly<Record<string, string>>;

/** A snapshot, and whose it is. */
export interface Journal {
  readonly identity: Identity;
  readonly snapshot: ExplorationSnapshot;
}

/** The first line. Another form of what follows needs another number. */
const TITLE = 'faultline journal 1\n';

interface Head {
  readonly identity: Identity;
  readonly snapshot: Omit<ExplorationSnapshot, 'reached'>;
  readonly reached: ReachedHead | null;
}

interface ReachedHead extends Omit<ReachedState, 'graph' | 'frontier'> {
  readonly states: number;
  readonly edges: number;
  readonly level: number;
  /** Words in each of the columns. */
  readonly words: readonly number[];
}

/** Writes a journal, all of it or nothing. */
export function saveJournal(path: string, journal: Journal): void {
  errorsOf(path, () => {
    makeFolder(dirname(path));
    const half = `${path}.new`;
    writeFileSync(half, gzipSync(encode(journal), { level: constants.Z_BEST_SPEED }));
    renameSync(half, path);
  });
}

/**
 * Reads a journal; null when there is none.
 *
 * @throws {UsageError} when it is damaged, or of another exploration; nothing is done to it
 */
export function loadJournal(path: string, identity: Identity): ExplorationSnapshot | null {
  const stats = errorsOf(path, () => statSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) return null;
  if (!stats.isFile())
    throw new UsageError(`${path}: this is not a regular file; name a journal, or a file that is not there yet.`);
  const journal = decode(
    path,
    errorsOf(path, () => readFileSync(path)),
  );
  for (const [what, text] of Object.entries(identity)) {
    const other = journal.identity[what] ?? '';
    if (other === text) continue;
    throw new UsageError(
      `${path}: this journal is of another exploration: ${what} is ${text || 'none'} now, and was ${other || 'none'}; ` +
        'name another file, or remove this one to begin again.',
    );
  }
  return journal.snapshot;
}

function encode({ identity, snapshot }: Journal): Uint8Array {
  const { reached, ...rest } = snapshot;
  const columns = reached === null ? [] : columnsOf(reached);
  const head: Head = {
    identity,
    snapshot: rest,
    reached: reached && {
      failures: reached.failures,
      evidence: reached.evidence,
      states: reached.graph.states,
      edges: reached.graph.edges,
      level: reached.frontier.level,
      words: columns.map(({ length }) => length),
    },
  };
  return Buffer.concat([Buffer.from(`${TITLE}${JSON.stringify(head)}\n`), ...columns.map(littleEndian)]);
}

function decode(path: string, file: Uint8Array): Journal {
  const bytes = unzip(path, file);
  if (bytes.toString('latin1', 0, TITLE.length) !== TITLE) throw noJournal(path);
  const end = bytes.indexOf('\n', TITLE.length);
  const { identity, snapshot, reached } = JSON.parse(bytes.toString('utf8', TITLE.length, end)) as Head;
  if (reached === null) return { identity, snapshot: { ...snapshot, reached } };
  let at = end + 1;
  const next = (length: number): Int32Array => {
    const column = new Int32Array(length);
    for (let i = 0; i < length; i++, at += 4) column[i] = bytes.readInt32LE(at);
    return column;
  };
  const [stateColumns, edgeColumns, now, later] = [0, 1, 2, 3].map((i) => next(reached.words[i] ?? 0)) as [
    Int32Array,
    Int32Array,
    Int32Array,
    Int32Array,
  ];
  const { failures, evidence, states, edges, level } = reached;
  const graph = { states, edges, stateColumns, edgeColumns };
  return { identity, snapshot: { ...snapshot, reached: { failures, evidence, graph, frontier: { level, now, later } } } };
}

function unzip(path: string, file: Uint8Array): Buffer {
  // Every gzip file begins so.
  if (file[0] !== 0x1f || file[1] !== 0x8b) throw noJournal(path);
  try {
    return gunzipSync(file);
  } catch {
    throw new UsageError(`${path}: this journal is damaged; remove it to begin again.`);
  }
}

function noJournal(path: string): UsageError {
  return new UsageError(`${path}: this is no journal of this version of Faultline; name another file, and it is left as it is.`);
}

function columnsOf({ graph, frontier }: ReachedState): readonly Int32Array[] {
  return [graph.stateColumns, graph.edgeColumns, frontier.now, frontier.later];
}

function littleEndian(column: Int32Array): Buffer {
  const bytes = Buffer.alloc(column.length * 4);
  for (const [index, word] of column.entries()) bytes.writeInt32LE(word, index * 4);
  return bytes;
}
