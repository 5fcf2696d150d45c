import { describe, expect, it } from 'vitest';
import { cpuOf, machineWith, machineWithSpace, paOf } from '../../test/machine.js';
import { atOnce, panicOf } from '../../test/threads.js';
import { asVa, PAGE_SIZE } from './address.js';
import { Pmap } from './pmap.js';
import { PROT_READ } from './protection.js';

const AT = asVa(0x4000);

describe('a pmap', () => {
  it('maps nothing at first, and is known by its number', () => {
    const pmap = new Pmap(3);
    expect([pmap.label, pmap.residentCount, pmap.wiredCount]).toEqual(['pmap 3', 0, 0]);
    expect([pmap.pending.length, pmap.pendingAll]).toEqual([0, false]);
    expect(pmap.table.next(0, Number.MAX_SAFE_INTEGER)).toBe(-1);
  });

  it('gets a number that none had before, even when others are gone', () => {
    const machine = machineWith();
    const [one, two] = [machine.pmapCreate(), machine.pmapCreate()];
    machine.pmapDestroy(two);
    expect([machine.kernelPmap.id, one.id, two.id, machine.pmapCreate().id]).toEqual([0, 1, 2, 3]);
    expect(machine.pmaps.map(({ id }) => id)).toEqual([1, 3]);
  });

  it('leaves the processors that ran in it without a space when it goes', () => {
    const { machine, pmap, cpu } = machineWithSpace({ cpus: 2 });
    const other = machine.pmapCreate();
    cpuOf(machine, 1).activate(other);
    machine.pmapDestroy(pmap);
    expect([cpu.pmap, cpuOf(machine, 1).pmap]).toEqual([null, other]);
  });

  it('must not go while it maps something', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapEnter(pmap, AT, paOf(5), PROT_READ, 0);
    const panic = panicOf(
      machine.kern,
      atOnce(() => machine.pmapDestroy(pmap)),
    );
    expect(panic).toContain('pmap->pm_stats.resident_count == 0');
  });

  it('goes once', () => {
    const { machine, pmap } = machineWithSpace();
    machine.pmapDestroy(pmap);
    const panic = panicOf(
      machine.kern,
      atOnce(() => machine.pmapDestroy(pmap)),
    );
    expect(panic).toContain('pmap is alive');
  });

  it('has a page table of its own', () => {
    const { machine, pmap } = machineWithSpace();
    const other = machine.pmapCreate();
    machine.pmapEnter(pmap, AT, paOf(5), PROT_READ, 0);
    machine.pmapEnter(other, AT, paOf(6), PROT_READ, 0);
    machine.pmapRemove(pmap, AT, asVa(AT + PAGE_SIZE));
    expect([machine.pmapExtract(pmap, AT), machine.pmapExtract(other, AT)]).toEqual([-1, paOf(6)]);
  });
});
