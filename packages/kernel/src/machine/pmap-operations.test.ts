import { describe, expect, it } from 'vitest';
import { cpuOf, machineWith, machineWithSpace, mappingsOf, paOf } from '../../test/machine.js';
import { atOnce, panicOf, runJob, runThreads } from '../../test/threads.js';
import { ENOMEM } from '../kern/errno.js';
import { asPfn, asVa, PAGE_SIZE } from './address.js';
import type { Machine } from './machine.js';
import { PMAP_CANFAIL, PMAP_WIRED, type Pmap } from './pmap.js';
import { PROT_ALL, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from './protection.js';
import { MAX_FRAMES, PTE_PROT, PTE_WIRED } from './pte.js';

const RW = PROT_READ | PROT_WRITE;
const AT = asVa(0x7f7fff004000);
const NEXT = asVa(AT + PAGE_SIZE);
const FIVE = asPfn(5);

/** What a mapping allows. */
function rights(pmap: Pmap, va = AT): number {
  return pmap.table.get(va / PAGE_SIZE) & PTE_PROT;
}

const counts = (pmap: Pmap): number[] => [pmap.residentCount, pmap.wiredCount];

/** The panic of an operation that the kernel does. */
function panicIn(machine: Machine, operation: () => unknown): string {
  return panicOf(machine.kern, atOnce(operation));
}

describe('pmap_enter', () => {
  it('maps a page where nothing was, and the reverse map knows of it', () => {
    const { machine, pmap } = machineWithSpace();
    expect(machine.pmapEnter(pmap, AT, paOf(5), RW, 0)).toBe(0);
    expect(machine.pmapExtract(pmap, asVa(AT + 0x123))).toBe(5 * PAGE_SIZE + 0x123);
    expect(mappingsOf(machine, FIVE)).toEqual(['pmap 1 @ 0x7f7fff004000']);
    expect(counts(pmap)).toEqual([1, 0]);
    expect(rights(pmap)).toBe(RW);
  });

  it('counts a mapping once, however often it is entered, and wired if it is entered wired', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PMAP_WIRED);
    machine.pmapEnter(pmap, AT, paOf(5), PROT_READ, PMAP_WIRED);
    expect(counts(pmap)).toEqual([1, 1]);
    expect(rights(pmap)).toBe(PROT_READ);
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    expect(counts(pmap)).toEqual([1, 0]);
    expect(mappingsOf(machine, FIVE)).toHaveLength(1);
  });

  it('takes the place of another page, which keeps in mind that it was stored to', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PROT_WRITE | PMAP_WIRED);
    machine.pmapEnter(pmap, AT, paOf(6), RW, 0);
    expect(mappingsOf(machine, FIVE)).toEqual([]);
    expect([machine.pmapIsModified(FIVE), machine.pmapIsModified(asPfn(6))]).toEqual([true, false]);
    expect(counts(pmap)).toEqual([1, 0]);
  });

  it.each([
    [PROT_NONE, false, false],
    [PROT_READ, true, false],
    [PROT_WRITE, true, true],
  ])('counts the access %s that causes it as one', (access, referenced, modified) => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, access);
    expect([machine.pmapIsReferenced(FIVE), machine.pmapIsModified(FIVE)]).toEqual([referenced, modified]);
  });

  it('maps the memory of devices unmanaged: page-wide operations do not see it', () => {
    const { machine, pmap } = machineWithSpace();
    const device = asPfn(machine.ram.pages);
    expect(machine.isManaged(device)).toBe(false);
    machine.pmapEnter(pmap, AT, paOf(device), RW, PROT_WRITE);
    machine.pmapPageProtect(device, PROT_NONE);
    expect(machine.pmapExtract(pmap, AT)).toBe(paOf(device));
    machine.pmapRemove(pmap, AT, NEXT);
    expect(counts(pmap)).toEqual([0, 0]);
  });

  it('panics for a frame that no page-table entry can name', () => {
    const { machine, pmap } = machineWithSpace();
    expect(panicIn(machine, () => machine.pmapEnter(pmap, AT, paOf(MAX_FRAMES), RW, 0))).toBe(
      'page frame 16777216 is beyond what a page-table entry can name',
    );
  });

  /** The outcome of the first mapping of a space when there is no page for its page table. */
  function withoutPage(flags: number): { machine: Machine; pmap: Pmap; enter: () => number } {
    const { machine, pmap } = machineWithSpace();
    const enter = (): number => {
      machine.kern.faults.arm(machine.kern.scheduler.current, 1);
      return machine.pmapEnter(pmap, AT, paOf(5), RW, flags);
    };
    return { machine, pmap, enter };
  }

  it('answers ENOMEM when there is no page for the table and it may fail, and has mapped nothing', () => {
    const { machine, pmap, enter } = withoutPage(PMAP_CANFAIL);
    let errno = 0;
    runThreads(
      machine.kern,
      atOnce(() => {
        errno = enter();
      }),
    );
    expect(errno).toBe(ENOMEM);
    expect([counts(pmap), mappingsOf(machine, FIVE)]).toEqual([[0, 0], []]);
  });

  it('panics when there is no page for the table and it must not fail', () => {
    const { machine, enter } = withoutPage(0);
    expect(panicIn(machine, enter)).toBe('pmap_enter: no page-table page for 0x7f7fff004000');
  });
});

