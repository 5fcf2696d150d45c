/** What tests of UVM's maps start with: UVM alone on a machine, one small map, and pictures of maps. */
import { expect } from 'vitest';
import type { Violation } from '../src/kern/invariant.js';
import { Kern, type KernOptions } from '../src/kern/kern.js';
import { KernelPanic } from '../src/kern/panic.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, asVa, PAGE_SIZE, type Pfn, type Va } from '../src/machine/address.js';
import { RamFile } from '../src/machine/file-store.js';
import { createMachine, type Machine } from '../src/machine/machine.js';
import { PROT_READ, PROT_WRITE } from '../src/machine/protection.js';
import type { Amap } from '../src/uvm/anon/amap.js';
import { uvmInvariants } from '../src/uvm/audit/audit.js';
import type { UvmEvent } from '../src/uvm/events.js';
import { pageAt } from '../src/uvm/map/layers.js';
import {
  DEFAULT_ARGUMENTS,
  type MapArguments,
  UVM_FLAG_COPYONW,
  UVM_FLAG_FIXED,
  UVM_FLAG_OVERLAY,
} from '../src/uvm/map/map-arguments.js';
import type { MapEntry } from '../src/uvm/map/map-entry.js';
import type { VmMap, Vmspace } from '../src/uvm/map/vm-map.js';
import { bootUvm, type Uvm, type UvmOptions } from '../src/uvm/uvm.js';
import type { UvmVnode } from '../src/uvm/vnode/vnode.js';
import { runJob, thrownBy } from './threads.js';

export const RW = PROT_READ | PROT_WRITE;

/** Where the maps of a bench begin: their page 0. */
const BASE = 0x10000;

/** Mapping flags of memory that is private: copy on write. */
export const PRIVATE = UVM_FLAG_COPYONW;
/** Mapping flags of anonymous memory that is shared. */
export const SHARED = UVM_FLAG_OVERLAY;

/** How a bench is made. */
export interface BenchOptions extends KernOptions, UvmOptions {
  /** Pages of RAM. Default 64. */
  readonly ramPages?: number;
  /** Pages of the map. Default 32. */
  readonly pages?: number;
  /** Whether addresses are given out from the top. Default false. */
  readonly topdown?: boolean;
}

/** UVM on a machine of its own, with one map. */
export class Bench {
  readonly kern: Kern;
  readonly machine: Machine;
  readonly uvm: Uvm;
  readonly space: Vmspace;

  constructor(options: BenchOptions = {}) {
    this.kern = new Kern(options);
    this.machine = createMachine(this.kern, { ram: (options.ramPages ?? 64) * PAGE_SIZE });
    this.uvm = bootUvm(this.kern, this.machine, options);
    this.kern.auditor.register(uvmInvariants(this.uvm));
    this.space = this.newSpace(options);
  }

  get map(): VmMap {
    return this.space.map;
  }

  /** One more address space, of the same kind as the first. */
  newSpace(options: Pick<BenchOptions, 'pages' | 'topdown'> = {}): Vmspace {
    const range = { min: asVa(BASE), max: asVa(BASE + (options.pages ?? 32) * PAGE_SIZE) };
    return this.uvm.uvmspaceAlloc(range, { topdown: options.topdown === true });
  }

