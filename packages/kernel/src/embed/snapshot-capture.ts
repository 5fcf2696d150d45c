/** Taking a machine down, object by object. */
import { Continuation } from '../kern/switch.js';
import {
  BLOCK_SIZE,
  type BufferBlock,
  type Fields,
  SnapshotError,
  type SnapshotNode,
  sourceName,
  VIEWS,
} from './snapshot-graph.js';
import type { ClassRegistry, RegisteredClass } from './snapshot-registry.js';

/** Things of the embedder's own that a machine refers to, by a name of its choice: signal handlers, devices, files of the host. */
export type Externals = Readonly<Record<string, object>>;

/** What was found: the nodes, and the objects that they were made of. */
export interface Captured {
  readonly nodes: SnapshotNode[];
  readonly objects: object[];
  /** Values that are functions: they can be given back to this process only. Where they are. */
  readonly functions: string[];
}

/** From which other node an object was first reached, and by what. */
interface Origin {
  readonly node: number;
  readonly key: string;
}

const NONE: readonly never[] = [];
const LEAF = { keys: NONE, values: NONE, refs: NONE, length: 0, blocks: NONE };

/**
 * Takes down everything that can be reached from an object.
 *
 * @throws {SnapshotError} that says what cannot be carried, and where it is
 */
export function capture(root: object, registry: ClassRegistry, externals: Externals): Captured {
  return new Capture(registry, externals).run(root);
}

class Capture {
  private readonly registry: ClassRegistry;
  private readonly externals: ReadonlyMap<unknown, string>;
  private readonly ids = new Map<object, number>();
  private readonly objects: object[] = [];
  private readonly origins: Origin[] = [];
  private readonly functions: string[] = [];

  constructor(registry: ClassRegistry, externals: Externals) {
    this.registry = registry;
    this.externals = new Map(Object.entries(externals).map(([name, thing]) => [thing, name]));
  }

  run(root: object): Captured {
    this.idOf(root, { node: -1, key: 'system' });
    const nodes: SnapshotNode[] = [];
    // The list grows while it is gone through, by what is found.
    for (let id = 0; id < this.objects.length; id++) nodes.push(this.nodeOf(id, this.objects[id] as object));
    return { nodes, objects: this.objects, functions: this.functions };
  }

  private idOf(thing: object, origin: Origin): number {
    const known = this.ids.get(thing);
    if (known !== undefined) return known;
    const id = this.objects.length;
    this.ids.set(thing, id);
    this.objects.push(thing);
    this.origins.push(origin);
    return id;
  }

  private nodeOf(id: number, thing: object): SnapshotNode {
    const external = this.externals.get(thing);
    if (external !== undefined) return { ...LEAF, kind: 'external', name: external };
    if (Array.isArray(thing)) return this.list(id, thing);
    if (thing instanceof Map) return this.pairs(id, thing);
    if (thing instanceof Set) return this.set(id, thing);
    if (thing instanceof ArrayBuffer) return buffer(thing);
    if (ArrayBuffer.isView(thing)) return this.view(id, thing);
    if (thing instanceof Error) return { ...LEAF, kind: 'error', name: '', values: [thing], refs: [-1] };
    if (thing instanceof Continuation) return this.job(id, thing);
    return this.fields(id, thing);
  }

  private fields(id: number, thing: object): SnapshotNode {
    const prototype: unknown = Object.getPrototypeOf(thing);
    const isRecord = prototype === Object.prototype || prototype === null;
    const registered = isRecord ? null : this.registry.classOf(thing);
    if (!isRecord && registered === null) throw this.foreign(id, thing);
    if (registered?.anew !== undefined) return { ...LEAF, kind: 'anew', name: registered.name };
    const keys = Object.keys(thing).filter((key) => registered === null || isCarried(registered, key, (thing as Fields)[key]));
    const values = keys.map((key) => (thing as Fields)[key]);
    return this.node(id, { kind: isRecord ? 'record' : 'object', name: registered?.name ?? '' }, keys, values, keys);
  }

  private list(id: number, list: readonly unknown[]): SnapshotNode {
    const keys = Object.keys(list);
    const values = keys.map((key) => list[Number(key)]);
    const node = this.node(id, { kind: 'list', name: '' }, keys, values, keys.length === list.length ? NONE : keys);
    return { ...node, length: list.length };
  }