describe('pmap_remove', () => {
  /**
   *     AT-1  AT  AT+1  AT+2           remove [AT, AT+2)
   *     [ 4 ][ 5 ][   ][ 7 ]    ──>    [ 4 ][   ][   ][ 7 ]
   */
  it('removes the mappings in the range, and no neighbour', () => {
    const { machine, pmap } = machineWithSpace();
    for (const [page, frame] of [
      [-1, 4],
      [0, 5],
      [2, 7],
    ] as const) {
      machine.pmapEnter(pmap, asVa(AT + page * PAGE_SIZE), paOf(frame), RW, PMAP_WIRED);
    }
    machine.pmapRemove(pmap, AT, asVa(AT + 2 * PAGE_SIZE));
    expect([-1, 0, 1, 2].map((page) => machine.pmapExtract(pmap, asVa(AT + page * PAGE_SIZE)))).toEqual([
      paOf(4),
      -1,
      -1,
      paOf(7),
    ]);
    expect(counts(pmap)).toEqual([2, 2]);
  });

  it('leaves with the page that it was used and stored to, until that is cleared', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PROT_WRITE);
    machine.pmapRemove(pmap, AT, NEXT);
    expect([machine.pmapClearModify(FIVE), machine.pmapClearReference(FIVE)]).toEqual([true, true]);
    expect([machine.pmapClearModify(FIVE), machine.pmapClearReference(FIVE)]).toEqual([false, false]);
  });

  it('panics on a DIAGNOSTIC kernel when the reverse map does not know the mapping', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    machine.reverseMap.remove(FIVE, pmap, AT);
    expect(panicIn(machine, () => machine.pmapRemove(pmap, AT, NEXT))).toContain('pve != NULL');
  });
});

describe('pmap_protect', () => {
  it('takes rights away, and gives none', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    machine.pmapProtect(pmap, AT, NEXT, PROT_READ | PROT_EXEC);
    expect(rights(pmap)).toBe(PROT_READ);
    machine.pmapProtect(pmap, AT, NEXT, PROT_ALL);
    expect(rights(pmap)).toBe(PROT_READ);
  });

  it('removes the mapping when reading is not allowed any more; pmapRestrict keeps it, and its being wired', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PMAP_WIRED);
    machine.pmapRestrict(pmap, AT, NEXT, PROT_NONE);
    expect([rights(pmap), machine.pmapIsWired(pmap, AT), ...counts(pmap)]).toEqual([PROT_NONE, true, 1, 1]);
    machine.pmapProtect(pmap, AT, NEXT, PROT_WRITE);
    expect([machine.pmapExtract(pmap, AT), ...counts(pmap)]).toEqual([-1, 0, 0]);
  });

  it('does not forget that the page was stored to, and notices the next store again', () => {
    const { machine, pmap, cpu } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PROT_WRITE);
    machine.pmapProtect(pmap, AT, NEXT, PROT_READ);
    machine.pmapUpdate(pmap);
    expect(machine.pmapClearModify(FIVE)).toBe(true);
    machine.pmapEnter(pmap, AT, paOf(5), RW, PROT_READ);
    expect(machine.pmapIsModified(FIVE)).toBe(false);
    runJob(machine.kern, () => cpu.store32(AT, 1));
    expect(machine.pmapIsModified(FIVE)).toBe(true);
  });
});

describe('pmap_page_protect', () => {
  /** Page 5 in two spaces, wired in the second. */
  function shared(): { machine: Machine; one: Pmap; two: Pmap } {
    const { machine, pmap: one } = machineWithSpace();
    const two = machine.pmapCreate();
    machine.pmapEnter(one, AT, paOf(5), RW, 0);
    machine.pmapEnter(two, NEXT, paOf(5), RW, PMAP_WIRED);
    machine.pmapEnter(two, AT, paOf(6), RW, 0);
    return { machine, one, two };
  }

  it('takes the right to write from all mappings of the page, and from no other page', () => {
    const { machine, one, two } = shared();
    machine.pmapPageProtect(FIVE, PROT_READ);
    expect([rights(one), rights(two, NEXT), rights(two)]).toEqual([PROT_READ, PROT_READ, RW]);
    expect(machine.pmapWiredMappings(FIVE)).toBe(1);
  });

  it('removes all mappings of the page, wired ones too', () => {
    const { machine, one, two } = shared();
    machine.pmapPageProtect(FIVE, PROT_NONE);
    expect(mappingsOf(machine, FIVE)).toEqual([]);
    expect([counts(one), counts(two)]).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it('does nothing when writing stays allowed', () => {
    const { machine, one, two } = shared();
    machine.pmapPageProtect(FIVE, RW);
    expect([rights(one), rights(two, NEXT)]).toEqual([RW, RW]);
  });
});

describe('pmap_unwire', () => {
  it('leaves the mapping, which is wired no more', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, PMAP_WIRED);
    machine.pmapUnwire(pmap, AT);
    expect([machine.pmapIsWired(pmap, AT), ...counts(pmap)]).toEqual([false, 1, 0]);
    expect(machine.kern.console).toEqual([]);
  });

  it('complains about a mapping that is not wired, in the words of the kernel, and changes nothing', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    machine.pmapUnwire(pmap, AT);
    expect(machine.kern.console).toEqual(['pmap_unwire: wiring for pmap 1 va 0x7f7fff004000 did not change!']);
    expect(counts(pmap)).toEqual([1, 0]);
  });

  it('panics where nothing is mapped', () => {
    const { machine, pmap } = machineWithSpace();
    expect(panicIn(machine, () => machine.pmapUnwire(pmap, AT))).toBe('pmap_unwire: invalid (unmapped) va 0x7f7fff004000');
  });
});

