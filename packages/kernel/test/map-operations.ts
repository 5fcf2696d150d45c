/** Random operations on UVM's maps, each done on the kernel and on the plain model of `map-model.ts`, with the same outcome. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { EACCES, ENOMEM } from '../src/kern/errno.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, asVa, PAGE_SIZE } from '../src/machine/address.js';
import { PROT_NONE, PROT_READ, PROT_WRITE, type Protection } from '../src/machine/protection.js';
import {
  DEFAULT_ARGUMENTS,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_NOMERGE,
  UVM_FLAG_OVERLAY,
  UVM_FLAG_UNMAP,
} from '../src/uvm/map/map-arguments.js';
import type { Advice, Inheritance } from '../src/uvm/map/map-entry.js';
import type { Vmspace } from '../src/uvm/map/vm-map.js';
import type { UvmVnode } from '../src/uvm/vnode/vnode.js';
import { byteIn, type Cell, freshCell, ModelMap, type ModelPage } from './map-model.js';
import { Bench } from './maps.js';

/** How large maps are, and what is asked of them. */
export interface Scale {
  /** Pages of a map. */
  readonly pages: number;
  /** Pages of a range. */
  readonly sizes: fc.Arbitrary<number>;
  /** Pages of the file that is mapped, enough for the largest range. */
  readonly filePages: number;
}

/** So few pages that mappings meet. */
export const SMALL: Scale = { pages: 24, sizes: fc.integer({ min: 1, max: 6 }), filePages: 16 };
/** So many that amaps are made in chunks, and too large to be extended. */
export const LARGE: Scale = {
  pages: 700,
  sizes: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 200, max: 330 })),
  filePages: 340,
};
/** Maps that there may be at once. */
const MOST_MAPS = 4;

/** What is asked to be mapped. */
interface Wish {
  readonly pages: number;
  readonly what: 'private' | 'shared' | 'file' | 'private file';
  readonly filePage: number;
  readonly protection: Protection;
  readonly maxProtection: Protection;
  readonly inheritance: Inheritance;
  readonly advice: Advice;
  readonly noMerge: boolean;
}

/** Mapping at an address, or near one. */
type Mapping = Wish & { readonly at: number } & (
    | { readonly do: 'map at'; readonly replace: boolean }
    | { readonly do: 'map near'; readonly align: number }
  );

/** A change to a range. */
type Change = { readonly at: number; readonly pages: number } & (
  | { readonly do: 'unmap' }
  | { readonly do: 'wire' }
  | { readonly do: 'unwire' }
  | { readonly do: 'protect'; readonly protection: Protection; readonly setMax: boolean }
  | { readonly do: 'inherit'; readonly inheritance: Inheritance }
  | { readonly do: 'advise'; readonly advice: Advice }
);

/** Having another map share a range. */
interface Extraction {
  readonly do: 'extract';
  readonly at: number;
  readonly pages: number;
  /** The other map. */
  readonly to: number;
  /** Near which of its pages. */
  readonly hint: number;
  readonly remove: boolean;
}

/** An operation; which map and which pages it means is reduced to what there is. */
export type Operation =
  | Mapping
  | Change
  | Extraction
  | { readonly do: 'store'; readonly at: number; readonly byte: number }
  | { readonly do: 'fork' }
  | { readonly do: 'exit' };

const rights = fc.constantFrom(PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE);
const inheritance = fc.constantFrom<Inheritance>(0, 1, 1, 1, 2, 4);
const advice = fc.constantFrom<Advice>(0, 0, 0, 1, 2);

/** Operations on a map of that size. */
function operations(scale: Scale): fc.Arbitrary<Operation> {
  const at = fc.nat(scale.pages - 1);
  const pages = scale.sizes;
  const range = { at, pages };
  // Most wishes are alike, so that neighbours can be merged.
  const wish = {
    pages,
    what: fc.constantFrom('private' as const, 'private' as const, 'shared' as const, 'file' as const, 'private file' as const),
    filePage: fc.nat(8),
    protection: rights,
    maxProtection: fc.constantFrom(7, 7, 7, PROT_READ),
    inheritance,
    advice,
    noMerge: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  };
  // Often near an end of the map, so that it fills up from there.
  const near = { at: fc.oneof(fc.constantFrom(0, scale.pages), fc.nat(scale.pages)), align: fc.constantFrom(0, 1, 2, 4, 8) };
  const right = { protection: rights, setMax: fc.constantFrom(false, false, true) };
  const place = { to: fc.nat(MOST_MAPS - 1), hint: fc.nat(scale.pages), remove: fc.boolean() };
  const wiring = fc.constantFrom('wire' as const, 'wire' as const, 'unwire' as const);
  return fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('map at' as const), at, replace: fc.boolean(), ...wish }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('map near' as const), ...near, ...wish }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('unmap' as const), ...range }) },
    { weight: 3, arbitrary: fc.record({ do: wiring, at, pages: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('protect' as const), ...range, ...right }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('inherit' as const), ...range, inheritance }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('advise' as const), ...range, advice }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('store' as const), at, byte: fc.integer({ min: 100, max: 255 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('extract' as const), ...range, ...place }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fork' as const, 'exit' as const) }) },
  );
}

