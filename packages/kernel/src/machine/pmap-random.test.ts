/** Random operations of `pmap(9)` on two processors that use the mappings in between, against the plain model of `pmap-model.ts`. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cpuOf, machineWith, mappingsOf, paOf } from '../../test/machine.js';
import { KERNEL, PmapModel } from '../../test/pmap-model.js';
import { runJob } from '../../test/threads.js';
import { EFAULT } from '../kern/errno.js';
import type { Step } from '../kern/switch.js';
import { checkTranslations } from '../uvm/audit/audit-pages.js';
import type { Uvm } from '../uvm/uvm.js';
import { asPfn, asVa, PAGE_SIZE, type Va } from './address.js';
import type { Cpu } from './cpu.js';
import { PMAP_WIRED, type Pmap } from './pmap.js';
import { PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, type Protection } from './protection.js';

const PAGES = 6;
const SPACES = 3;
const RAM_FRAMES = 4;
/** Beyond RAM: a device's. */
const FRAMES = RAM_FRAMES + 1;

type Operation =
  | { do: 'enter'; space: number; page: number; frame: number; protection: Protection; access: Protection; wired: boolean }
  | { do: 'kenter'; page: number; frame: number; protection: Protection }
  | { do: 'kremove' | 'unwire' | 'update'; space: number; page: number }
  | { do: 'remove' | 'protect' | 'restrict'; space: number; page: number; pages: number; protection: Protection }
  | { do: 'protect page'; frame: number; protection: Protection }
  | { do: 'clear modify' | 'clear reference'; frame: number }
  | { do: 'activate'; cpu: number; space: number }
  | { do: 'access'; cpu: number; page: number; access: Protection };

const page = fc.nat(PAGES - 1);
const frame = fc.nat(FRAMES - 1);
const ramFrame = fc.nat(RAM_FRAMES - 1);
const space = fc.nat(SPACES - 1);
const userSpace = fc.integer({ min: 1, max: SPACES - 1 });
const protection = fc.nat(7);
const access = fc.constantFrom(PROT_READ, PROT_WRITE, PROT_EXEC);
const cpu = fc.nat(1);
const is = <const Name extends string>(...names: Name[]) => fc.constantFrom(...names);

const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: is('enter'),
      space: userSpace,
      page,
      frame,
      protection: fc.constantFrom(PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC, PROT_NONE, PROT_EXEC),
      access: fc.constantFrom(PROT_NONE, PROT_READ, PROT_WRITE),
      wired: fc.boolean(),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: is('access'), cpu, page, access }) },
  { weight: 2, arbitrary: fc.record({ do: is('activate'), cpu, space }) },
  { weight: 1, arbitrary: fc.record({ do: is('kenter'), page, frame, protection }) },
  { weight: 2, arbitrary: fc.record({ do: is('kremove', 'unwire', 'update'), space, page }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: is('remove', 'protect', 'restrict'), space: userSpace, page, pages: page, protection }),
  },
  { weight: 2, arbitrary: fc.record({ do: is('protect page'), frame: ramFrame, protection }) },
  { weight: 2, arbitrary: fc.record({ do: is('clear modify', 'clear reference'), frame: ramFrame }) },
);

const vaOf = (index: number): Va => asVa(0x7f7fff000000 + index * PAGE_SIZE);
const pageOf = (va: Va): number => (va - vaOf(0)) / PAGE_SIZE;

/** A machine and its model. */
class Pair {
  readonly machine = machineWith({ cpus: 2, ram: RAM_FRAMES * PAGE_SIZE });
  readonly model = new PmapModel({ spaces: SPACES, ram: RAM_FRAMES });
  readonly pmaps = [this.machine.kernelPmap, this.machine.pmapCreate(), this.machine.pmapCreate()];

  constructor() {
    for (const processor of this.machine.cpus) processor.activate(this.machine.kernelPmap);
  }

