import fc from 'fast-check';
import { zlibSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.js';
import { inflateSyzData } from './data.js';
import { parseSyz } from './parse.js';
import type { SyzData } from './program.js';

const compressed = (bytes: Uint8Array): SyzData => ({ kind: 'data', form: 'compressed', bytes, size: undefined });

describe('inflateSyzData', () => {
  it('gives the bytes behind a "$…" string', () => {
    const [data] = parseSyz('f("$eNrLSM3JyddRyECiGDKIFAMAesUUfQ==")').calls[0]?.args ?? [];
    expect(data).toMatchObject({ kind: 'data', form: 'compressed' });
    expect(new TextDecoder().decode(inflateSyzData(data as SyzData))).toBe('hello, hello, hello\0'.repeat(3));
  });

  it('undoes any compression', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fc.constantFrom(0, 1, 9), (bytes, level) => {
        expect(inflateSyzData(compressed(zlibSync(bytes, { level: level as 0 | 1 | 9 })))).toEqual(bytes);
      }),
    );
  });

  it('gives other strings back as they are', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    expect(inflateSyzData({ ...compressed(bytes), form: 'hex' })).toBe(bytes);
  });

  it('stops at the limit, so that a small program cannot fill the memory', () => {
    const bomb = compressed(zlibSync(new Uint8Array(50_000_000)));
    expect(bomb.bytes.length).toBeLessThan(100_000);
    expect(() => inflateSyzData(bomb, { maxBytes: 1_000_000 })).toThrow(/larger than 1000000 bytes/);
  });

  it('throws for bytes that are no zlib stream, and for the half of one', () => {
    const whole = zlibSync(new TextEncoder().encode('a string that is long enough to be worth it'));
    for (const bytes of [new Uint8Array(), Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), whole.slice(0, whole.length >> 1)]) {
      expect(() => inflateSyzData(compressed(bytes))).toThrow(Error);
    }
  });
});

describe('base64', () => {
  it('comes back as the bytes that it was made of', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = encodeBase64(bytes);
        expect(text).toBe(btoa(String.fromCharCode(...bytes)));
        expect(decodeBase64(text)).toEqual(bytes);
      }),
    );
  });

  it.each([
    ['A', 1],
    ['AA=A', 2],
    ['A===', 1],
    ['AA\u0100A', 2],
    ['AB==', 1],
  ])('%j is wrong at offset %i', (text, wrongAt) => {
    expect(decodeBase64(text)).toEqual({ wrongAt });
  });
});
