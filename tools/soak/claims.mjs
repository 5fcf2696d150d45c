/** Who uses which bytes in a round: several workers are at work at once, and what they find must not depend on who comes first. */

/** @typedef {import('./bytes.mjs').Bytes} Bytes */

/** Chunks that are in use. */
export class Claims {
  /** @type {Map<Bytes, { first: number, end: number, use: 'read' | 'write' }[]>} */
  #claims = new Map();

  /** A new round begins: nobody uses anything. */
  clear() {
    this.#claims.clear();
  }

  /**
   * Reserves chunks until the round ends; answers whether they were free. Many may read the same.
   *
   * @param {Bytes} bytes @param {number} first @param {number} count @param {'read' | 'write'} use
   */
  claim(bytes, first, count, use) {
    const end = first + count;
    const claims = this.#claims.get(bytes) ?? [];
    for (const other of claims) {
      if (other.first < end && first < other.end && (use === 'write' || other.use === 'write')) return false;
    }
    claims.push({ first, end, use });
    this.#claims.set(bytes, claims);
    return true;
  }
}