  private set(id: number, set: ReadonlySet<unknown>): SnapshotNode {
    const values = [...set];
    const paths = values.map((_, i) => `{${i}}`);
    return this.node(id, { kind: 'set', name: '' }, paths, values, NONE);
  }

  private pairs(id: number, map: ReadonlyMap<unknown, unknown>): SnapshotNode {
    const paths = [...map.keys()].flatMap((key, i) => [`{${i}}`, typeof key === 'object' ? `[${i}]` : `[${String(key)}]`]);
    return this.node(id, { kind: 'map', name: '' }, paths, [...map].flat(), NONE);
  }

  private view(id: number, view: ArrayBufferView): SnapshotNode {
    const name = view.constructor.name;
    if (!(name in VIEWS)) throw this.foreign(id, view);
    const length = view instanceof DataView ? view.byteLength : (view as Uint8Array).length;
    return this.node(id, { kind: 'view', name }, ['buffer', '', ''], [view.buffer, view.byteOffset, length], NONE);
  }

  private job(id: number, job: Continuation): SnapshotNode {
    if (job.begin === null) throw new SnapshotError(`${this.pathOf(id)}: the thread is in the middle of its program`);
    this.functions.push(this.pathOf(id));
    return { ...LEAF, kind: 'job', name: '', values: [job.begin], refs: [-1] };
  }

  /** @param paths what each value is called, for finding it; `keys` what is kept of that */
  private node(
    id: number,
    { kind, name }: Pick<SnapshotNode, 'kind' | 'name'>,
    paths: readonly string[],
    values: readonly unknown[],
    keys: readonly string[],
  ): SnapshotNode {
    const plain: unknown[] = [];
    const refs: number[] = [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      const origin = { node: id, key: paths[i] ?? '' };
      const isThing = (typeof value === 'object' && value !== null) || this.externals.has(value);
      if (typeof value === 'function' && !isThing) this.functions.push(`${this.pathOf(id)}.${origin.key}`);
      if (typeof value === 'symbol')
        throw new SnapshotError(`${this.pathOf(id)}.${origin.key} is a symbol, which cannot be carried`);
      plain.push(isThing ? undefined : value);
      refs.push(isThing ? this.idOf(value as object, origin) : -1);
    }
    return { kind, name, keys, values: plain, refs, length: values.length, blocks: NONE };
  }

  private foreign(id: number, thing: object): SnapshotError {
    const { name } = thing as { name?: unknown };
    const kind = (Object.getPrototypeOf(thing) as { constructor?: { name?: string } }).constructor?.name ?? 'nameless thing';
    return new SnapshotError(
      `${this.pathOf(id)} is a ${kind}${typeof name === 'string' ? ` (${name})` : ''}, which a snapshot cannot carry: ` +
        'name it in `external` if it is yours to carry, and remove it if not',
    );
  }

  /** Where an object is: `system.sys.vfs.named.[/etc/passwd].store`. */
  private pathOf(id: number): string {
    const { node, key } = this.origins[id] as Origin;
    return node < 0 ? key : `${this.pathOf(node)}.${sourceName(key)}`;
  }
}

/** Whether a field is part of the machine, and not of the system that it runs in. */
export function isCarried({ kept }: RegisteredClass, field: string, value: unknown): boolean {
  return kept === undefined || !(typeof value === 'function' || kept.includes(sourceName(field)));
}

function buffer(bytes: ArrayBuffer): SnapshotNode {
  const blocks: BufferBlock[] = [];
  for (let at = 0; at < bytes.byteLength; at += BLOCK_SIZE) {
    const block = new Uint8Array(bytes, at, Math.min(BLOCK_SIZE, bytes.byteLength - at));
    if (!isZero(block)) blocks.push({ at, bytes: block.slice() });
  }
  return { ...LEAF, kind: 'buffer', name: '', length: bytes.byteLength, blocks };
}

function isZero(bytes: Uint8Array): boolean {
  if (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false;
    return true;
  }
  return bytes.every((byte) => byte === 0);
}