/** A sequence of operations, each on one of the maps. */
export function sequences(scale: Scale): fc.Arbitrary<{ on: number; what: Operation }[]> {
  const step = fc.record({ on: fc.nat(MOST_MAPS - 1), what: operations(scale) });
  return fc.array(step, { minLength: 1, maxLength: 30 });
}

/** An address space, and what its map should be. */
interface Twin {
  readonly space: Vmspace;
  readonly model: ModelMap;
}

/** A kernel with two maps, one filled from below and one from the top, and what they should be. */
export class Twins {
  readonly bench: Bench;
  readonly #pages: number;
  readonly #file: UvmVnode;
  readonly #filePages: readonly Cell[];
  readonly #maps: Twin[] = [];

  constructor({ pages, filePages }: Scale) {
    // No page can be in use more often than once a map; there is always enough.
    const bench = new Bench({ pages, ramPages: (MOST_MAPS + 1) * pages + filePages + 64 });
    this.bench = bench;
    this.#pages = pages;
    this.#file = bench.newFile(filePages);
    this.#filePages = Array.from({ length: filePages }, (_, page) => ({ byte: (page + 1) % 256, under: null, file: true }));
    this.#maps.push({ space: bench.space, model: new ModelMap(pages, false) });
    this.#maps.push({ space: bench.newSpace({ pages, topdown: true }), model: new ModelMap(pages, true) });
  }

