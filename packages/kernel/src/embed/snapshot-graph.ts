/**
 * What a snapshot holds: every object of a quiet machine once, each as a node, and what is in it.
 *
 *     node 0   NetbsdSystem   kern -> 1, machine -> 2 …      references are numbers of nodes
 *     node 1   Kern           cpus = 1, scheduler -> 7 …     all else are plain values
 *
 * Nodes are numbered breadth first, so that each is reached from one before it.
 */

/** What an object is, as far as taking it down and making it again goes. */
export type NodeKind =
  /** An object of a class that is registered, by its fields. */
  | 'object'
  /** A plain object, by its fields. */
  | 'record'
  | 'list'
  | 'map'
  | 'set'
  /** An `ArrayBuffer`; its bytes are in `blocks`. */
  | 'buffer'
  /** A typed array or a `DataView` on a buffer. */
  | 'view'
  /** The job of a thread that has not begun. */
  | 'job'
  /** An `Error`, of which the stack is kept: the witness has some. */
  | 'error'
  /** Something of the embedder's own, known by a name on either side. */
  | 'external'
  /** An object that has nothing to be carried, and of which each machine has its own. */
  | 'anew';

/** One object. */
export interface SnapshotNode {
  readonly kind: NodeKind;
  /** Name of the class, of the kind of view, of what is external; empty when there is none. */
  readonly name: string;
  /** Names of the fields of `object` and `record`; indexes of a `list` that has holes. */
  readonly keys: readonly string[];
  /** What is in it; `undefined` where `refs` says which node. A map has keys and values in turn; a view its offset and length. */
  readonly values: readonly unknown[];
  /** For each value the number of the node, -1 for a plain value. */
  readonly refs: readonly number[];
  /** Length of a list, bytes of a buffer. */
  readonly length: number;
  /** Those parts of a buffer that are not zero, by their place. */
  readonly blocks: readonly BufferBlock[];
}

/** A part of a buffer. */
export interface BufferBlock {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Bytes of a buffer that are left out together when all are zero. */
export const BLOCK_SIZE = 4096;

/** A snapshot cannot be taken, or does not fit. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

/** The kinds of views there are. */
export const VIEWS = {
  Uint8Array,
  Int8Array,
  Uint16Array,
  Int16Array,
  Uint32Array,
  Int32Array,
  Float32Array,
  Float64Array,
  DataView,
} as const;

/** Name of a kind of view. */
export type ViewName = keyof typeof VIEWS;

/** An object as it is looked at here: fields by name. */
export type Fields = Record<string, unknown>;

/** A field's name as it stands in the source: private ones have a dollar in front in what runs. */
export function sourceName(field: string): string {
  return field.startsWith('$') ? field.slice(1) : field;
}
