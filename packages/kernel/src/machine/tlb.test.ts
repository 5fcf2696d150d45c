import { describe, expect, it } from 'vitest';
import { act, bootProcess } from '../../test/harness.js';
import { cpuOf, machineWith, machineWithSpace, paOf } from '../../test/machine.js';
import { runJob } from '../../test/threads.js';
import { definePatch, MAP_ANON, MAP_PRIVATE } from '../index.js';
import { asPfn, asVa, PAGE_SIZE } from './address.js';
import type { Machine } from './machine.js';
import type { Pmap } from './pmap.js';
import { PROT_READ, PROT_WRITE } from './protection.js';
import { TLB_SLOTS, Tlb, tlbSlot } from './tlb.js';

const RW = PROT_READ | PROT_WRITE;
const AT = asVa(0x4000);
/** The next page that lies in the same slot as another. */
const SPAN = TLB_SLOTS * PAGE_SIZE;

describe('a TLB', () => {
  it('holds nothing at first', () => {
    expect(new Tlb().translations()).toEqual([]);
  });

  it('holds translations for loads alone, or for stores too', () => {
    const tlb = new Tlb();
    tlb.fill(asVa(0x1000), asPfn(7), { writable: false });
    tlb.fill(asVa(0x7f7fffffe000), asPfn(8), { writable: true });
    expect(tlb.translations()).toEqual([
      { va: 0x1000, pfn: 7, writable: false },
      { va: 0x7f7fffffe000, pfn: 8, writable: true },
    ]);
  });

  it('says of a translation whether instructions can be fetched by it', () => {
    const tlb = new Tlb();
    tlb.fill(AT, asPfn(7), { writable: false, executable: true });
    expect(tlb.translations()).toEqual([{ va: AT, pfn: 7, writable: false, executable: true }]);
    tlb.fill(AT, asPfn(7), { writable: true });
    expect(tlb.translations()).toEqual([{ va: AT, pfn: 7, writable: true }]);
    tlb.fill(AT, asPfn(7), { writable: true, executable: true });
    tlb.invalidate(AT);
    expect(tlb.execTag[tlbSlot(AT)]).toBe(-1);
  });

  it('holds page 0', () => {
    const tlb = new Tlb();
    tlb.fill(asVa(0), asPfn(7), { writable: true });
    expect(tlb.translations()).toEqual([{ va: 0, pfn: 7, writable: true }]);
  });

  it('gives a slot to the page that came last', () => {
    const tlb = new Tlb();
    expect(tlbSlot(AT)).toBe(tlbSlot(AT + SPAN));
    tlb.fill(AT, asPfn(7), { writable: true });
    tlb.fill(asVa(AT + SPAN), asPfn(8), { writable: false });
    expect(tlb.translations()).toEqual([{ va: AT + SPAN, pfn: 8, writable: false }]);
  });

  it('forgets a page, and not the one that has its slot by now', () => {
    const tlb = new Tlb();
    tlb.fill(AT, asPfn(7), { writable: true });
    tlb.invalidate(asVa(AT + SPAN));
    expect(tlb.translations()).toHaveLength(1);
    tlb.invalidate(AT);
    expect(tlb.translations()).toEqual([]);
    expect(tlb.writeTag[tlbSlot(AT)]).toBe(-1);
  });

  it('forgets everything at once', () => {
    const tlb = new Tlb();
    for (let page = 0; page < TLB_SLOTS; page++) tlb.fill(asVa(page * PAGE_SIZE), asPfn(page), { writable: true });
    expect(tlb.translations()).toHaveLength(TLB_SLOTS);
    tlb.flush();
    expect(tlb.translations()).toEqual([]);
    expect([...tlb.writeTag].every((tag) => tag === -1)).toBe(true);
  });
});

/** A space with frame 5 at `AT`, which all processors run in and have stored to: each of them holds the translation. */
function warm(cpus: number): { machine: Machine; pmap: Pmap } {
  const machine = machineWith({ cpus });
  const pmap = machine.pmapCreate();
  machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
  for (const cpu of machine.cpus) {
    cpu.activate(pmap);
    runJob(machine.kern, () => cpu.store32(AT, 1));
  }
  return { machine, pmap };
}

/** Whether a processor can still load from `AT`, and store to it. */
function reaches(machine: Machine, id: number): { load: boolean; store: boolean } {
  const cpu = cpuOf(machine, id);
  const load = runJob(machine.kern, () => cpu.translate(AT, PROT_READ)) >= 0;
  return { load, store: runJob(machine.kern, () => cpu.translate(AT, PROT_WRITE)) >= 0 };
}