  *perform(op: Operation): Step<void> {
    const { machine, model } = this;
    switch (op.do) {
      case 'enter': {
        const flags = op.access | (op.wired ? PMAP_WIRED : 0);
        expect(machine.pmapEnter(this.#pmap(op.space), vaOf(op.page), paOf(op.frame), op.protection, flags)).toBe(0);
        return model.enter(op.space, op.page, op.frame, op);
      }
      case 'kenter':
        machine.pmapKenterPa(vaOf(op.page), paOf(op.frame), op.protection);
        model.kenter(op.page, op.frame, op.protection);
        return;
      case 'kremove':
        machine.pmapKremove(vaOf(op.page), PAGE_SIZE);
        return model.protectRange(KERNEL, op.page, op.page + 1, PROT_NONE);
      case 'unwire':
        return this.#unwire(op.space, op.page);
      case 'update':
        machine.pmapUpdate(this.#pmap(op.space));
        return model.announce(op.space);
      case 'remove':
        machine.pmapRemove(this.#pmap(op.space), vaOf(op.page), vaOf(op.page + op.pages));
        return model.protectRange(op.space, op.page, op.page + op.pages, PROT_NONE);
      case 'protect':
        machine.pmapProtect(this.#pmap(op.space), vaOf(op.page), vaOf(op.page + op.pages), op.protection);
        return model.protectRange(op.space, op.page, op.page + op.pages, op.protection);
      case 'restrict':
        machine.pmapRestrict(this.#pmap(op.space), vaOf(op.page), vaOf(op.page + op.pages), op.protection);
        return model.restrictRange(op.space, op.page, op.page + op.pages, op.protection);
      case 'protect page':
        machine.pmapPageProtect(asPfn(op.frame), op.protection);
        return model.protectPage(op.frame, op.protection);
      case 'clear modify':
        expect(machine.pmapClearModify(asPfn(op.frame))).toBe(model.isDirty(op.frame));
        return model.clear(op.frame, 'dirty');
      case 'clear reference':
        expect(machine.pmapClearReference(asPfn(op.frame))).toBe(model.isUsed(op.frame));
        return model.clear(op.frame, 'used');
      case 'activate':
        return cpuOf(machine, op.cpu).activate(this.#pmap(op.space));
      case 'access':
        return yield* this.#access(cpuOf(machine, op.cpu), op.page, op.access);
    }
  }

  /** Expects machine and model to say the same of every page, frame and translation. */
  compare(): void {
    const { machine, model, pmaps } = this;
    const told: string[] = [];
    const foretold: string[] = [];
    for (const [index, pmap] of pmaps.entries()) {
      const mappings = model.in(index);
      told.push(`${pmap.label}: ${pmap.residentCount}, ${pmap.wiredCount} wired`);
      foretold.push(`${pmap.label}: ${mappings.length}, ${mappings.filter(({ wired }) => wired).length} wired`);
      for (let at = 0; at < PAGES; at++) {
        const mapping = model.at(index, at);
        told.push(`${at} ${machine.pmapExtract(pmap, asVa(vaOf(at) + 5))} ${machine.pmapIsWired(pmap, vaOf(at))}`);
        foretold.push(`${at} ${mapping === undefined ? -1 : mapping.frame * PAGE_SIZE + 5} ${mapping?.wired === true}`);
      }
    }
    for (let number = 0; number < RAM_FRAMES; number++) {
      const pfn = asPfn(number);
      const mappings = model.of(number);
      const use = `${machine.pmapIsReferenced(pfn)} ${machine.pmapIsModified(pfn)}`;
      told.push(`page ${pfn}: ${mappingsOf(machine, pfn)}; ${machine.pmapWiredMappings(pfn)} wired; ${use}`);
      const where = mappings.map((mapping) => `${this.#pmap(mapping.space).label} @ 0x${vaOf(mapping.page).toString(16)}`);
      const wired = mappings.filter((mapping) => mapping.wired).length;
      foretold.push(`page ${pfn}: ${where.sort()}; ${wired} wired; ${model.isUsed(number)} ${model.isDirty(number)}`);
    }
    expect(told.join('\n')).toBe(foretold.join('\n'));
    this.#compareTranslations();
  }

  /** A translation is what the mappings say, or was not announced yet; the audit finds the latter, each of them, and nothing else. */
  #compareTranslations(): void {
    const stale: string[] = [];
    for (const processor of this.machine.cpus) {
      const index = this.#spaceOf(processor);
      for (const { va, pfn, writable, executable = false } of processor.tlb.translations()) {
        if (!this.model.isStale(index, pageOf(va), { frame: pfn, writable, executable })) continue;
        if (this.model.unannounced[index]?.has(pageOf(va)) !== true)
          expect.fail(`cpu ${processor.id} was not told of 0x${va.toString(16)}`);
        stale.push(`cpu ${processor.id} still translates 0x${va.toString(16)} to page ${pfn}`);
      }
    }
    const found: string[] = [];
    checkTranslations({ machine: this.machine } as Uvm, (finding) => found.push(finding.replace(/( for stores)?,.*/, '')));
    expect(found.join('\n')).toBe(stale.join('\n'));
  }

  #unwire(index: number, at: number): void {
    const mapping = this.model.at(index, at);
    // The kernel's own mappings are wired for as long as they are there; one that is not there must not be unwired.
    if (index === KERNEL || mapping === undefined) return;
    const before = this.machine.kern.console.length;
    this.machine.pmapUnwire(this.#pmap(index), vaOf(at));
    expect(this.machine.kern.console.length - before).toBe(mapping.wired ? 0 : 1);
    mapping.wired = false;
  }

  *#access(processor: Cpu, at: number, kind: Protection): Step<void> {
    const index = this.#spaceOf(processor);
    const held = processor.tlb.translations().find(({ va }) => va === vaOf(at));
    const hit = held !== undefined && (kind === PROT_READ || (kind === PROT_WRITE ? held.writable : held.executable === true));
    const frameFound = yield* processor.translate(vaOf(at), kind);
    const expected = hit ? held.pfn : this.model.walk(index, at, kind)?.frame;
    expect(frameFound).toBe(expected ?? -EFAULT);
  }

  #pmap(index: number): Pmap {
    return this.pmaps[index] as Pmap;
  }

  #spaceOf({ pmap }: Cpu): number {
    return pmap === null ? KERNEL : this.pmaps.indexOf(pmap);
  }
}

it('pmap(9) does what its model says, whatever the order, and no processor uses a translation after the update that ends it', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80, size: 'max' }), (operations) => {
      const pair = new Pair();
      runJob(pair.machine.kern, function* () {
        for (const op of operations) {
          yield* pair.perform(op);
          pair.compare();
        }
      });
    }),
    { numRuns: 500 },
  );
}, 120_000);
