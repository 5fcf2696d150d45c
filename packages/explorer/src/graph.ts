/**
 * The graph of states that an exploration has seen, in flat columns that worker threads can share.
 *
 *     state 0 ──edge: thread 1──> state 1 ──edge: thread 1──> state 4
 *        └──────edge: thread 2──> state 2 ──edge: thread 1──> …
 *
 * A state is known by its key; where it was first reached, a path of edges leads back to the start, along which any worker can get
 * there again. Edges are made with their state, one for each thread that can go on there; what the environment can do otherwise
 * within a step is added as it comes up. An edge is taken once, by whoever claims it.
 */

/** Which way out of a state. */
export interface EdgeLabel {
  /** Number of the thread on the path on which the state was first reached; for an expiry, of the sleeper whose timeout fires. */
  readonly lwp: number;
  /** Its rank among all threads as the state tells them, which is the same on each path. */
  readonly slot: number;
  /** Whether it could go on; a thread that cannot has no edge. */
  readonly kind: EdgeKind;
  /** For a fault: which of the choices within the step, and which way, as `fault()` packs it; else 0. */
  readonly detail: number;
  /** For a fault that comes after another one in the same step: the edge with that one; else `NONE`. */
  readonly after: number;
}

/** What an edge stands for: a thread goes on; it goes on, and the environment goes another way; a timeout fires. */
export type EdgeKind = 'run' | 'fault' | 'expire';

const KINDS: readonly EdgeKind[] = ['run', 'fault', 'expire'];

/** A choice of the environment within a step, counted in steps of the scheduler from where the edge begins, and which way it goes. */
export interface Fault {
  readonly choice: number;
  readonly way: number;
}

/** The `detail` of a fault: the choice of that number within the step, from 1, goes this way. */
export function fault(choice: number, way: number): number {
  return choice * 256 + way;
}

/** What `fault()` packed. */
function unpackFault(detail: number): Fault {
  return { choice: Math.floor(detail / 256), way: detail % 256 };
}

/** No state, no edge. */
export const NONE = -1;

const STATE_COLUMNS = [
  'high',
  'low',
  'high2',
  'low2',
  'parent',
  'step',
  'level',
  'faults',
  'firstEdge',
  'ids',
  'kind',
  'last',
] as const;
const EDGE_COLUMNS = ['from', 'to', 'lwp', 'slot', 'labelKind', 'detail', 'cost', 'next', 'claimed', 'rank', 'after'] as const;

/** How far a state is known; of a state where something went wrong, the number of the failure is added to `Failed`. */
export const StateKind = {
  /** Somewhere on the way. */
  Inner: 0,
  /** Every thread has come to its end, and all is well. */
  Ended: 1,
  /** Something went wrong. */
  Failed: 2,
} as const;

/** The kind of a number that stands for no state. */
const OUT_OF_USE = -1;

const HEADER = { states: 0, edges: 1, full: 2, spare: 3, failures: 4 } as const;
const HEADER_WORDS = 16;
/** Edges that a state has on average, at most. */
export const EDGES_PER_STATE = 4;
/** One edge in so many is kept for what the environment can do otherwise, which comes up when its state is long there. */
const FAULT_EDGES_IN = 16;

/** A graph as plain data: its columns one after the other, as far as they are used. */
export interface GraphState {
  readonly states: number;
  readonly edges: number;
  readonly stateColumns: Int32Array;
  readonly edgeColumns: Int32Array;
}

/** A 64-bit key in two lanes, and two more lanes where wider keys are wanted, else 0. */
export interface StateKey {
  readonly high: number;
  readonly low: number;
  readonly high2: number;
  readonly low2: number;
}

/** What is known of a state when it is first reached. */
export interface NewState {
  readonly key: StateKey;
  /** The edge that led there; `NONE` for the start. */
  readonly parent: number;
  /** Steps taken on that path. */
  readonly step: number;
  readonly level: number;
  readonly faults: number;
  /** Digest of the numbers of all threads: on two paths with equal digests, threads have equal numbers for ever. */
  readonly ids: number;
  readonly kind: number;
  /** Rank of the thread that ran last; `NONE` for none. */
  readonly last: number;
  readonly edges: readonly EdgeLabel[];
}

/** The states and edges of an exploration. */
export class StateGraph {
  /** All of it: what a worker needs to attach itself. */
  readonly memory: ArrayBufferLike;
  readonly maxStates: number;
  readonly maxEdges: number;

