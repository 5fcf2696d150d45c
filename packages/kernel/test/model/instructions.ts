/** Loads, stores and fetches: done to the kernel and to the model, and what must come of them. */
import type { Step, User } from '../../src/index.js';
import { EXEC, PAGE, type PlainProcess, READ, WRITE } from './plain-memory.js';
import type { ExpectedFault, Pair, World } from './world.js';

/** The largest thing that one instruction loads or stores; what is longer is a range, page by page. */
const LARGEST = 8;

/** The part of a page that an access covers. */
interface Part {
  readonly bytes: Uint8Array;
  /** Where in the access it begins. */
  readonly from: number;
}

/** An access: of which kind, to what. */
interface Access {
  readonly at: number;
  readonly size: number;
  readonly right: number;
}

/**
 * Does an access to the model: gives `use` the bytes that it covers, part by part. An instruction has all of its parts or none; a
 * range goes page by page up to the first that it must not use, and what is done to one page can be seen in the next.
 *
 * @param lost where the kernel could not read a page, null for nowhere
 * @returns the fault that ends it, null for none
 */
function access(
  model: PlainProcess,
  { at, size, right }: Access,
  lost: ExpectedFault | null,
  use: (part: Part) => void,
): ExpectedFault | null {
  const parts: Part[] = [];
  for (let from = 0; from < size; ) {
    const address = at + from;
    const within = ((address % PAGE) + PAGE) % PAGE;
    const length = Math.min(PAGE - within, size - from);
    if (lost?.address === address) return lost;
    const found = model.access(address, right);
    if (typeof found === 'string') return { fault: found, address };
    const part = { bytes: found.subarray(within, within + length), from };
    if (size > LARGEST) use(part);
    else parts.push(part);
    from += length;
  }
  for (const part of parts) use(part);
  return null;
}

/** Loads: what is expected are the bytes, or a signal; then an instruction gives zero, and a range what lies before the fault. */
export function load(world: World, pair: Pair, at: number, size: number): void {
  const found = new Uint8Array(size);
  if (world.try(pair, `load ${size} at 0x${at.toString(16)}`, (user) => loadInto(user, at, found)) === 'killed') return;
  const wanted = new Uint8Array(size);
  const fault = access(pair.model, { at, size, right: READ }, world.unreadable(), ({ bytes, from }) => wanted.set(bytes, from));
  world.expectSignals(fault);
  if (Buffer.compare(found, wanted) === 0) return;
  const differs = wanted.findIndex((byte, i) => byte !== found[i]);
  world.fail(`byte ${differs} is ${found[differs]} in the kernel, ${wanted[differs]} in the model`);
}

function* loadInto(user: User, at: number, into: Uint8Array): Step<void> {
  const view = new DataView(into.buffer);
  if (into.length === 1) view.setUint8(0, yield* user.load8(at));
  else if (into.length === 2) view.setUint16(0, yield* user.load16(at), true);
  else if (into.length === 4) view.setInt32(0, yield* user.load32(at), true);
  else if (into.length === 8) view.setBigUint64(0, yield* user.load64(at), true);
  else yield* user.loadBytes(at, into);
}

/** Stores bytes that tell which operation this is: an instruction all or nothing, a range what lies before the fault. */
export function store(world: World, pair: Pair, at: number, size: number): void {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = world.stamp * 29 + i * 3 + (i >> 8) + 1;
  if (world.try(pair, `store ${size} at 0x${at.toString(16)}`, (user) => storeFrom(user, at, bytes)) === 'killed') return;
  const fault = access(pair.model, { at, size, right: WRITE }, world.unreadable(), (part) => {
    part.bytes.set(bytes.subarray(part.from, part.from + part.bytes.length));
  });
  world.expectSignals(fault);
}

function* storeFrom(user: User, at: number, bytes: Uint8Array): Step<void> {
  const view = new DataView(bytes.buffer);
  if (bytes.length === 1) yield* user.store8(at, view.getUint8(0));
  else if (bytes.length === 2) yield* user.store16(at, view.getUint16(0, true));
  else if (bytes.length === 4) yield* user.store32(at, view.getInt32(0, true));
  else if (bytes.length === 8) yield* user.store64(at, view.getBigUint64(0, true));
  else yield* user.storeBytes(at, bytes);
}

/** Fetches an instruction. */
export function execute(world: World, pair: Pair, at: number): void {
  if (world.try(pair, `execute at 0x${at.toString(16)}`, (user) => user.execute(at)) === 'killed') return;
  world.expectSignals(access(pair.model, { at, size: 1, right: EXEC }, world.unreadable(), () => {}));
}
