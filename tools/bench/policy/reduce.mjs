/** Making a trace of page references shorter without changing what it says about any memory that is not tiny. */

/** References that are held before the gaps among them are closed. */
const ROOM = 1 << 22;
const NOTHING = -1;

/**
 * Takes references one by one, and leaves out those that no memory of at least `depth` pages can notice: of three references to the
 * same page the middle one, when fewer than `depth` other pages are used between the outer two.
 *
 *     p a b p a b p        depth 3:   p a b . . . p, and so with a and b: the page is there
 *     ^     ^     ^                   all the time, whoever decides what makes room
 *
 * => LRU and OPT miss exactly as often on what is left, in every memory of `depth` pages or more: the "safely allowed drop" of Kaplan,
 *    Smaragdakis and Wilson, Trace Reduction for Virtual Memory Simulations, 1999.
 * => that a page is written to is handed on to the reference behind the one that is left out.
 */
export class Reducer {
  /** `page * 2 + written`, or `NOTHING` where a reference has been left out. */
  #kept = new Float64Array(ROOM);
  #length = 0;
  /** @type {Map<number, Recent>} */
  #pages = new Map();
  /** The page that was used last; by `older`, the others in the order of their last use. @type {Recent | null} */
  #newest = null;
  #depth;
  /** All references that were given, those included that were left out. */
  references = 0;

  /** @param {number} depth the smallest memory, in pages, that is to notice nothing */
  constructor(depth) {
    this.#depth = depth;
  }

  /** Takes a reference. */
  reference(/** @type {number} */ page, /** @type {boolean} */ written) {
    this.references++;
    const newest = this.#newest;
    if (newest !== null && newest.page === page) {
      if (written) this.#kept[newest.last] = page * 2 + 1;
      return;
    }
    if (this.#length === ROOM) this.#closeGaps();
    const recent = this.#pages.get(page) ?? this.#newPage(page);
    let before = 0;
    if (recent.before !== NOTHING && !this.#manySince(recent.before)) {
      before = (this.#kept[recent.last] ?? 0) % 2;
      this.#kept[recent.last] = NOTHING;
    } else {
      recent.before = recent.last;
    }
    recent.last = this.#length;
    this.#kept[this.#length++] = page * 2 + (written ? 1 : before);
    this.#makeNewest(recent);
  }

  /** The references that are left, each as `page * 2 + written`. */
  finish() {
    this.#closeGaps();
    return this.#kept.slice(0, this.#length);
  }

  /** Whether `depth` pages or more have been used since the reference at `index`. The page that stands there is older than these. */
  #manySince(/** @type {number} */ index) {
    let others = 0;
    for (let page = this.#newest; page !== null && page.last > index; page = page.older) {
      // The page itself is among those that were used since.
      if (page.before !== index && ++others === this.#depth) return true;
    }
    return false;
  }

  #newPage(/** @type {number} */ page) {
    /** @type {Recent} */
    const recent = { page, last: NOTHING, before: NOTHING, older: null, newer: null };
    this.#pages.set(page, recent);
    return recent;
  }

  #makeNewest(/** @type {Recent} */ recent) {
    const { older, newer } = recent;
    if (newer !== null) newer.older = older;
    if (older !== null) older.newer = newer;
    recent.newer = null;
    recent.older = this.#newest;
    if (this.#newest !== null) this.#newest.newer = recent;
    this.#newest = recent;
  }

  #closeGaps() {
    const movedTo = new Int32Array(this.#length);
    let to = 0;
    for (let from = 0; from < this.#length; from++) {
      movedTo[from] = to;
      const kept = this.#kept[from] ?? NOTHING;
      if (kept !== NOTHING) this.#kept[to++] = kept;
    }
    if (to === ROOM) throw new Error('the trace is too long to be reduced: ask for a greater depth, or trace less');
    for (const recent of this.#pages.values()) {
      recent.last = movedTo[recent.last] ?? NOTHING;
      if (recent.before !== NOTHING) recent.before = movedTo[recent.before] ?? NOTHING;
    }
    this.#length = to;
  }
}

/**
 * A page, and where its last two references stand that were not left out.
 *
 * @typedef {object} Recent
 * @property {number} page
 * @property {number} last
 * @property {number} before
 * @property {Recent | null} older the page that was used last before this one
 * @property {Recent | null} newer
 */
