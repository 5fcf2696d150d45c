import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asPfn } from './address.js';
import { protectionText } from './protection.js';
import {
  MAX_FRAMES,
  makePte,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_FRAME_SHIFT,
  PTE_MANAGED,
  PTE_PROT,
  PTE_VALID,
  PTE_WIRED,
  pteFrame,
} from './pte.js';

describe('a page-table entry', () => {
  it('holds frame, protection and flags without one touching another', () => {
    const flags = fc.subarray([PTE_WIRED, PTE_MANAGED, PTE_ACCESSED, PTE_DIRTY]).map((set) => set.reduce((a, b) => a | b, 0));
    fc.assert(
      fc.property(fc.nat(MAX_FRAMES - 1), fc.nat(7), flags, (frame, protection, flag) => {
        const pte = makePte(asPfn(frame), protection, flag);
        expect(pteFrame(pte)).toBe(frame);
        expect(pte & PTE_PROT).toBe(protection);
        expect(pte & (PTE_WIRED | PTE_MANAGED | PTE_ACCESSED | PTE_DIRTY)).toBe(flag);
        expect(pte & PTE_VALID).toBe(PTE_VALID);
        expect(pte >>> 0).toBe(pte);
      }),
    );
  });

  it('has no bit in two fields, and none to spare below the frame', () => {
    const fields = [PTE_PROT, PTE_VALID, PTE_WIRED, PTE_MANAGED, PTE_ACCESSED, PTE_DIRTY];
    expect(fields.reduce((a, b) => a + b, 0)).toBe(2 ** PTE_FRAME_SHIFT - 1);
    expect(fields.reduce((a, b) => a | b, 0)).toBe(2 ** PTE_FRAME_SHIFT - 1);
  });

  it('is never 0, which means that there is none', () => {
    expect(makePte(asPfn(0), 0, 0)).not.toBe(0);
  });

  it('is a positive number for the highest frame', () => {
    expect(makePte(asPfn(MAX_FRAMES - 1), PTE_PROT, 0xf8)).toBe(2 ** 32 - 1);
  });
});

it.each([
  [0, '---'],
  [1, 'r--'],
  [2, '-w-'],
  [3, 'rw-'],
  [5, 'r-x'],
  [7, 'rwx'],
])('protection %i prints as %s', (protection, text) => {
  expect(protectionText(protection)).toBe(text);
});
