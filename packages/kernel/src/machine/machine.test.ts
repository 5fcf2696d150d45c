import { describe, expect, it } from 'vitest';
import { cpuOf, machineWith } from '../../test/machine.js';
import { Kern } from '../kern/kern.js';
import { kernelName } from '../kern/stack.js';
import { PAGE_SIZE } from './address.js';
import { createMachine } from './machine.js';

describe('a machine', () => {
  it('has the RAM that was asked for, all of it in the reverse map', () => {
    const machine = machineWith({ ram: 32 * PAGE_SIZE });
    expect([machine.ram.pages, machine.reverseMap.frames]).toEqual([32, 32]);
  });

  it('has as many processors as its kernel, numbered from 0, in no space', () => {
    const machine = machineWith({ cpus: 3 });
    expect(machine.cpus.map(({ id, pmap }) => [id, pmap])).toEqual([
      [0, null],
      [1, null],
      [2, null],
    ]);
  });

  it('takes no faults before there is somebody who does', () => {
    expect(machineWith().trap).toBeNull();
  });

  it('cannot be built with RAM that is no whole number of pages', () => {
    expect(() => createMachine(new Kern(), { ram: PAGE_SIZE + 1 })).toThrow(RangeError);
  });

  it('knows which spaces processors run in; they may all use that of the kernel', () => {
    const machine = machineWith({ cpus: 2 });
    const [one, two] = [machine.pmapCreate(), machine.pmapCreate()];
    cpuOf(machine, 1).activate(two);
    expect([one, two, machine.kernelPmap].map((pmap) => machine.isActive(pmap))).toEqual([false, true, true]);
  });

  it('has its operations under the names that stacks show', () => {
    expect(kernelName('pmapPageProtect')).toBe('pmap_page_protect');
  });

  it('shares no operation that was replaced with other machines', () => {
    const [one, other] = [machineWith(), machineWith()];
    const original = other.pmapUpdate;
    one.pmapUpdate = () => {};
    expect(other.pmapUpdate).toBe(original);
  });
});
