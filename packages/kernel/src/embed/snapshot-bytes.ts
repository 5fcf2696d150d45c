/**
 * Snapshots as bytes.
 *
 *     "FLSNAP"  format (1 byte)  check (4 bytes, of all that follows)
 *     traits    a text, as JSON
 *     shapes    count, and for each: kind, name, number of keys, keys           nodes of one class have one shape, as a rule
 *     nodes     count, and for each: shape, length, values, blocks              in the order of their numbers
 *
 * Counts and whole numbers are written seven bits a byte, the low ones first; a text once, and then by its number.
 */
import { Reader, Writer } from './byte-stream.js';
import type { MachineTraits } from './snapshot.js';
import { BLOCK_SIZE, type BufferBlock, type NodeKind, SnapshotError, type SnapshotNode, VIEWS } from './snapshot-graph.js';

const MAGIC = 'FLSNAP';
const FORMAT = 1;
/** Where what is checked begins. */
const CHECKED_FROM = MAGIC.length + 5;

const KINDS: readonly NodeKind[] = [
  'object',
  'record',
  'list',
  'map',
  'set',
  'buffer',
  'view',
  'job',
  'error',
  'external',
  'anew',
];

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly nodes: readonly SnapshotNode[];
  readonly traits: MachineTraits;
}

interface Shape {
  readonly kind: NodeKind;
  readonly name: string;
  readonly keys: readonly string[];
}

/** A snapshot as bytes. => has no function in it */
export function encodeSnapshot({ nodes, traits }: SnapshotParts): Uint8Array {
  const writer = new Writer();
  for (const letter of MAGIC) writer.byte(letter.charCodeAt(0));
  writer.byte(FORMAT);
  writer.word(0);
  writer.text(JSON.stringify(traits));
  const shapes = new Map<string, number>();
  const listed: Shape[] = [];
  const shapeOf = ({ kind, name, keys }: SnapshotNode): number => {
    const text = JSON.stringify([kind, name, keys]);
    const known = shapes.get(text);
    if (known !== undefined) return known;
    shapes.set(text, listed.length);
    listed.push({ kind, name, keys });
    return listed.length - 1;
  };
  const shapeNumbers = nodes.map(shapeOf);
  writer.count(listed.length);
  for (const { kind, name, keys } of listed) {
    writer.byte(KINDS.indexOf(kind));
    writer.text(name);
    writer.count(keys.length);
    for (const key of keys) writer.text(key);
  }
  writer.count(nodes.length);
  nodes.forEach((node, id) => {
    writer.count(shapeNumbers[id] as number);
    encodeNode(writer, node);
  });
  const bytes = writer.bytes();
  new DataView(bytes.buffer).setUint32(CHECKED_FROM - 4, checkOf(bytes), true);
  return bytes;
}

/** @throws {SnapshotError} when the bytes are none, or damaged, or of another format */
export function decodeSnapshot(bytes: Uint8Array): SnapshotParts {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC || bytes.length <= CHECKED_FROM) throw new SnapshotError('these bytes are no snapshot');
  const format = bytes[MAGIC.length] as number;
  if (format !== FORMAT) throw new SnapshotError(`the snapshot is of format ${format}; this Faultline reads format ${FORMAT}`);
  const check = new DataView(bytes.buffer, bytes.byteOffset).getUint32(CHECKED_FROM - 4, true);
  if (check !== checkOf(bytes)) throw new SnapshotError('the snapshot is damaged: its bytes are not those that were written');
  const reader = new Reader(bytes, CHECKED_FROM);
  const traits = JSON.parse(reader.text()) as MachineTraits;
  const shapes = Array.from({ length: reader.count() }, () => decodeShape(reader));
  const nodes = Array.from({ length: reader.count() }, () => decodeNode(reader, shapes[reader.count()] as Shape));
  return { nodes, traits };
}

function decodeShape(reader: Reader): Shape {
  const kind = KINDS[reader.byte()] as NodeKind;
  const name = reader.text();
  if (kind === 'view' && !(name in VIEWS))
    throw new SnapshotError(`the snapshot has a ${name} in it, which this Faultline does not know`);
  return { kind, name, keys: Array.from({ length: reader.count() }, () => reader.text()) };
}

function encodeNode(writer: Writer, { kind, length, values, refs, blocks }: SnapshotNode): void {
  writer.count(length);
  if (kind === 'buffer') {
    writer.count(blocks.length);
    for (const { at, bytes } of blocks) {
      writer.count(at / BLOCK_SIZE);
      writer.block(bytes);
    }
    return;
  }
  writer.count(values.length);
  values.forEach((value, i) => {
    const ref = refs[i] as number;
    if (ref >= 0) writer.reference(ref);
    else writer.value(value instanceof Error ? (value.stack ?? '') : value);
  });
}

function decodeNode(reader: Reader, shape: Shape): SnapshotNode {
  const length = reader.count();
  if (shape.kind === 'buffer') {
    const blocks = Array.from({ length: reader.count() }, (): BufferBlock => {
      const at = reader.count() * BLOCK_SIZE;
      return { at, bytes: reader.block(Math.min(BLOCK_SIZE, length - at)) };
    });
    return { ...shape, length, blocks, values: [], refs: [] };
  }
  const values: unknown[] = [];
  const refs: number[] = [];
  for (let left = reader.count(); left > 0; left--) {
    const { ref, value } = reader.valueOrReference();
    values.push(value);
    refs.push(ref);
  }
  return { ...shape, length, blocks: [], values, refs };
}

/** A check of all bytes behind it: one that is changed, lost or out of place changes it. */
function checkOf(bytes: Uint8Array): number {
  let check = 0x811c9dc5;
  for (let i = CHECKED_FROM; i < bytes.length; i++) check = Math.imul(check ^ (bytes[i] as number), 0x01000193);
  return check >>> 0;
}
