import { describe, expect, it } from 'vitest';
import { act, boot, bootProcess } from '../../test/harness.js';
import { thrownBy } from '../../test/threads.js';
import { definePatch, KernelPanic, MAP_ANON, MAP_PRIVATE } from '../index.js';
import { applyPatches, type Patch } from './patch.js';

/** A kernel with one module of two functions, of which one calls the other by way of the module. */
function kernel() {
  const map = {
    size: 10,
    mapSize(): number {
      return map.size;
    },
    mapReport(): string {
      return `size ${map.mapSize()}`;
    },
  };
  return { map };
}

type Modules = ReturnType<typeof kernel>;

/** A patch that adds to what `mapSize` says. */
function adding(id: string, amount: number): Patch<Modules> {
  return { id, summary: `adds ${amount}`, replace: { map: { mapSize: (original) => () => original() + amount } } };
}

/** A patch that no type-checker saw, as it may come from JavaScript. */
function unchecked(replace: object): Patch<Modules> {
  return { id: 'odd', summary: 'odd', replace } as Patch<Modules>;
}

describe('a patch', () => {
  it('replaces a function for everyone who calls it by way of its module', () => {
    const modules = kernel();
    applyPatches(modules, [adding('one', 1)]);
    expect(modules.map.mapReport()).toBe('size 11');
  });

  it('applies on top of those before it, in their order', () => {
    const doubling: Patch<Modules> = {
      id: 'double',
      summary: 'doubles',
      replace: { map: { mapSize: (original) => () => original() * 2 } },
    };
    const modules = kernel();
    applyPatches(modules, [adding('one', 1), doubling, adding('three', 3)]);
    expect(modules.map.mapSize()).toBe((10 + 1) * 2 + 3);
  });

  it('leaves other systems alone', () => {
    const modules = kernel();
    applyPatches(modules, [adding('one', 1)]);
    expect(kernel().map.mapSize()).toBe(10);
  });

  it('gives the replacement the name of what it replaces', () => {
    const modules = kernel();
    applyPatches(modules, [adding('one', 1)]);
    expect(modules.map.mapSize.name).toBe('mapSize');
  });
});

describe('a patch that does not fit is refused', () => {
  it('with the modules that there are, when it names none of them', () => {
    const patch = unchecked({ maps: { mapSize: () => () => 1 } });
    expect(() => applyPatches(kernel(), [patch])).toThrow('patch "odd" changes the module "maps"; there are map');
  });

  it('with the name of the kernel function, when there is no such function', () => {
    const patch = unchecked({ map: { mapGrowAll: () => () => 1 } });
    const sentence = 'patch "odd" replaces map_grow_all(), but this kernel has no function "mapGrowAll"';
    expect(() => applyPatches(kernel(), [patch])).toThrow(sentence);
  });

  it('when it puts nothing in the place of a function', () => {
    const sentence = 'patch "odd" replaces map_size() by none: give a function that makes one of the original';
    expect(() => applyPatches(kernel(), [unchecked({ map: { mapSize: 3 } })])).toThrow(sentence);
    expect(() => applyPatches(kernel(), [unchecked({ map: { mapSize: () => undefined } })])).toThrow(sentence);
  });

  it('when it names something that is not a function', () => {
    const patch = unchecked({ map: { size: () => () => 1 } });
    expect(() => applyPatches(kernel(), [patch])).toThrow('this kernel has no function "size"');
  });
});

describe('a patch of a booted system', () => {
  /** munmap() panics. */
  const noUnmap = definePatch({
    id: 'no-unmap',
    summary: 'Nothing can be unmapped.',
    replace: {
      uvm: {
        uvmUnmap: () =>
          function () {
            return this.kern.panic('uvm_unmap: not today');
          },
      },
    },
  });

  it('appears in stacks under the name of the function that it replaces, below those that it called', () => {
    const { system, process } = bootProcess({ patches: [noUnmap] });
    const panic = thrownBy(KernelPanic, () =>
      act(system, process, function* (user) {
        const address = yield* user.mmap(0, 4096, 3, MAP_ANON | MAP_PRIVATE);
        return yield* user.munmap(address, 4096);
      }),
    );
    expect(panic.frames.slice(0, 2)).toEqual(['uvm_unmap', 'sys_munmap']);
  });

  it('changes that system only', () => {
    boot({ patches: [noUnmap] });
    const { system, process } = bootProcess();
    const result = act(system, process, function* (user) {
      const address = yield* user.mmap(0, 4096, 3, MAP_ANON | MAP_PRIVATE);
      return yield* user.munmap(address, 4096);
    });
    expect(result).toBe(0);
  });

  it('may call the original, on the system that it belongs to', () => {
    const seen: [number, number][] = [];
    const watching = definePatch({
      id: 'watching',
      summary: 'Notes what is unmapped.',
      replace: {
        uvm: {
          uvmUnmap: (original) =>
            function* (map, start, end) {
              seen.push([start, end]);
              yield* original.call(this, map, start, end);
            },
        },
      },
    });
    const { system, process } = bootProcess({ patches: [watching] });
    const address = act(system, process, function* (user) {
      const at = yield* user.mmap(0, 8192, 3, MAP_ANON | MAP_PRIVATE);
      expect(yield* user.munmap(at, 8192)).toBe(0);
      return at;
    });
    expect(seen).toEqual([[address, address + 8192]]);
  });

  it('is refused when the kernel has no such function', () => {
    const patch = { id: 'odd', summary: 'odd', replace: { uvm: { uvmSwapAll: () => () => 0 } } };
    expect(() => boot({ patches: [patch as unknown as typeof noUnmap] })).toThrow(
      'patch "odd" replaces uvm_swap_all(), but this kernel has no function "uvmSwapAll"',
    );
  });
});
