/** How `sysctl(2)` tells values: as the bytes that a program of amd64 finds in memory. */

/** Numbers of 32 bits. */
export function words(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setInt32(4 * i, value, true);
  return bytes;
}

/** Numbers of 64 bits. */
export function quads(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setBigInt64(8 * i, BigInt(value), true);
  return bytes;
}

/** A text in UTF-8, with nothing behind it. */
export function utf8(text: string): number[] {
  return [...text].flatMap((character) => {
    const code = character.codePointAt(0) ?? 0;
    const last = (bits: number): number => 0x80 | ((code >>> bits) & 0x3f);
    if (code < 0x80) return [code];
    if (code < 0x800) return [0xc0 | (code >>> 6), last(0)];
    if (code < 0x10000) return [0xe0 | (code >>> 12), last(6), last(0)];
    return [0xf0 | (code >>> 18), last(12), last(6), last(0)];
  });
}