  readonly #header: Int32Array;
  readonly #table: Int32Array;
  readonly #state: Readonly<Record<(typeof STATE_COLUMNS)[number], Int32Array>>;
  readonly #edge: Readonly<Record<(typeof EDGE_COLUMNS)[number], Int32Array>>;

  /**
   * A graph in the given memory, or an empty one of its own.
   *
   * @param memory of another graph with as many states, to attach to it
   */
  constructor(maxStates: number, memory?: ArrayBufferLike) {
    this.maxStates = maxStates;
    this.maxEdges = maxStates * EDGES_PER_STATE;
    const tableSize = 2 ** Math.ceil(Math.log2(maxStates * 2));
    const words = HEADER_WORDS + tableSize + maxStates * STATE_COLUMNS.length + this.maxEdges * EDGE_COLUMNS.length;
    this.memory = memory ?? newMemory(words * 4);
    let at = 0;
    const column = (length: number): Int32Array => {
      const view = new Int32Array(this.memory, at * 4, length);
      at += length;
      return view;
    };
    this.#header = column(HEADER_WORDS);
    this.#table = column(tableSize);
    this.#state = columns(STATE_COLUMNS, () => column(maxStates));
    this.#edge = columns(EDGE_COLUMNS, () => column(this.maxEdges));
  }

