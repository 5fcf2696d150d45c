/**
 * What the process does that is going to be killed: `crash-writer.mjs` does it, `durability.test.ts` knows it.
 *
 *     record n fills some pages of the file with its number, and makes them durable in one of the ways that there are
 */

/** Pages of the file. */
export const PAGES = 16;
/** The most pages of a record. */
const MOST = 3;
/** The ways to make a record durable. */
const WAYS = /** @type {const} */ (['msync', 'msync later', 'msync all', 'fsync']);

/**
 * The record of that number, decided by a seed.
 *
 * @param {number} seed
 * @param {number} number
 */
export function recordOf(seed, number) {
  const random = mix(seed, number);
  const first = random % PAGES;
  return {
    first,
    count: Math.min(1 + (Math.floor(random / PAGES) % MOST), PAGES - first),
    way: WAYS[Math.floor(random / (PAGES * MOST)) % WAYS.length] ?? WAYS[0],
  };
}

/**
 * A number of 32 bits that looks like chance. splitmix32.
 *
 * @param {number} seed
 * @param {number} number
 */
export function mix(seed, number) {
  let z = (seed + Math.imul(number + 1, 0x9e3779b9)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
