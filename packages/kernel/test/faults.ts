/** What tests of faults and pages start with: what a job counts and logs, who is mapped where, and threads that meet where told. */
import { expect } from 'vitest';
import type { Errno } from '../src/kern/errno.js';
import type { KernelEvent } from '../src/kern/event-log.js';
import type { Kern } from '../src/kern/kern.js';
import { RunToBlock, type SchedulingPoint } from '../src/kern/strategy.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, asPa, type Pfn, paToPfn, type Va } from '../src/machine/address.js';
import { type FileStore, RamFile } from '../src/machine/file-store.js';
import type { Protection } from '../src/machine/protection.js';
import { PTE_PROT } from '../src/machine/pte.js';
import type { Anon } from '../src/uvm/anon/anon.js';
import type { UvmEvent } from '../src/uvm/events.js';
import type { VmMap } from '../src/uvm/map/vm-map.js';
import type { Uvm } from '../src/uvm/uvm.js';
import { UVMEXP_STATE, type Uvmexp, type UvmexpField } from '../src/uvm/uvmexp.js';
import type { UvmVnode } from '../src/uvm/vnode/vnode.js';
import type { Bench } from './maps.js';

/** Counters that faults change in any case, or that are no concern of theirs. */
const NOISE: ReadonlySet<UvmexpField> = new Set(['mlk_call', 'mlk_hint', 'mlk_tree', 'map_call', 'nomerge', ...UVMEXP_STATE]);

/** The events that a job counts, by the name of the counter. */
export function counted(uvm: Uvm, job: () => void): Partial<Record<UvmexpField, number>> {
  const before: Uvmexp = { ...uvm.uvmexp };
  job();
  const changed: Partial<Record<UvmexpField, number>> = {};
  for (const field of Object.keys(before) as UvmexpField[]) {
    const difference = uvm.uvmexp[field] - before[field];
    if (difference !== 0 && !NOISE.has(field)) changed[field] = difference;
  }
  return changed;
}

/** The events that a job logs. */
export function logged<Kind extends UvmEvent['kind']>(
  kern: Kern,
  kind: Kind,
  job: () => void,
): Extract<UvmEvent, { kind: Kind }>[] {
  const { log } = kern;
  const since = log.emitted;
  log.on = true;
  job();
  log.on = false;
  const events: KernelEvent[] = log.events(since).map(({ event }) => event);
  return events.filter((event): event is Extract<UvmEvent, { kind: Kind }> => event.kind === kind);
}

/** Faults on a page of the bench's map; answers the errno. */
export function faultAt(bench: Bench, page: number, access: Protection, map: VmMap = bench.map): Errno {
  return bench.run(() => bench.uvm.uvmFault(map, bench.at(page), access));
}

/** The frame that is mapped at an address, -1 for none. */
export function mappedAt(bench: Bench, va: Va, map: VmMap = bench.map): Pfn | -1 {
  const pa = bench.machine.pmapExtract(map.pmap, va);
  return pa < 0 ? -1 : paToPfn(asPa(pa));
}

/** What the mapping of a page allows; null when there is none. */
export function rightsAt(bench: Bench, page: number, map: VmMap = bench.map): Protection | null {
  const pte = map.pmap.table.get(bench.at(page) / 4096);
  return pte === 0 ? null : pte & PTE_PROT;
}

/** Which of the pages [from, to) are mapped. */
export function mappedPages(bench: Bench, from: number, to: number, map: VmMap = bench.map): number[] {
  const pages = Array.from({ length: to - from }, (_, i) => from + i);
  return pages.filter((page) => mappedAt(bench, bench.at(page), map) >= 0);
}

/** Removes the mappings of pages, as happens to pages that were paged out or protected; they stay in memory. */
export function unmapPages(bench: Bench, from: number, to: number, map: VmMap = bench.map): void {
  bench.machine.pmapRemove(map.pmap, bench.at(from), bench.at(to));
  bench.machine.pmapUpdate(map.pmap);
}

