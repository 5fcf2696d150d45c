import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPa, asPfn, atop, hex, PAGE_SIZE, paToPfn, pfnToPa, ptoa, roundPage, truncPage } from './address.js';

/** Addresses as they occur: anywhere below 2^52, negative ones included. */
const addresses = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });

describe('page arithmetic', () => {
  it('agrees with exact integers at every address, far above 2^32 and below 0 too', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        const size = BigInt(PAGE_SIZE);
        const below = ((BigInt(address) % size) + size) % size;
        const page = BigInt(address) - below;
        expect(BigInt(truncPage(address))).toBe(page);
        expect(BigInt(roundPage(address))).toBe(below === 0n ? page : page + size);
        expect(BigInt(atop(address))).toBe(page / size);
      }),
    );
  });

  it.each([
    [0, 0, 0],
    [1, 0, 4096],
    [4095, 0, 4096],
    [4096, 4096, 4096],
    [0x7f7fffffffff, 0x7f7ffffff000, 0x7f8000000000],
  ])('of %i gives the page at %i, and the boundary at %i', (address, truncated, rounded) => {
    expect([truncPage(address), roundPage(address)]).toEqual([truncated, rounded]);
  });

  it('turns frames into addresses and back', () => {
    expect(pfnToPa(asPfn(2 ** 24 - 1))).toBe((2 ** 24 - 1) * 4096);
    expect(paToPfn(asPa(2 ** 36 - 1))).toBe(2 ** 24 - 1);
    expect([ptoa(3), atop(3 * PAGE_SIZE - 1)]).toEqual([12_288, 2]);
  });
});

it('prints addresses as the kernel does', () => {
  expect([hex(0), hex(0x7f7ff7ed6000), hex(-4096)]).toEqual(['0x0', '0x7f7ff7ed6000', '-0x1000']);
});
