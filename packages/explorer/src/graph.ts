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
}

/** What an edge stands for: a thread goes on; it goes on, and the environment goes another way; a timeout fires. */
export type EdgeKind = 'run' | 'fault' | 'expire';

const KINDS: readonly EdgeKind[] = ['run', 'fault', 'expire'];

/** The `detail` of a fault: the choice of that number within the step, from 1, goes this way. */
export function fault(choice: number, way: number): number {
  return choice * 256 + way;
}

/** What `fault()` packed. */
export function unpackFault(detail: number): { readonly choice: number; readonly way: number } {
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
const EDGE_COLUMNS = ['from', 'to', 'lwp', 'slot', 'labelKind', 'detail', 'cost', 'next', 'claimed', 'rank'] as const;

/** How far a state is known; of a state where something went wrong, the number of the failure is added to `Failed`. */
export const StateKind = {
  /** Somewhere on the way. */
  Inner: 0,
  /** Every thread has come to its end, and all is well. */
  Ended: 1,
  /** Something went wrong. */
  Failed: 2,
} as const;

const HEADER = { states: 0, edges: 1, full: 2 } as const;
const HEADER_WORDS = 16;
/** Edges that a state has on average, at most. */
const EDGES_PER_STATE = 4;

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

  /** States seen, including those that two workers reached at the same moment, of which one is out of use. */
  get stateCount(): number {
    return Math.min(Atomics.load(this.#header, HEADER.states), this.maxStates);
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
      if (edge === NONE) return this.#noRoom();
      columns.firstEdge[index] = edge;
    }
    const table = this.#table;
    const mask = table.length - 1;
    for (let slot = key.low & mask; ; slot = (slot + 1) & mask) {
      const entry = Atomics.compareExchange(table, slot, 0, index + 1);
      if (entry === 0) return { state: index, isNew: true };
      if (this.#hasKey(entry - 1, key)) return { state: entry - 1, isNew: false };
    }
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

  isClaimed(edge: number): boolean {
    return Atomics.load(this.#edge.claimed, edge) !== 0;
  }

  /** An edge was taken, and led to a state, which ranks the thread that took it so; `NONE` for a thread that is no more. */
  arrive(edge: number, state: number, rank: number): void {
    this.#edge.rank[edge] = rank;
    this.#edge.to[edge] = state;
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
    for (let edge = this.#state.firstEdge[state] as number; edge !== NONE; edge = this.#edge.next[edge] as number) yield edge;
  }

  /** The edge on which a thread goes on from a state in the ordinary way; `NONE` when it cannot. */
  runEdge(state: number, slot: number): number {
    for (let edge = this.#state.firstEdge[state] as number; edge !== NONE; edge = this.#edge.next[edge] as number) {
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
    };
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
    return this.#edge.to[edge] as number;
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
    columns.cost[edge] = 0x7fffffff;
    columns.next[edge] = next;
    columns.claimed[edge] = 0;
    return edge;
  }

  #hasKey(state: number, key: StateKey): boolean {
    const { high, low, high2, low2 } = this.#state;
    return low[state] === key.low && high[state] === key.high && high2[state] === key.high2 && low2[state] === key.low2;
  }

  #noRoom(): { readonly state: number; readonly isNew: boolean } {
    Atomics.store(this.#header, HEADER.full, 1);
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
