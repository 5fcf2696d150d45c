/** Sets of addresses, as disjoint ranges in order. */

/** How many ranges a set holds: as many mappings as Linux lets a process have (`vm.max_map_count`). */
const MAX_RANGES = 65_530;

/**
 * A set of ranges of addresses.
 *
 *     add [2,5) add [7,9)        ..===..==.      starts 2 7   ends 5 9
 *     add [5,7)                  ..=======.      starts 2     ends 9
 *     remove [3,4)               ..=.=====.      starts 2 4   ends 3 9
 *
 * A change after which a set would need more ranges than `MAX_RANGES` is not made: no log of a real process gets there, and one that
 * was made up must not take the host's memory.
 */
export class RangeSet {
  readonly #starts: number[];
  readonly #ends: number[];

  constructor(from?: RangeSet) {
    this.#starts = from === undefined ? [] : from.#starts.slice();
    this.#ends = from === undefined ? [] : from.#ends.slice();
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#starts.length;
  }

  /** Adds a range; ranges that meet become one. */
  add(start: number, end: number): void {
    if (start >= end) return;
    // The first range that the new one meets, and the first behind it that it does not.
    const first = firstAbove(this.#ends, start - 1);
    const behind = firstAbove(this.#starts, end);
    if (first === behind && this.count >= MAX_RANGES) return;
    const low = first < behind ? Math.min(start, this.#starts[first] ?? start) : start;
    const high = first < behind ? Math.max(end, this.#ends[behind - 1] ?? end) : end;
    this.#starts.splice(first, behind - first, low);
    this.#ends.splice(first, behind - first, high);
  }

  /** Removes a range. */
  remove(start: number, end: number): void {
    if (start >= end) return;
    const first = firstAbove(this.#ends, start);
    const behind = firstAbove(this.#starts, end - 1);
    if (first >= behind) return;
    const low = this.#starts[first] ?? start;
    const high = this.#ends[behind - 1] ?? end;
    if (low < start && high > end && behind - first === 1 && this.count >= MAX_RANGES) return;
    const starts = [...(low < start ? [low] : []), ...(high > end ? [end] : [])];
    const ends = [...(low < start ? [start] : []), ...(high > end ? [high] : [])];
    this.#starts.splice(first, behind - first, ...starts);
    this.#ends.splice(first, behind - first, ...ends);
  }

  /** Whether any address of a range is in the set. */
  meets(start: number, end: number): boolean {
    const at = firstAbove(this.#ends, start);
    const from = this.#starts[at];
    return from !== undefined && from < end && start < end;
  }

  /** The end of the range that holds an address; null when none does. */
  endAt(address: number): number | null {
    const at = firstAbove(this.#ends, address);
    const from = this.#starts[at];
    return from !== undefined && from <= address ? (this.#ends[at] ?? null) : null;
  }
}

/** The index of the first number above a bound in an ascending list. */
function firstAbove(list: readonly number[], bound: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}
