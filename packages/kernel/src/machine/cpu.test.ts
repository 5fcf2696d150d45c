import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuOf, machineWith, machineWithSpace, paOf } from '../../test/machine.js';
import { nothing, runJob, runThreads } from '../../test/threads.js';
import { EFAULT, EIO, type Errno } from '../kern/errno.js';
import { RoundRobin } from '../kern/strategy.js';
import { BUILD, type Step } from '../kern/switch.js';
import { asVa, PAGE_SIZE, type Va } from './address.js';
import type { Cpu } from './cpu.js';
import type { Machine } from './machine.js';
import type { Pmap } from './pmap.js';
import { PROT_EXEC, PROT_READ, PROT_WRITE, type Protection } from './protection.js';
import { PTE_ACCESSED, PTE_DIRTY } from './pte.js';

const RW = PROT_READ | PROT_WRITE;
const stepped = BUILD !== 'direct';

/** Two pages that are neighbours for a program, in frames that are none, and above 2^32. */
const BASE = 0x7f7fffff0000;
const FIRST = 9;
const SECOND = 3;

interface Scene {
  readonly machine: Machine;
  readonly pmap: Pmap;
  readonly cpu: Cpu;
}

/**
 *     BASE          BASE + PAGE_SIZE
 *     [ frame 9 ]   [ frame 3 ]
 */
function twoPages(options: { userSteps?: boolean; protection?: Protection } = {}): Scene {
  const scene = machineWithSpace(options);
  const { machine, pmap } = scene;
  const protection = options.protection ?? RW;
  machine.pmapEnter(pmap, asVa(BASE), paOf(FIRST), protection, 0);
  machine.pmapEnter(pmap, asVa(BASE + PAGE_SIZE), paOf(SECOND), protection, 0);
  return scene;
}

/** The bytes that a program sees in the two pages. */
function bytesOf({ machine }: Scene): Uint8Array {
  const bytes = new Uint8Array(2 * PAGE_SIZE);
  bytes.set(machine.ram.page(FIRST as never));
  bytes.set(machine.ram.page(SECOND as never), PAGE_SIZE);
  return bytes;
}

const SIZES = [1, 2, 4, 8] as const;
type Size = (typeof SIZES)[number];

function* load(cpu: Cpu, size: Size, va: number): Step<bigint> {
  if (size === 8) return yield* cpu.load64(va);
  if (size === 4) return BigInt(yield* cpu.load32(va));
  return BigInt(size === 2 ? yield* cpu.load16(va) : yield* cpu.load8(va));
}

function* store(cpu: Cpu, size: Size, va: number, value: bigint): Step<void> {
  if (size === 8) yield* cpu.store64(va, value);
  else if (size === 4) yield* cpu.store32(va, Number(value));
  else if (size === 2) yield* cpu.store16(va, Number(value));
  else yield* cpu.store8(va, Number(value));
}

/** What a store of a value leaves for a load of that size: 4 bytes come back signed, the others unsigned. */
function kept(size: Size, value: bigint): bigint {
  return size === 4 ? BigInt.asIntN(32, value) : BigInt.asUintN(8 * size, value);
}

