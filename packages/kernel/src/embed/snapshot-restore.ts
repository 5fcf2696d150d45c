/** Giving a machine back what was taken down of it, or of another one that was booted alike. */
import { Continuation } from '../kern/switch.js';
import { type Externals, isCarried } from './snapshot-capture.js';
import { type Fields, type NodeKind, SnapshotError, type SnapshotNode, VIEWS, type ViewName } from './snapshot-graph.js';
import type { ClassRegistry } from './snapshot-registry.js';

/**
 * Finds, for each node, the object of another machine that it stands for: from the root on along the same fields. What the machine does not
 * have is made, empty.
 *
 * => lists, maps and plain objects are always made: those that a machine has may be constants of a module, which others have too.
 *
 * @throws {SnapshotError} when something is not there that cannot be made
 */
export function bind(nodes: readonly SnapshotNode[], root: object, registry: ClassRegistry, externals: Externals): object[] {
  const twins = findTwins(nodes, root, registry);
  const things = nodes.map((node, id) => {
    const twin = twins[id];
    return twin !== undefined && BOUND.has(node.kind) ? twin : undefined;
  });
  nodes.forEach((node, id) => {
    // The buffer of a view comes after the view by which it was found.
    if (node.kind === 'buffer') things[id] ??= new ArrayBuffer(node.length);
  });
  nodes.forEach((node, id) => {
    things[id] ??= make(node, things, registry, externals);
  });
  return things as object[];
}

/** Kinds of nodes for which a machine's own objects are used: others refer to these besides the machine. */
const BOUND: ReadonlySet<NodeKind> = new Set<NodeKind>(['object', 'anew', 'buffer', 'view']);

/** For each node what a machine has in its place, if anything. */
function findTwins(nodes: readonly SnapshotNode[], root: object, registry: ClassRegistry): (object | undefined)[] {
  const twins = new Array<object | undefined>(nodes.length).fill(undefined);
  const taken = new Set<object>();
  const found: number[] = [];
  const pair = (id: number, thing: unknown): void => {
    if (twins[id] !== undefined || typeof thing !== 'object' || thing === null || taken.has(thing)) return;
    if (!isOfKind(nodes[id] as SnapshotNode, thing, registry)) return;
    twins[id] = thing;
    taken.add(thing);
    found.push(id);
  };
  pair(0, root);
  // The list grows while it is gone through.
  for (const id of found) eachPart(nodes[id] as SnapshotNode, twins[id] as object, pair);
  return twins;
}

type Things = readonly (object | undefined)[];

/** Gives all objects what was in them. */
export function fill(nodes: readonly SnapshotNode[], things: object[], registry: ClassRegistry): void {
  // A job cannot be wound back; there is a new one each time.
  nodes.forEach((node, id) => {
    if (node.kind === 'job') things[id] = new Continuation(node.values[0] as ConstructorParameters<typeof Continuation>[0]);
  });
  for (let id = 0; id < nodes.length; id++) fillOne(nodes[id] as SnapshotNode, things[id] as object, things, registry);
}

function fillOne(node: SnapshotNode, thing: object, things: readonly object[], registry: ClassRegistry): void {
  switch (node.kind) {
    case 'object':
    case 'record':
      fillFields(node, thing as Fields, things, registry);
      return;
    case 'list':
      fillList(node, thing as unknown[], things);
      return;
    case 'map': {
      const map = thing as Map<unknown, unknown>;
      map.clear();
      for (let i = 0; i < node.values.length; i += 2) map.set(valueAt(node, i, things), valueAt(node, i + 1, things));
      return;
    }
    case 'set': {
      const set = thing as Set<unknown>;
      set.clear();
      for (let i = 0; i < node.values.length; i++) set.add(valueAt(node, i, things));
      return;
    }
    case 'buffer': {
      const bytes = new Uint8Array(thing as ArrayBuffer);
      let at = 0;
      for (const block of node.blocks) {
        bytes.fill(0, at, block.at);
        bytes.set(block.bytes, block.at);
        at = block.at + block.bytes.length;
      }
      bytes.fill(0, at);
      return;
    }
    case 'view':
    case 'job':
    case 'error':
    case 'external':
    case 'anew':
      return;
  }
}