  /** Does an operation on both, and compares what comes back and what is there then. */
  *perform(on: number, todo: Operation): Step<void> {
    const twin = this.#twin(on);
    if (todo.do === 'map at' || todo.do === 'map near') yield* this.#map(twin, todo);
    else if (todo.do === 'extract') yield* this.#extract(twin, todo);
    else if (todo.do === 'store') yield* this.#store(twin, todo);
    else if (todo.do === 'fork' || todo.do === 'exit') yield* this.#forkOrExit(twin, todo.do);
    else yield* this.#change(twin, todo);
    for (const { space, model } of this.#maps) this.#compare(space, model);
  }

  /** Loads from every page that allows it, and compares. */
  *compareBytes(): Step<void> {
    for (const { space, model } of this.#maps) {
      for (const [page, expected] of model.pages.entries()) {
        if (expected === null || (expected.protection & PROT_READ) === 0) continue;
        expect(yield* this.bench.read(page, space.map), `page ${page} of map ${space.map.id}`).toBe(byteIn(expected.cell));
      }
    }
  }

  /** Gives all maps up. */
  *exit(): Step<void> {
    for (const { space } of this.#maps) yield* this.bench.uvm.uvmspaceFree(space);
  }

  #twin(on: number): Twin {
    return this.#maps[on % this.#maps.length] as Twin;
  }

  *#map({ space, model }: Twin, todo: Mapping): Step<void> {
    const { bench } = this;
    const fixed = todo.do === 'map at';
    const size = fixed ? Math.min(todo.pages, this.#pages - todo.at) : todo.pages;
    const ofFile = todo.what === 'file' || todo.what === 'private file';
    if (ofFile) yield* this.#file.reference(bench.uvm);
    let flags = todo.what === 'shared' ? UVM_FLAG_OVERLAY : todo.what === 'file' ? 0 : UVM_FLAG_COPYONW;
    if (fixed) flags |= UVM_FLAG_FIXED | (todo.do === 'map at' && todo.replace ? UVM_FLAG_UNMAP : 0);
    if (todo.noMerge) flags |= UVM_FLAG_NOMERGE;
    const start = yield* bench.uvm.uvmMap(space.map, {
      ...DEFAULT_ARGUMENTS,
      ...todo,
      hint: bench.at(todo.at),
      size: size * PAGE_SIZE,
      object: ofFile ? this.#file : null,
      offset: ofFile ? asOffset(todo.filePage * PAGE_SIZE) : 0,
      // Map addresses begin at 0x10000, which is a multiple of every alignment here.
      align: todo.do === 'map near' ? todo.align * PAGE_SIZE : 0,
      flags,
    });
    if (start < 0 && ofFile) yield* this.#file.detach(bench.uvm);
    if ((todo.protection & ~todo.maxProtection) !== 0) {
      expect(start).toBe(-EACCES);
      return;
    }
    const place = placeOf(model, todo, size);
    expect(start, 'where it was mapped').toBe(place < 0 ? -ENOMEM : bench.at(place));
    for (let i = 0; place >= 0 && i < size; i++) {
      const filePage = ofFile ? (this.#filePages[todo.filePage + i] as Cell) : null;
      const cell = todo.what === 'file' && filePage !== null ? filePage : freshCell(filePage);
      const { protection, maxProtection, inheritance, advice } = todo;
      model.pages[place + i] = { protection, maxProtection, inheritance, advice, wired: false, cell };
    }
  }

  *#change({ space, model }: Twin, todo: Change): Step<void> {
    const { bench } = this;
    const { map } = space;
    const { uvm } = bench;
    const from = todo.at;
    const to = Math.min(this.#pages, from + todo.pages);
    const [start, end] = [bench.at(from), bench.at(to)];
    if (todo.do === 'unmap') {
      yield* uvm.uvmUnmap(map, start, end);
      model.change(from, to, () => null);
    } else if (todo.do === 'wire') {
      expect(yield* bench.wire(from, to, map), 'wire').toBe(model.wire(from, to));
    } else if (todo.do === 'unwire') {
      expect(yield* bench.unwire(from, to, map), 'unwire').toBe(model.unwire(from, to));
    } else if (todo.do === 'protect') {
      const expected = model.protect(from, to, todo.protection, todo);
      expect(yield* uvm.uvmMapProtect(map, start, end, todo.protection, todo), 'protect').toBe(expected);
    } else if (todo.do === 'inherit') {
      expect(yield* uvm.uvmMapInherit(map, start, end, todo.inheritance)).toBe(0);
      model.change(from, to, (page) => ({ ...page, inheritance: todo.inheritance }));
    } else {
      expect(yield* uvm.uvmMapAdvice(map, start, end, todo.advice)).toBe(0);
      model.change(from, to, (page) => ({ ...page, advice: todo.advice }));
    }
  }

  *#store({ space, model }: Twin, todo: { at: number; byte: number }): Step<void> {
    const { bench } = this;
    const errno = yield* bench.uvm.uvmFault(space.map, bench.at(todo.at), PROT_WRITE);
    expect(errno, 'store').toBe(model.store(todo.at, todo.byte));
    if (errno === 0) bench.machine.ram.page(bench.pageOf(todo.at, space.map))[0] = todo.byte;
  }

  *#extract(source: Twin, todo: Extraction): Step<void> {
    const { bench } = this;
    const { uvm } = bench;
    const destination = this.#twin(todo.to);
    const { map } = destination.space;
    const pages = Math.min(todo.pages, this.#pages - todo.at);
    const length = pages * PAGE_SIZE;
    // In a map that is its own source, a hole of the range must not become the place that the range goes to.
    const meets = Math.abs(destination.model.place(todo.hint, pages, 1) - todo.at) < pages;
    if (source === destination && meets) return;
    const to = yield* uvm.uvmMapReserve(map, { hint: bench.at(todo.hint), size: length, align: 0, flags: 0 });
    const place = source.model.extract(todo.at, pages, destination.model, todo);
    expect(to, 'where it was reserved').toBe(place < 0 ? place : bench.at(place));
    if (to < 0) return;
    const options = { reserved: asVa(to), remove: todo.remove };
    expect(yield* uvm.uvmMapExtract(source.space.map, bench.at(todo.at), length, map, options), 'extract').toBe(to);
  }

  *#forkOrExit(twin: Twin, todo: 'fork' | 'exit'): Step<void> {
    const { uvm } = this.bench;
    if (todo === 'fork' && this.#maps.length < MOST_MAPS) {
      this.#maps.push({ space: yield* uvm.uvmspaceFork(twin.space), model: twin.model.fork() });
    } else if (todo === 'exit' && this.#maps.length > 2) {
      yield* uvm.uvmspaceFree(twin.space);
      this.#maps.splice(this.#maps.indexOf(twin), 1);
    }
  }

  #compare(space: Vmspace, model: ModelMap): void {
    const { map } = space;
    const found: (Omit<ModelPage, 'cell'> | null)[] = Array.from({ length: this.#pages }, () => null);
    let end: number = map.min;
    for (const entry of map.entries()) {
      expect(entry.start, 'entries are in order and do not overlap').toBeGreaterThanOrEqual(end);
      end = entry.end;
      const { protection, maxProtection, inheritance, advice, wiredCount } = entry;
      for (let va = entry.start; va < entry.end; va = asVa(va + PAGE_SIZE)) {
        found[(va - map.min) / PAGE_SIZE] = { protection, maxProtection, inheritance, advice, wired: wiredCount > 0 };
      }
    }
    const expected = model.pages.map((page) => {
      if (page === null) return null;
      const { cell: _, ...rest } = page;
      return rest;
    });
    expect(found, `map ${map.id}`).toEqual(expected);
    expect([...map.tree], 'the tree has the entries of the list').toEqual(map.entries());
    expect(map.size).toBe(model.pages.filter((page) => page !== null).length * PAGE_SIZE);
  }
}

/** The page at which a mapping should go, -1 for nowhere. */
function placeOf(model: ModelMap, todo: Mapping, size: number): number {
  if (todo.do === 'map near') return model.place(todo.at, size, Math.max(1, todo.align));
  return todo.replace || model.isFree(todo.at, todo.at + size) ? todo.at : -1;
}