describe('loads and stores', () => {
  const access = fc.record({
    size: fc.constantFrom(...SIZES),
    // Often near the edge between the pages.
    offset: fc.oneof(fc.nat(2 * PAGE_SIZE - 8), fc.integer({ min: PAGE_SIZE - 9, max: PAGE_SIZE + 9 })),
    value: fc.bigInt({ min: -(2n ** 31n), max: 2n ** 32n - 1n }),
    isStore: fc.boolean(),
  });

  it.each([false, true])('of all sizes at all offsets agree with plain little-endian bytes (userSteps %s)', (userSteps) => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 30 }), (accesses) => {
        const scene = twoPages({ userSteps });
        const model = new Uint8Array(2 * PAGE_SIZE);
        const { cpu, machine } = scene;
        for (const { size, offset, value, isStore } of accesses) {
          if (isStore) {
            runJob(machine.kern, () => store(cpu, size, BASE + offset, value));
            for (let i = 0; i < size; i++) model[offset + i] = Number(BigInt.asUintN(8, value >> BigInt(8 * i)));
          }
          let expected = 0n;
          for (let i = 0; i < size; i++) expected |= BigInt(model[offset + i] as number) << BigInt(8 * i);
          expect(runJob(machine.kern, () => load(cpu, size, BASE + offset))).toBe(kept(size, expected));
        }
        expect(bytesOf(scene)).toEqual(model);
      }),
    );
  });

  it.each<[Size, bigint, bigint]>([
    [1, -1n, 0xffn],
    [2, -1n, 0xffffn],
    [4, 0xffffffffn, -1n],
    [8, -1n, 2n ** 64n - 1n],
    [8, 2n ** 64n + 5n, 5n],
  ])('of %i bytes: %s stored is %s loaded', (size, stored, loaded) => {
    const { cpu, machine } = twoPages();
    runJob(machine.kern, () => store(cpu, size, BASE + 16, stored));
    expect(runJob(machine.kern, () => load(cpu, size, BASE + 16))).toBe(loaded);
  });

  it('note in the table that the page was used, and that it was stored to', () => {
    const { cpu, machine, pmap } = twoPages();
    const bits = () => pmap.table.get(BASE / PAGE_SIZE) & (PTE_ACCESSED | PTE_DIRTY);
    expect(bits()).toBe(0);
    runJob(machine.kern, () => cpu.load32(BASE));
    expect(bits()).toBe(PTE_ACCESSED);
    // The first store finds a translation for loads only, and walks the table again.
    runJob(machine.kern, () => cpu.store32(BASE, 1));
    expect(bits()).toBe(PTE_ACCESSED | PTE_DIRTY);
  });
});

describe('ranges', () => {
  it('are read and written across pages, at any offset, and nothing around them', () => {
    const scene = twoPages();
    const { cpu, machine } = scene;
    const bytes = Uint8Array.from({ length: PAGE_SIZE + 100 }, (_, i) => (i % 250) + 1);
    const offset = PAGE_SIZE - 150;
    expect(runJob(machine.kern, () => cpu.write(asVa(BASE + offset), bytes))).toBe(0);
    const model = new Uint8Array(2 * PAGE_SIZE);
    model.set(bytes, offset);
    expect(bytesOf(scene)).toEqual(model);
    const back = new Uint8Array(bytes.length);
    expect(runJob(machine.kern, () => cpu.read(asVa(BASE + offset), back))).toBe(0);
    expect(back).toEqual(bytes);
  });

  it('of no bytes touch nothing, wherever they lie', () => {
    const { cpu, machine } = machineWithSpace();
    expect(runJob(machine.kern, () => cpu.read(asVa(0), new Uint8Array()))).toBe(0);
    expect(runJob(machine.kern, () => cpu.write(asVa(0), new Uint8Array()))).toBe(0);
  });

  it('answer the errno of the first page that cannot be reached, and what lies before is done', () => {
    const scene = twoPages();
    const { cpu, machine, pmap } = scene;
    machine.pmapRemove(pmap, asVa(BASE + PAGE_SIZE), asVa(BASE + 2 * PAGE_SIZE));
    const bytes = new Uint8Array(20).fill(7);
    expect(runJob(machine.kern, () => cpu.write(asVa(BASE + PAGE_SIZE - 10), bytes))).toBe(EFAULT);
    expect([...bytesOf(scene).subarray(PAGE_SIZE - 11, PAGE_SIZE + 1)]).toEqual([0, ...new Array(10).fill(7), 0]);
    const back = new Uint8Array(20);
    expect(runJob(machine.kern, () => cpu.read(asVa(BASE + PAGE_SIZE - 10), back))).toBe(EFAULT);
    expect([...back]).toEqual([...new Array(10).fill(7), ...new Array(10).fill(0)]);
  });
});

