/** Digests of texts: to notice that something has changed, not to keep anybody from changing it. */

/** FNV-1a with 64 bits. File names are made of it: it must never become another function. */
const BASIS = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** A digest of a text, as 16 hexadecimal digits. How lines end makes no difference. */
export function digestOf(text: string): string {
  let hash = BASIS;
  for (const character of text.replace(/\r\n/g, '\n')) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(character.codePointAt(0) ?? 0)) * PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}
