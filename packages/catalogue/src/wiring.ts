/** What the entries about `uvm_map_pageable()` have in common: the function as it once was, and what was proposed for it. */
import {
  definePatch,
  EFAULT,
  EINVAL,
  type Errno,
  type PageableOptions,
  type Step,
  type Uvm,
  type Va,
  type VmMap,
} from '@faultline/kernel';

/** `uvm_map_pageable()` as it was until 2019: an empty range goes through both passes like any other. */
export function* uvmMapPageableUntil2019(this: Uvm, map: VmMap, from: Va, to: Va, options: PageableOptions): Step<Errno> {
  const range = yield* this.uvmMapPageableLookup(map, from, to, options);
  if (range === null) return EFAULT;
  return options.wire ? yield* this.uvmMapPageableWire(range, options) : yield* this.uvmMapPageableUnwire(range, options);
}

/** The remedy that was adopted in 2019. */
export const emptyRangeReturns = definePatch({
  id: 'netbsd-empty-range-returns',
  summary: 'uvm_map_pageable returns 0 for an empty range once it has found the start mapped',
  replace: {
    uvm: {
      uvmMapPageable: (original) =>
        function* (map, from, to, options) {
          if (from !== to) return yield* original.call(this, map, from, to, options);
          const range = yield* this.uvmMapPageableLookup(map, from, to, options);
          if (range === null) return EFAULT;
          if (!options.lockedOnExit) yield* this.vmMapUnlock(map);
          return 0;
        },
    },
  },
});

/** The other remedy that was proposed in 2019. */
export const wrappedRangeIsRefused = definePatch({
  id: 'netbsd-wrapped-range-is-refused',
  summary: 'uvm_map_pageable answers EINVAL when the range ends before it begins',
  replace: {
    uvm: {
      uvmMapPageable: (original) =>
        function* (map, from, to, options) {
          if (to >= from) return yield* original.call(this, map, from, to, options);
          if (options.lockedOnEntry && !options.lockedOnExit) yield* this.vmMapUnlock(map);
          if (!options.lockedOnEntry && options.lockedOnExit) yield* this.vmMapLock(map);
          return EINVAL;
        },
    },
  },
});