  /** Numbers that states have: all are smaller than this. */
  get stateCount(): number {
    return Math.min(Atomics.load(this.#header, HEADER.states), this.maxStates);
  }

  /** States seen. Of those that two workers reached at the same moment one number is out of use. */
  get distinctStates(): number {
    return this.stateCount - Atomics.load(this.#header, HEADER.spare);
  }

  /** States that stand for a failure: one for each. */
  get failureCount(): number {
    return Atomics.load(this.#header, HEADER.failures);
  }

  /** Edges known, taken or not. */
  get edgeCount(): number {
    return Math.min(Atomics.load(this.#header, HEADER.edges), this.maxEdges);
  }

  /** Whether there was no room for a state or an edge: then not everything was explored. */
  get full(): boolean {
    return Atomics.load(this.#header, HEADER.full) !== 0;
  }

  /** The state with that key, `NONE` when it has not been seen. */
  find(key: StateKey): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let slot = key.low & mask; ; slot = (slot + 1) & mask) {
      const entry = Atomics.load(table, slot);
      if (entry === 0) return NONE;
      if (this.#hasKey(entry - 1, key)) return entry - 1;
    }
  }

  /**
   * Adds a state with its edges.
   *
   * @returns its number, and whether it is new: another worker may have been quicker; `NONE` when there is no room
   */
  add(state: NewState): { readonly state: number; readonly isNew: boolean } {
    const index = Atomics.add(this.#header, HEADER.states, 1);
    if (index >= this.maxStates) return this.#noRoom();
    const { key } = state;
    const columns = this.#state;
    columns.high[index] = key.high;
    columns.low[index] = key.low;
    columns.high2[index] = key.high2;
    columns.low2[index] = key.low2;
    columns.parent[index] = state.parent;
    columns.step[index] = state.step;
    columns.level[index] = state.level;
    columns.faults[index] = state.faults;
    columns.ids[index] = state.ids;
    columns.kind[index] = state.kind;
    columns.last[index] = state.last;
    columns.firstEdge[index] = NONE;
    for (let i = state.edges.length - 1; i >= 0; i--) {
      const edge = this.#newEdge(index, state.edges[i] as EdgeLabel, columns.firstEdge[index] as number);
      if (edge === NONE || edge >= this.maxEdges - this.maxEdges / FAULT_EDGES_IN) return this.#noRoom(index);
      columns.firstEdge[index] = edge;
    }
    const known = this.#enter(index, key);
    if (known === index) {
      if (state.kind === StateKind.Failed) Atomics.add(this.#header, HEADER.failures, 1);
      return { state: index, isNew: true };
    }
    this.#outOfUse(index);
    return { state: known, isNew: false };
  }

  /** Adds an edge to a state that is there; `NONE` when there is no room. */
  addEdge(state: number, label: EdgeLabel): number {
    const { firstEdge } = this.#state;
    for (;;) {
      const first = Atomics.load(firstEdge, state);
      const edge = this.#newEdge(state, label, first);
      if (edge === NONE) return NONE;
      if (Atomics.compareExchange(firstEdge, state, first, edge) === first) return edge;
    }
  }

  /** Takes an edge for oneself; false when somebody has it. */
  claim(edge: number): boolean {
    return Atomics.compareExchange(this.#edge.claimed, edge, 0, 1) === 0;
  }

  /** Gives an edge back that was not taken to its end. */
  release(edge: number): void {
    Atomics.store(this.#edge.claimed, edge, 0);
  }

  isClaimed(edge: number): boolean {
    return Atomics.load(this.#edge.claimed, edge) !== 0;
  }

  /** An edge was taken, and led to a state, which ranks the thread that took it so; `NONE` for a thread that is no more. */
  arrive(edge: number, state: number, rank: number): void {
    this.#edge.rank[edge] = rank;
    Atomics.store(this.#edge.to, edge, state);
  }

  /** The rank of the thread that took an edge, in the state to which it led. */
  rankAfter(edge: number): number {
    return this.#edge.rank[edge] as number;
  }

  /** Lowers what an edge costs; answers whether it was more. */
  lowerCost(edge: number, cost: number): boolean {
    for (;;) {
      const known = Atomics.load(this.#edge.cost, edge);
      if (known <= cost) return false;
      if (Atomics.compareExchange(this.#edge.cost, edge, known, cost) === known) return true;
    }
  }

  /** The state's edges. */
  *edgesOf(state: number): IterableIterator<number> {
    for (let edge = Atomics.load(this.#state.firstEdge, state); edge !== NONE; edge = this.#edge.next[edge] as number) yield edge;
  }

  /** The state's edges in an order that does not depend on who found them. */
  orderedEdgesOf(state: number): number[] {
    const { labelKind, slot, detail } = this.#edge;
    const by = (column: Int32Array, a: number, b: number): number => (column[a] as number) - (column[b] as number);
    return [...this.edgesOf(state)].sort((a, b) => by(labelKind, a, b) || by(slot, a, b) || by(detail, a, b));
  }

  /** Whether a state has an edge of that name. */
  hasEdge(state: number, label: EdgeLabel): boolean {
    for (const edge of this.edgesOf(state)) {
      const { kind, slot, detail, after } = this.label(edge);
      if (slot === label.slot && detail === label.detail && kind === label.kind && after === label.after) return true;
    }
    return false;
  }

  /** The edge on which a thread goes on from a state in the ordinary way; `NONE` when it cannot. */
  runEdge(state: number, slot: number): number {
    for (let edge = Atomics.load(this.#state.firstEdge, state); edge !== NONE; edge = this.#edge.next[edge] as number) {
      if (this.#edge.slot[edge] === slot && this.#edge.labelKind[edge] === 0) return edge;
    }
    return NONE;
  }

  /** Which way out of its state an edge is. */
  label(edge: number): EdgeLabel {
    return {
      lwp: this.#edge.lwp[edge] as number,
      slot: this.#edge.slot[edge] as number,
      kind: KINDS[this.#edge.labelKind[edge] as number] ?? 'run',
      detail: this.#edge.detail[edge] as number,
      after: this.#edge.after[edge] as number,
    };
  }

  /** What the environment does otherwise within a step, in order. */
  faultsOf(edge: number): Fault[] {
    const faults: Fault[] = [];
    for (let each = edge; each !== NONE && this.label(each).kind === 'fault'; each = this.label(each).after) {
      faults.push(unpackFault(this.label(each).detail));
    }
    return faults.reverse();
  }

  lwpOf(edge: number): number {
    return this.#edge.lwp[edge] as number;
  }

  slotOf(edge: number): number {
    return this.#edge.slot[edge] as number;
  }

  from(edge: number): number {
    return this.#edge.from[edge] as number;
  }

  /** Where an edge leads; `NONE` while it was not taken to its end. */
  to(edge: number): number {
    return Atomics.load(this.#edge.to, edge);
  }

  cost(edge: number): number {
    return this.#edge.cost[edge] as number;
  }

  parent(state: number): number {
    return this.#state.parent[state] as number;
  }

  step(state: number): number {
    return this.#state.step[state] as number;
  }

  level(state: number): number {
    return this.#state.level[state] as number;
  }

  faults(state: number): number {
    return this.#state.faults[state] as number;
  }

  ids(state: number): number {
    return this.#state.ids[state] as number;
  }

  kind(state: number): number {
    return this.#state.kind[state] as number;
  }

  /** Says what is known of a state by now. Only while nobody works. */
  setKind(state: number, kind: number): void {
    this.#state.kind[state] = kind;
  }

  /** Rank of the thread that ran last when the state was first reached. */
  last(state: number): number {
    return this.#state.last[state] as number;
  }

  key(state: number): StateKey {
    const { high, low, high2, low2 } = this.#state;
    return { high: high[state] ?? 0, low: low[state] ?? 0, high2: high2[state] ?? 0, low2: low2[state] ?? 0 };
  }

  /** The edges from the start to a state, on the path on which it was first reached. */
  pathTo(state: number): number[] {
    const path: number[] = [];
    for (let edge = this.parent(state); edge !== NONE; edge = this.parent(this.from(edge))) path.push(edge);
    return path.reverse();
  }

  /** All that is there. Only while nobody works. */
  get state(): GraphState {
    const { stateCount: states, edgeCount: edges } = this;
    return {
      states,
      edges,
      stateColumns: packed(STATE_COLUMNS, this.#state, states),
      edgeColumns: packed(EDGE_COLUMNS, this.#edge, edges),
    };
  }

  /** Takes over what another graph had. Only for an empty one with room for it. */
  restore({ states, edges, stateColumns, edgeColumns }: GraphState): void {
    if (states > this.maxStates || edges > this.maxEdges) {
      throw new RangeError(`${states} states with ${edges} edges are too many for a graph of ${this.maxStates} states`);
    }
    unpack(STATE_COLUMNS, this.#state, states, stateColumns);
    unpack(EDGE_COLUMNS, this.#edge, edges, edgeColumns);
    Atomics.store(this.#header, HEADER.states, states);
    Atomics.store(this.#header, HEADER.edges, edges);
    for (let state = 0; state < states; state++) {
      const kind = this.kind(state);
      if (kind >= StateKind.Failed) Atomics.add(this.#header, HEADER.failures, 1);
      if (kind === OUT_OF_USE) Atomics.add(this.#header, HEADER.spare, 1);
      else this.#enter(state, this.key(state));
    }
  }

  /** Makes a state known by its key; answers the state that is known by it, which may be another. */
  #enter(state: number, key: StateKey): number {
    const table = this.#table;
    const mask = table.length - 1;
    for (let slot = key.low & mask; ; slot = (slot + 1) & mask) {
      const entry = Atomics.compareExchange(table, slot, 0, state + 1);
      if (entry === 0) return state;
      if (this.#hasKey(entry - 1, key)) return entry - 1;
    }
  }

  #newEdge(state: number, label: EdgeLabel, next: number): number {
    const edge = Atomics.add(this.#header, HEADER.edges, 1);
    if (edge >= this.maxEdges) return this.#noRoom().state;
    const columns = this.#edge;
    columns.from[edge] = state;
    columns.to[edge] = NONE;
    columns.lwp[edge] = label.lwp;
    columns.slot[edge] = label.slot;
    columns.labelKind[edge] = KINDS.indexOf(label.kind);
    columns.detail[edge] = label.detail;
    columns.after[edge] = label.after;
    columns.cost[edge] = 0x7fffffff;
    columns.next[edge] = next;
    columns.claimed[edge] = 0;
    return edge;
  }

  #hasKey(state: number, key: StateKey): boolean {
    const { high, low, high2, low2 } = this.#state;
    return low[state] === key.low && high[state] === key.high && high2[state] === key.high2 && low2[state] === key.low2;
  }

  #outOfUse(state: number): void {
    this.#state.kind[state] = OUT_OF_USE;
    Atomics.add(this.#header, HEADER.spare, 1);
  }

  /** @param state the one for whose edges there is no room */
  #noRoom(state = NONE): { readonly state: number; readonly isNew: boolean } {
    Atomics.store(this.#header, HEADER.full, 1);
    if (state !== NONE) this.#outOfUse(state);
    return { state: NONE, isNew: false };
  }
}

/** Memory that worker threads can share, where there is such a thing. */
export function newMemory(bytes: number): ArrayBufferLike {
  return typeof SharedArrayBuffer === 'undefined' ? new ArrayBuffer(bytes) : new SharedArrayBuffer(bytes);
}

function columns<Name extends string>(names: readonly Name[], make: () => Int32Array): Record<Name, Int32Array> {
  return Object.fromEntries(names.map((name) => [name, make()])) as Record<Name, Int32Array>;
}

function packed<Name extends string>(
  names: readonly Name[],
  all: Readonly<Record<Name, Int32Array>>,
  length: number,
): Int32Array {
  const words = new Int32Array(names.length * length);
  for (const [index, name] of names.entries()) words.set(all[name].subarray(0, length), index * length);
  return words;
}

function unpack<Name extends string>(
  names: readonly Name[],
  all: Readonly<Record<Name, Int32Array>>,
  length: number,
  words: Int32Array,
): void {
  for (const [index, name] of names.entries()) all[name].set(words.subarray(index * length, (index + 1) * length));
}