/** Takes down each fault, and answers as told. */
function faultsOf(scene: Scene, handle: (va: Va, access: Protection) => Errno): [number, Protection][] {
  const faults: [number, Protection][] = [];
  scene.machine.trap = {
    *pageFault(_cpu: Cpu, va: Va, access: Protection): Step<Errno> {
      yield* nothing();
      faults.push([va, access]);
      return handle(va, access);
    },
  };
  return faults;
}

describe('an access that the table does not allow', () => {
  it('faults, and is tried again when the handler answers 0', () => {
    const scene = machineWithSpace();
    const { cpu, machine, pmap } = scene;
    const faults = faultsOf(scene, () => machine.pmapEnter(pmap, asVa(BASE), paOf(FIRST), RW, 0));
    runJob(machine.kern, () => cpu.store32(BASE + 8, 5));
    expect(runJob(machine.kern, () => cpu.load32(BASE + 8))).toBe(5);
    expect(faults).toEqual([[BASE + 8, PROT_WRITE]]);
  });

  it('faults as often as the handler answers 0 without making it possible', () => {
    const scene = machineWithSpace();
    const { cpu, machine, pmap } = scene;
    let left = 3;
    const faults = faultsOf(scene, () => (left-- > 0 ? 0 : machine.pmapEnter(pmap, asVa(BASE), paOf(FIRST), RW, 0)));
    runJob(machine.kern, () => cpu.load32(BASE));
    expect(faults).toHaveLength(4);
  });

  it.each(SIZES)('is given up when the handler answers an errno: a load of %i bytes gives 0, a store does nothing', (size) => {
    const scene = twoPages({ protection: 0 });
    const { cpu, machine } = scene;
    machine.ram.bytes.fill(7);
    const faults = faultsOf(scene, () => EIO);
    expect(runJob(machine.kern, () => load(cpu, size, BASE))).toBe(0n);
    runJob(machine.kern, () => store(cpu, size, BASE, 1n));
    expect(faults).toEqual([
      [BASE, PROT_READ],
      [BASE, PROT_WRITE],
    ]);
    expect([...new Set(machine.ram.bytes)]).toEqual([7]);
  });

  it('has its errno in what a range answers', () => {
    const scene = machineWithSpace();
    faultsOf(scene, () => EIO);
    expect(runJob(scene.machine.kern, () => scene.cpu.read(asVa(BASE), new Uint8Array(1)))).toBe(EIO);
    expect(runJob(scene.machine.kern, () => scene.cpu.translate(asVa(BASE), PROT_READ))).toBe(-EIO);
  });

  it('answers EFAULT where nobody takes faults', () => {
    const { cpu, machine } = machineWithSpace();
    expect(runJob(machine.kern, () => cpu.read(asVa(BASE), new Uint8Array(1)))).toBe(EFAULT);
  });

  it('says which part of it faults when it lies in two pages, of which a store then changes neither', () => {
    const scene = twoPages();
    const { cpu, machine, pmap } = scene;
    machine.pmapRemove(pmap, asVa(BASE + PAGE_SIZE), asVa(BASE + 2 * PAGE_SIZE));
    const faults = faultsOf(scene, () => EFAULT);
    for (const size of [2, 4, 8] as const) runJob(machine.kern, () => store(cpu, size, BASE + PAGE_SIZE - 1, -1n));
    expect(faults).toEqual(new Array(3).fill([BASE + PAGE_SIZE, PROT_WRITE]));
    expect([...new Set(machine.ram.bytes)]).toEqual([0]);
  });

  it('begins again when the first of its two pages went while the second was brought in', () => {
    const scene = twoPages();
    const { cpu, machine, pmap } = scene;
    const frames = new Map<number, number>([
      [BASE, FIRST],
      [BASE + PAGE_SIZE, SECOND],
    ]);
    machine.pmapRemove(pmap, asVa(BASE), asVa(BASE + 2 * PAGE_SIZE));
    let thefts = 2;
    const faults = faultsOf(scene, (va) => {
      const page = va - (va % PAGE_SIZE);
      if (page !== BASE && thefts-- > 0) {
        machine.pmapRemove(pmap, asVa(BASE), asVa(BASE + PAGE_SIZE));
        machine.pmapUpdate(pmap);
      }
      if (page !== BASE && thefts > 0) return 0;
      return machine.pmapEnter(pmap, asVa(page), paOf(frames.get(page) as number), RW, 0);
    });
    runJob(machine.kern, () => cpu.store32(BASE + PAGE_SIZE - 2, 0x44332211));
    expect([...bytesOf(scene).subarray(PAGE_SIZE - 2, PAGE_SIZE + 2)]).toEqual([0x11, 0x22, 0x33, 0x44]);
    expect(faults.length).toBeGreaterThan(3);
  });
});

