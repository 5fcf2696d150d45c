import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteBuilder, utf8Text } from './bytes.js';

describe('ByteBuilder', () => {
  it('encodes text as everyone does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
        const builder = new ByteBuilder();
        for (const character of text) builder.pushCodePoint(character.codePointAt(0) ?? 0);
        expect(builder.bytes()).toEqual(new TextEncoder().encode(text));
      }),
    );
  });

  it('appends pieces of any size in order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (pieces) => {
        const builder = new ByteBuilder();
        for (const piece of pieces) builder.append(piece);
        expect(builder.bytes()).toEqual(Uint8Array.from(pieces.flatMap((piece) => [...piece])));
      }),
    );
  });
});

describe('utf8Text', () => {
  it('gives back the text that was encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(utf8Text(new TextEncoder().encode(text))).toBe(text.replace(/\p{Surrogate}/gu, '\ufffd'));
      }),
    );
  });

  it('survives bytes that are no text, overlong forms and surrogates among them', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof utf8Text(bytes) === 'string'));
    expect(utf8Text(Uint8Array.of(0xc0, 0x80, 0x41))).toBe('\ufffd\ufffdA');
    expect(utf8Text(Uint8Array.of(0xed, 0xa0, 0x80))).toBe('\ufffd\ufffd\ufffd');
    expect(utf8Text(Uint8Array.of(0xe2, 0x82))).toBe('\ufffd\ufffd');
  });
});