describe('the referenced and modified bits', () => {
  it('are set by the processor, and are those of the page, whichever mapping is used', () => {
    const { machine, pmap, cpu } = machineWithSpace();
    for (const va of [AT, NEXT]) machine.pmapEnter(pmap, va, paOf(5), RW, 0);
    expect([machine.pmapIsReferenced(FIVE), machine.pmapIsModified(FIVE)]).toEqual([false, false]);
    runJob(machine.kern, () => cpu.load32(NEXT));
    expect([machine.pmapIsReferenced(FIVE), machine.pmapIsModified(FIVE)]).toEqual([true, false]);
    runJob(machine.kern, () => cpu.store32(AT, 1));
    expect(machine.pmapIsModified(FIVE)).toBe(true);
  });

  it('are set again after they were cleared, although the processors had the translation', () => {
    const { machine, pmap, cpu } = machineWithSpace({ cpus: 2 });
    const other = cpuOf(machine, 1);
    other.activate(pmap);
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    for (const processor of [cpu, other]) runJob(machine.kern, () => processor.store32(AT, 1));
    expect([machine.pmapClearModify(FIVE), machine.pmapClearReference(FIVE)]).toEqual([true, true]);
    runJob(machine.kern, () => other.store32(AT, 2));
    expect([machine.pmapIsReferenced(FIVE), machine.pmapIsModified(FIVE)]).toEqual([true, true]);
  });
});

describe('pmap_kenter_pa', () => {
  it('maps wired and unmanaged: the reverse map and page-wide operations do not see it', () => {
    const machine = machineWith();
    const { kernelPmap } = machine;
    machine.pmapKenterPa(AT, paOf(5), RW);
    machine.pmapPageProtect(FIVE, PROT_NONE);
    expect(machine.pmapExtract(kernelPmap, AT)).toBe(paOf(5));
    expect([mappingsOf(machine, FIVE), machine.pmapWiredMappings(FIVE)]).toEqual([[], 0]);
    expect(kernelPmap.table.get(AT / PAGE_SIZE) & PTE_WIRED).toBe(PTE_WIRED);
    expect(counts(kernelPmap)).toEqual([1, 1]);
  });

  it('takes the place of what it mapped before, which processors see at the update', () => {
    const machine = machineWith();
    const { kernelPmap } = machine;
    const cpu = cpuOf(machine);
    cpu.activate(kernelPmap);
    machine.pmapKenterPa(AT, paOf(5), PROT_READ);
    expect(runJob(machine.kern, () => cpu.translate(AT, PROT_READ))).toBe(5);
    machine.pmapKenterPa(AT, paOf(6), PROT_READ);
    expect(counts(kernelPmap)).toEqual([1, 1]);
    expect(runJob(machine.kern, () => cpu.translate(AT, PROT_READ))).toBe(5);
    machine.pmapUpdate(kernelPmap);
    expect(runJob(machine.kern, () => cpu.translate(AT, PROT_READ))).toBe(6);
  });

  it('is undone by pmap_kremove, for so many bytes', () => {
    const machine = machineWith();
    for (const page of [0, 1, 2]) machine.pmapKenterPa(asVa(AT + page * PAGE_SIZE), paOf(page), RW);
    machine.pmapKremove(AT, 2 * PAGE_SIZE);
    expect([0, 1, 2].map((page) => machine.pmapExtract(machine.kernelPmap, asVa(AT + page * PAGE_SIZE)))).toEqual([
      -1,
      -1,
      paOf(2),
    ]);
    expect(counts(machine.kernelPmap)).toEqual([1, 1]);
  });
});

describe('pmap_copy', () => {
  it('is advice, and copies nothing', () => {
    const { machine, pmap } = machineWithSpace();
    const child = machine.pmapCreate();
    machine.pmapEnter(pmap, AT, paOf(5), RW, 0);
    machine.pmapCopy(child, pmap, AT, PAGE_SIZE, AT);
    expect([machine.pmapExtract(child, AT), ...counts(child)]).toEqual([-1, 0, 0]);
  });
});