describe('protection', () => {
  const accesses: readonly [string, Protection][] = [
    ['load', PROT_READ],
    ['store', PROT_WRITE],
    ['execute', PROT_EXEC],
  ];

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('%i allows what it says, and no more, first and when repeated', (protection) => {
    const { cpu, machine } = twoPages({ protection });
    for (let round = 0; round < 2; round++) {
      for (const [what, access] of accesses) {
        const pfn = runJob(machine.kern, () => cpu.translate(asVa(BASE), access));
        expect(pfn, what).toBe(protection & access ? FIRST : -EFAULT);
      }
    }
  });
});

describe('an address space', () => {
  it('is the one that the processor was switched to last; in none, nothing can be reached', () => {
    const { cpu, machine, pmap } = twoPages();
    const other = machine.pmapCreate();
    machine.pmapEnter(other, asVa(BASE), paOf(20), RW, 0);
    const frame = () => runJob(machine.kern, () => cpu.translate(asVa(BASE), PROT_READ));
    expect(frame()).toBe(FIRST);
    cpu.activate(other);
    expect(frame()).toBe(20);
    cpu.activate(null);
    expect(frame()).toBe(-EFAULT);
    cpu.activate(pmap);
    expect(frame()).toBe(FIRST);
  });

  it('keeps its translations when the processor is switched to it once more', () => {
    const { cpu, machine, pmap } = twoPages();
    runJob(machine.kern, () => cpu.load32(BASE));
    cpu.activate(pmap);
    expect(cpu.tlb.translations()).toHaveLength(1);
  });
});

describe('with userSteps', () => {
  it('each access is a step, whether or not the TLB holds the page; without, none is', () => {
    for (const userSteps of [false, true]) {
      const { cpu, machine } = twoPages({ userSteps });
      const { scheduler } = machine.kern;
      runThreads(machine.kern, function* () {
        const before = scheduler.steps;
        for (let i = 0; i < 5; i++) yield* cpu.load32(BASE);
        for (let i = 0; i < 5; i++) yield* cpu.store8(BASE, i);
        expect(scheduler.steps - before).toBe(userSteps ? 10 : 0);
      });
    }
  });

  it('accesses of all processors are steps on one thing, since their spaces may have a page in common', () => {
    const machine = machineWith({ userSteps: true, cpus: 2 });
    const touched = machine.cpus.map((cpu) => {
      cpu.activate(machine.pmapCreate());
      runJob(machine.kern, () => cpu.translate(asVa(BASE), PROT_READ));
      return machine.kern.scheduler.lwps.at(-1)?.object;
    });
    expect(touched).toEqual([machine.ram, machine.ram]);
  });

  it('a strategy can switch between the load and the store of an addition, which is lost then', () => {
    const sums = [false, true].map((userSteps) => {
      const scene = machineWithSpace({ userSteps, strategy: new RoundRobin() });
      const { machine, pmap } = scene;
      machine.pmapEnter(pmap, asVa(BASE), paOf(FIRST), RW, 0);
      const cpu = cpuOf(machine);
      const add = function* (): Step<void> {
        const loaded = yield* cpu.load32(BASE);
        yield* cpu.store32(BASE, loaded + 1);
      };
      runThreads(machine.kern, add, add);
      return runJob(machine.kern, () => cpu.load32(BASE));
    });
    expect(sums).toEqual(stepped ? [2, 1] : [2, 2]);
  });
});