describe('a translation that the table gives no more', () => {
  it('stays in use until pmap_update', () => {
    const { machine, pmap } = warm(1);
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    expect(machine.pmapExtract(pmap, AT)).toBe(-1);
    expect(reaches(machine, 0)).toEqual({ load: true, store: true });
    // The store goes into the frame, whoever has it by now.
    runJob(machine.kern, () => cpuOf(machine).store32(AT, 0x77));
    expect(machine.ram.words[5 * 1024]).toBe(0x77);
    machine.pmapUpdate(pmap);
    expect(reaches(machine, 0)).toEqual({ load: false, store: false });
  });

  it('keeps its right to store until pmap_update when the protection was reduced', () => {
    const { machine, pmap } = warm(1);
    machine.pmapProtect(pmap, AT, asVa(AT + PAGE_SIZE), PROT_READ);
    expect(reaches(machine, 0)).toEqual({ load: true, store: true });
    machine.pmapUpdate(pmap);
    expect(reaches(machine, 0)).toEqual({ load: true, store: false });
  });

  it('leads to the old frame until pmap_update when another was entered', () => {
    const { machine, pmap } = warm(1);
    machine.pmapEnter(pmap, AT, paOf(6), RW, 0);
    expect(runJob(machine.kern, () => cpuOf(machine).translate(AT, PROT_READ))).toBe(5);
    machine.pmapUpdate(pmap);
    expect(runJob(machine.kern, () => cpuOf(machine).translate(AT, PROT_READ))).toBe(6);
  });

  it('goes from all processors that run in the space', () => {
    const { machine, pmap } = warm(2);
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    expect([reaches(machine, 0).load, reaches(machine, 1).load]).toEqual([true, true]);
    machine.pmapUpdate(pmap);
    expect([reaches(machine, 0).load, reaches(machine, 1).load]).toEqual([false, false]);
  });

  it('is that of each processor by itself: only those that used the page hold it', () => {
    const machine = machineWith({ cpus: 2 });
    const pmap = machine.pmapCreate();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    for (const cpu of machine.cpus) cpu.activate(pmap);
    runJob(machine.kern, () => cpuOf(machine, 1).load32(AT));
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    expect([reaches(machine, 0).load, reaches(machine, 1).load]).toEqual([false, true]);
  });

  it('is not for processors that run in another space, which has the same address', () => {
    const { machine, pmap } = warm(2);
    const other = machine.pmapCreate();
    machine.pmapEnter(other, AT, paOf(9), RW, 0);
    cpuOf(machine, 1).activate(other);
    runJob(machine.kern, () => cpuOf(machine, 1).load32(AT));
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    machine.pmapUpdate(pmap);
    expect(cpuOf(machine, 1).tlb.translations()).toEqual([{ va: AT, pfn: 9, writable: false }]);
  });

  it('goes at once when the page is taken from all spaces', () => {
    const { machine } = warm(2);
    machine.pmapPageProtect(asPfn(5), 0);
    expect([reaches(machine, 0).load, reaches(machine, 1).load]).toEqual([false, false]);
  });

  it('goes when the processor switches to another space', () => {
    const { machine, pmap } = warm(1);
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    cpuOf(machine).activate(null);
    cpuOf(machine).activate(pmap);
    expect(reaches(machine, 0).load).toBe(false);
  });
});

describe('the invalidations that wait for pmap_update', () => {
  /** How many pages of a space with `pages` mappings are still translated after one update, and how many others. */
  function left(pages: number): number[] {
    const { machine, pmap, cpu } = machineWithSpace();
    const [removed, kept] = [asVa(0x10000), asVa(0x90000)];
    for (let i = 0; i < pages; i++) machine.pmapEnter(pmap, asVa(removed + i * PAGE_SIZE), paOf(i), RW, 0);
    machine.pmapEnter(pmap, kept, paOf(60), RW, 0);
    for (let i = 0; i < pages; i++) runJob(machine.kern, () => cpu.load8(removed + i * PAGE_SIZE));
    runJob(machine.kern, () => cpu.load8(kept));
    machine.pmapRemove(pmap, removed, asVa(removed + pages * PAGE_SIZE));
    const before = cpu.tlb.translations().length;
    machine.pmapUpdate(pmap);
    return [before, cpu.tlb.translations().length];
  }

  it('name their pages as long as they are few, and spare the others', () => {
    expect(left(16)).toEqual([17, 1]);
  });

  it('take the whole TLB when they are many', () => {
    expect(left(17)).toEqual([18, 0]);
  });

  it('are not collected for a space that no processor runs in', () => {
    const machine = machineWith();
    const pmap = machine.pmapCreate();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    expect([pmap.pending.length, pmap.pendingAll]).toEqual([0, false]);
  });

  it('are gone after the update, many or few', () => {
    for (const pages of [1, 40]) {
      const { machine, pmap } = machineWithSpace();
      for (let i = 0; i < pages; i++) machine.pmapEnter(pmap, asVa(i * PAGE_SIZE), paOf(i), RW, 0);
      machine.pmapRemove(pmap, asVa(0), asVa(pages * PAGE_SIZE));
      machine.pmapUpdate(pmap);
      expect([pmap.pending.length, pmap.pendingAll]).toEqual([0, false]);
    }
  });
});

describe('a forgotten pmap_update', () => {
  it('is found by the audit, which names the translation that outlived its page', () => {
    const forgetful = definePatch({
      id: 'forgetful',
      summary: 'No update.',
      replace: { machine: { pmapUpdate: () => () => {} } },
    });
    const { system, process } = bootProcess({ patches: [forgetful] });
    const address = act(system, process, function* (user) {
      const at = yield* user.mmap(0, PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE);
      yield* user.store32(at, 1);
      yield* user.munmap(at, PAGE_SIZE);
      return at;
    });
    const findings = system.audit().map(({ finding }) => finding);
    expect(findings).toContainEqual(
      expect.stringMatching(`cpu 0 still translates 0x${address.toString(16)} to page \\d+ for stores, which is mapped no more`),
    );
  });
});