function fillFields(node: SnapshotNode, fields: Fields, things: readonly object[], registry: ClassRegistry): void {
  const { keys } = node;
  for (let i = 0; i < keys.length; i++) fields[keys[i] as string] = valueAt(node, i, things);
  const own = Object.keys(fields);
  if (own.length === keys.length) return;
  const registered = node.kind === 'object' ? registry.classNamed(node.name) : null;
  for (const key of own) {
    if (keys.includes(key) || (registered !== null && !isCarried(registered, key, fields[key]))) continue;
    delete fields[key];
  }
}

function fillList(node: SnapshotNode, list: unknown[], things: readonly object[]): void {
  list.length = 0;
  const { keys, values } = node;
  if (keys.length === 0) {
    for (let i = 0; i < values.length; i++) list.push(valueAt(node, i, things));
    return;
  }
  list.length = node.length;
  for (let i = 0; i < keys.length; i++) list[Number(keys[i])] = valueAt(node, i, things);
}

function valueAt(node: SnapshotNode, i: number, things: readonly object[]): unknown {
  const ref = node.refs[i] as number;
  return ref < 0 ? node.values[i] : things[ref];
}

/** Whether an object can stand for a node: of the same kind, and where that cannot be changed, of the same size. */
function isOfKind(node: SnapshotNode, thing: object, registry: ClassRegistry): boolean {
  switch (node.kind) {
    case 'object':
    case 'anew':
      return registry.classOf(thing)?.name === node.name;
    case 'record':
      return Object.getPrototypeOf(thing) === Object.prototype;
    case 'list':
      return Array.isArray(thing);
    case 'map':
      return thing instanceof Map;
    case 'set':
      return thing instanceof Set;
    case 'buffer':
      return thing instanceof ArrayBuffer && thing.byteLength === node.length;
    case 'view': {
      if (!ArrayBuffer.isView(thing) || thing.constructor.name !== node.name) return false;
      const length = thing instanceof DataView ? thing.byteLength : (thing as Uint8Array).length;
      return thing.byteOffset === node.values[1] && length === node.values[2];
    }
    case 'job':
    case 'error':
    case 'external':
      return false;
  }
}

/** Says for each part of a node that is one itself what a machine has in its place. */
function eachPart(node: SnapshotNode, thing: object, tell: (id: number, part: unknown) => void): void {
  const { keys, values, refs } = node;
  const part = (i: number, of: () => unknown): void => {
    const ref = refs[i] as number;
    if (ref >= 0) tell(ref, of());
  };
  switch (node.kind) {
    case 'object':
    case 'record':
      for (let i = 0; i < keys.length; i++) part(i, () => (thing as Fields)[keys[i] as string]);
      return;
    case 'list':
      for (let i = 0; i < values.length; i++) part(i, () => (thing as unknown[])[keys.length === 0 ? i : Number(keys[i])]);
      return;
    case 'map':
      for (let i = 1; i < values.length; i += 2) {
        if (refs[i - 1] === -1) part(i, () => (thing as Map<unknown, unknown>).get(values[i - 1]));
      }
      return;
    case 'set': {
      const members = [...(thing as Set<unknown>)];
      for (let i = 0; i < values.length; i++) part(i, () => members[i]);
      return;
    }
    case 'view':
      part(0, () => (thing as ArrayBufferView).buffer);
      return;
    default:
      return;
  }
}

/** Makes what a machine does not have, empty. */
function make(node: SnapshotNode, things: Things, registry: ClassRegistry, externals: Externals): object {
  switch (node.kind) {
    case 'object':
      return registry.create(node.name);
    case 'anew':
      return registry.createAnew(node.name);
    case 'record':
      return {};
    case 'list':
      return [];
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'buffer':
      return new ArrayBuffer(node.length);
    case 'view':
      return makeView(node, things);
    case 'job':
      return node;
    case 'error': {
      const [original] = node.values;
      return original instanceof Error ? original : Object.assign(new Error('in a snapshot'), { stack: original });
    }
    case 'external': {
      const thing = externals[node.name];
      if (thing !== undefined) return thing;
      throw new SnapshotError(`the snapshot wants what was named '${node.name}' when it was taken: give it in \`external\``);
    }
  }
}

function makeView(node: SnapshotNode, things: Things): object {
  const [, offset, length] = node.values as readonly [unknown, number, number];
  const View = VIEWS[node.name as ViewName] as new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;
  return new View(things[node.refs[0] as number] as ArrayBuffer, offset, length);
}