  /** A file whose pages are filled with 1, 2, 3 …; whoever made it holds one reference. */
  newFile(pages: number): UvmVnode {
    const bytes = new Uint8Array(pages * PAGE_SIZE);
    for (let page = 0; page < pages; page++) bytes.fill(page + 1, page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    const vnode = this.uvm.uvmVnodeCreate(new RamFile('file', bytes));
    this.uvm.vnodeReferrers.push({ heldReferences: (held) => (held === vnode ? 1 : 0) });
    return vnode;
  }

  /** Runs a job in a thread of its own, to its end. */
  run<T>(job: () => Step<T>): T {
    return runJob(this.kern, job);
  }

  /** The panic that a job runs into. */
  panicOf(job: () => Step<unknown>): string {
    return thrownBy(KernelPanic, () => this.run(job)).message;
  }

  /** The address of a page of a map. */
  at(page: number): Va {
    return asVa(BASE + page * PAGE_SIZE);
  }

  /** Maps pages [from, to) there, private anonymous memory unless told otherwise; fails the test when that fails. */
  *put(from: number, to: number, what: Partial<MapArguments> = {}, map: VmMap = this.map): Step<void> {
    const start = yield* this.uvm.uvmMap(map, {
      ...DEFAULT_ARGUMENTS,
      protection: RW,
      ...what,
      hint: this.at(from),
      size: (to - from) * PAGE_SIZE,
      flags: UVM_FLAG_FIXED | (what.flags ?? PRIVATE),
    });
    expect(start, `mapping pages ${from} to ${to}`).toBe(this.at(from));
  }

  /** Maps pages of a file there, shared unless told otherwise. */
  *putFile(from: number, to: number, vnode: UvmVnode, page: number, what: Partial<MapArguments> = {}): Step<void> {
    yield* vnode.reference(this.uvm);
    yield* this.put(from, to, { flags: 0, ...what, object: vnode, offset: asOffset(page * PAGE_SIZE) });
  }

  /** Wires pages [from, to), and answers the errno. */
  *wire(from: number, to: number, map: VmMap = this.map): Step<number> {
    return yield* this.uvm.uvmMapPageable(map, this.at(from), this.at(to), { wire: true });
  }

  /** Unwires pages [from, to), and answers the errno. */
  *unwire(from: number, to: number, map: VmMap = this.map): Step<number> {
    return yield* this.uvm.uvmMapPageable(map, this.at(from), this.at(to), { wire: false });
  }

  /** Unmaps pages [from, to). */
  *remove(from: number, to: number, map: VmMap = this.map): Step<void> {
    yield* this.uvm.uvmUnmap(map, this.at(from), this.at(to));
  }

  /** Stores a byte into a page, as a program would: with a fault. Fails the test when the fault fails. */
  *write(page: number, byte: number, map: VmMap = this.map): Step<void> {
    expect(yield* this.uvm.uvmFault(map, this.at(page), PROT_WRITE), `fault on page ${page}`).toBe(0);
    this.machine.ram.page(this.pageOf(page, map))[0] = byte;
  }

  /** Loads the first byte of a page, as a program would: with a fault. Fails the test when the fault fails. */
  *read(page: number, map: VmMap = this.map): Step<number> {
    expect(yield* this.uvm.uvmFault(map, this.at(page), PROT_READ), `fault on page ${page}`).toBe(0);
    return this.machine.ram.page(this.pageOf(page, map))[0] as number;
  }

  /** The frame that an entry has at a page, -1 when none is in memory. */
  pageOf(page: number, map: VmMap = this.map): Pfn {
    return pageAt(this.entryAt(page, map), this.at(page)).page;
  }

  /** The entry that holds a page; fails the test when there is none. */
  entryAt(page: number, map: VmMap = this.map): MapEntry {
    const entry = map.entries().find((candidate) => candidate.contains(this.at(page)));
    expect(entry, `nothing is mapped at page ${page}`).toBeDefined();
    return entry as MapEntry;
  }

  /** The amap of the entry that holds a page; fails the test when there is none. */
  amapAt(page: number, map: VmMap = this.map): Amap {
    const { amap } = this.entryAt(page, map);
    expect(amap, `there is no amap at page ${page}`).not.toBeNull();
    return amap as Amap;
  }

  /**
   * A map as a picture, a character a page up to the last entry: `aa.Bc`. Each entry has its letter, in order of address and capital
   * when it is wired; a dot is a page that is not mapped.
   */
  picture(map: VmMap = this.map): string {
    let drawn = '';
    map.entries().forEach((entry, i) => {
      const letter = String.fromCharCode((entry.wiredCount > 0 ? 65 : 97) + i);
      drawn = drawn.padEnd((entry.start - BASE) / PAGE_SIZE, '.') + letter.repeat(entry.size / PAGE_SIZE);
    });
    return drawn;
  }

  /** The events of one kind that were recorded. */
  events<K extends UvmEvent['kind']>(kind: K): Extract<UvmEvent, { readonly kind: K }>[] {
    return this.kern.log
      .events()
      .flatMap(({ event }) => (event.kind === kind ? [event as Extract<UvmEvent, { readonly kind: K }>] : []));
  }

  /** What the audit finds. */
  audit(): Violation[] {
    return this.kern.auditor.audit();
  }

  /** Expects that no invariant is broken. */
  expectSound(): void {
    expect(this.audit()).toEqual([]);
  }
}