/** The anon that an entry has at a page; fails the test when there is none. */
export function anonAt(bench: Bench, page: number, map: VmMap = bench.map): Anon {
  const entry = bench.entryAt(page, map);
  const anon = entry.amap?.at(entry.amapOffset + (bench.at(page) - entry.start) / 4096) ?? null;
  expect(anon, `there is no anon at page ${page}`).not.toBeNull();
  return anon as Anon;
}

/** Brings all pages of a file in. */
export function* readIn(bench: Bench, vnode: UvmVnode): Step<void> {
  expect(yield* bench.uvm.uvmVnodeRead(vnode, 0, new Uint8Array(vnode.size))).toBe(vnode.size);
}

/** Runs each thread until it blocks, except that at the step where `when` first says so, all others go first. */
export class SwitchOnce extends RunToBlock {
  override readonly name = 'switch once';
  override readonly preemptive = true;
  /** Looks at the kernel at each step; null for never. */
  when: ((point: SchedulingPoint) => boolean) | null = null;
  #aside = -1;

  override preempts(point: SchedulingPoint): boolean {
    if (this.when === null) return false;
    if (!this.when(point)) return false;
    this.when = null;
    this.#aside = point.current.id;
    return true;
  }

  override pick(
    candidates: readonly SchedulingPoint['current'][],
    usual: SchedulingPoint['current'],
  ): SchedulingPoint['current'] {
    return candidates.find((lwp) => lwp.id !== this.#aside) ?? usual;
  }
}

/** Has the environment go wrong at some sites, so often each; all else is as run-to-block. */
export class FailAt extends RunToBlock {
  override readonly name = 'fail at';
  /** Site, and how often it is still to fail. */
  readonly left = new Map<string, number>();

  override choose(site: string): number {
    const left = this.left.get(site) ?? 0;
    if (left === 0) return 0;
    this.left.set(site, left - 1);
    return 1;
  }
}

/** A file whose next operations answer what they are told to, before they do what they should. */
export class UnreliableFile extends RamFile {
  readonly reads: Errno[] = [];
  readonly writes: Errno[] = [];
  readonly truncations: Errno[] = [];
  readonly syncs: Errno[] = [];
  /** How often `sync` has been called. */
  synced = 0;

  override read(offset: number, into: Uint8Array): Errno {
    return this.reads.shift() ?? super.read(offset, into);
  }

  override write(offset: number, from: Uint8Array): Errno {
    // The constructor of a file in memory writes before there is a list.
    return this.writes?.shift() ?? super.write(offset, from);
  }

  override truncate(size: number): Errno {
    return this.truncations?.shift() ?? super.truncate(size);
  }

  override sync(): Errno {
    this.synced++;
    return this.syncs.shift() ?? super.sync();
  }
}

/** A vnode over a file of any kind; the test holds its first reference. */
export function vnodeOver(bench: Bench, store: FileStore): UvmVnode {
  const vnode = bench.uvm.uvmVnodeCreate(store);
  bench.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === vnode ? 1 : 0) });
  return vnode;
}

/** Leaves so many pages of RAM for users, by taking the others for nobody. Answers what gives them back. */
export function leaveFree(bench: Bench, pages: number): Pfn[] {
  const { uvm } = bench;
  return bench.run(function* () {
    const taken: Pfn[] = [];
    while (uvm.uvmexp.free > uvm.uvmexp.reserve_kernel + pages) {
      taken.push(yield* uvm.uvmPagealloc(null, asOffset(0), null, 0));
    }
    return taken;
  });
}

/** Frees pages that `leaveFree` took. */
export function* freePages(uvm: Uvm, pages: readonly Pfn[]): Step<void> {
  for (const page of pages) {
    yield* uvm.pageqLock.enter();
    yield* uvm.uvmPagefree(page);
    yield* uvm.pageqLock.exit();
  }
}
