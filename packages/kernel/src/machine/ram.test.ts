import { describe, expect, it } from 'vitest';
import { asPfn, PAGE_SIZE } from './address.js';
import { Ram } from './ram.js';

describe('RAM', () => {
  it('is zeros at first, and one store of bytes under all its views', () => {
    const ram = new Ram(2 * PAGE_SIZE);
    expect(ram.pages).toBe(2);
    expect(ram.bytes.every((byte) => byte === 0)).toBe(true);
    ram.page(asPfn(1)).set([0x78, 0x56, 0x34, 0x12]);
    expect(ram.bytes[PAGE_SIZE]).toBe(0x78);
    expect(ram.words[PAGE_SIZE / 4]).toBe(0x12345678);
    expect(ram.view.getUint32(PAGE_SIZE, true)).toBe(0x12345678);
  });

  it('gives windows onto frames, not copies', () => {
    const ram = new Ram(2 * PAGE_SIZE);
    const page = ram.page(asPfn(1));
    expect(page.length).toBe(PAGE_SIZE);
    page.fill(7);
    expect([ram.bytes[PAGE_SIZE - 1], ram.bytes[PAGE_SIZE], ram.bytes[2 * PAGE_SIZE - 1]]).toEqual([0, 7, 7]);
  });

  it('zeroes one frame, and no byte around it', () => {
    const ram = new Ram(3 * PAGE_SIZE);
    ram.bytes.fill(7);
    ram.zero(asPfn(1));
    expect(ram.page(asPfn(1)).every((byte) => byte === 0)).toBe(true);
    expect([ram.bytes[PAGE_SIZE - 1], ram.bytes[2 * PAGE_SIZE]]).toEqual([7, 7]);
  });

  it('copies one frame onto another, and no byte around it', () => {
    const ram = new Ram(4 * PAGE_SIZE);
    for (let i = 0; i < PAGE_SIZE; i++) ram.bytes[3 * PAGE_SIZE + i] = i % 251;
    ram.copy(asPfn(3), asPfn(1));
    expect(ram.page(asPfn(1))).toEqual(ram.page(asPfn(3)));
    expect([ram.bytes[PAGE_SIZE - 1], ram.bytes[2 * PAGE_SIZE]]).toEqual([0, 0]);
  });

  it.each([0, -4096, 4097, 4096.5, 2 ** 32 + 4096, Number.NaN])('of %s bytes is refused', (bytes) => {
    expect(() => new Ram(bytes)).toThrow(`RAM is a multiple of 4096 bytes from 4096 to 4 GiB, not ${bytes} bytes`);
  });

  it('can be where that of another machine was, of which nothing is left', () => {
    const { bytes } = new Ram(2 * PAGE_SIZE);
    bytes.fill(0xff);
    const ram = new Ram(2 * PAGE_SIZE, bytes.buffer);
    expect(ram.bytes.buffer).toBe(bytes.buffer);
    expect(ram.bytes.every((byte) => byte === 0)).toBe(true);
    expect(() => new Ram(PAGE_SIZE, bytes.buffer)).toThrow('RAM of 4096 bytes cannot be where there are 8192');
  });
});
