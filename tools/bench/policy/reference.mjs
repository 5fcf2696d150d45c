/** The two policies that others are held against: the best there can be, and the one that everybody knows. */

/**
 * A policy: how often it misses on a trace.
 *
 * @typedef {(pages: Uint32Array, frames: number) => number} Policy
 */

/** Makes room by taking the page whose last use is longest ago. @type {Policy} */
export function lruMisses(pages, frames) {
  /** Oldest first: a map keeps the order in which its keys were put in. */
  const resident = new Set();
  let misses = 0;
  for (const page of pages) {
    if (!resident.delete(page)) {
      misses++;
      if (resident.size === frames) for (const oldest of resident.keys()) if (resident.delete(oldest)) break;
    }
    resident.add(page);
  }
  return misses;
}

/** Makes room by taking the page whose next use is furthest off, as only who knows the future can (Belady, 1966). @type {Policy} */
export function optMisses(pages, frames) {
  const nextUse = nextUses(pages);
  /**
   * When resident pages are used next. What is on top is always that of a resident page: times that have passed are earlier than any
   * that are to come, and a page that is taken takes its time along.
   */
  const next = new GreatestFirst();
  const resident = new Set();
  let misses = 0;
  for (let now = 0; now < pages.length; now++) {
    const page = pages[now] ?? 0;
    if (!resident.has(page)) {
      misses++;
      if (resident.size === frames) resident.delete(pageUsedAt(next.take(), pages));
      resident.add(page);
    }
    next.put(nextUse[now] ?? 0);
  }
  return misses;
}

/** For each reference, the index of the next one to the same page; beyond the end, a number from which the page can be told. */
function nextUses(/** @type {Uint32Array} */ pages) {
  const nextUse = new Float64Array(pages.length);
  /** @type {Map<number, number>} */
  const seen = new Map();
  for (let i = pages.length - 1; i >= 0; i--) {
    const page = pages[i] ?? 0;
    nextUse[i] = seen.get(page) ?? pages.length + page;
    seen.set(page, i);
  }
  return nextUse;
}

/** @param {number} time one of `nextUses` @param {Uint32Array} pages */
function pageUsedAt(time, pages) {
  return time < pages.length ? (pages[time] ?? 0) : time - pages.length;
}

/** Numbers, of which the greatest comes first: a binary heap. */
class GreatestFirst {
  /** @type {number[]} */
  #heap = [];

  put(/** @type {number} */ value) {
    const heap = this.#heap;
    let at = heap.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] ?? 0) >= value) break;
      heap[at] = heap[parent] ?? 0;
      at = parent;
    }
    heap[at] = value;
  }

  take() {
    const heap = this.#heap;
    const [greatest = 0] = heap;
    const last = heap.pop() ?? 0;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= heap.length) break;
      const child = left + 1 < heap.length && (heap[left + 1] ?? 0) > (heap[left] ?? 0) ? left + 1 : left;
      if ((heap[child] ?? 0) <= last) break;
      heap[at] = heap[child] ?? 0;
      at = child;
    }
    if (heap.length > 0) heap[at] = last;
    return greatest;
  }
}
