import { describe, expect, it } from 'vitest';
import { machineWith } from '../../test/machine.js';
import { asPfn, FIRST_FRAME, PAGE_SIZE } from './address.js';
import { type AccessSize, DEVICE_FIRST_FRAME, DeviceBytes } from './device-memory.js';
import { MAX_FRAMES } from './pte.js';

describe('memory of devices', () => {
  it('lies behind all that RAM can be, one range behind the other', () => {
    const machine = machineWith();
    const one = machine.addDeviceRange('one', 2, new DeviceBytes(2 * PAGE_SIZE));
    const two = machine.addDeviceRange('two', 1, new DeviceBytes(PAGE_SIZE));
    expect([one.first, two.first]).toEqual([DEVICE_FIRST_FRAME, DEVICE_FIRST_FRAME + 2]);
    // The largest RAM there can be is 4 GiB.
    expect(DEVICE_FIRST_FRAME).toBeGreaterThanOrEqual(FIRST_FRAME + 2 ** 32 / PAGE_SIZE);
    expect(machine.isManaged(one.first)).toBe(false);
    const ranges = [-1, 0, 1, 2, 3].map((i) => machine.deviceRangeOf(asPfn(DEVICE_FIRST_FRAME + i))?.name ?? null);
    expect(ranges).toEqual([null, 'one', 'one', 'two', null]);
    expect(one.offsetOf(asPfn(one.first + 1))).toBe(PAGE_SIZE);
  });

  it('is as much as page tables can name', () => {
    const machine = machineWith();
    const device = new DeviceBytes(1);
    for (const pages of [0, -1, 1.5, MAX_FRAMES]) {
      expect(() => machine.addDeviceRange('x', pages, device)).toThrow(RangeError);
    }
    machine.addDeviceRange('all', MAX_FRAMES - DEVICE_FIRST_FRAME, device);
    expect(() => machine.addDeviceRange('more', 1, device)).toThrow('the device more has a whole number of pages');
  });

  it('is little-endian when it is plain bytes', () => {
    const device = new DeviceBytes(8);
    device.write(0, 4, 0x04030201);
    device.write(5, 2, 0x0605);
    device.write(7, 1, 7);
    expect([...device.bytes]).toEqual([1, 2, 3, 4, 0, 5, 6, 7]);
    const sizes: AccessSize[] = [1, 2, 4];
    expect(sizes.map((size) => device.read(1, size))).toEqual([2, 0x0302, 0x00040302]);
  });
});

describe('direct memory access', () => {
  /** A machine with a page of device memory that holds 100, 101 …, and RAM that holds 0, 1, 2 …. */
  function machine() {
    const made = machineWith();
    for (let i = 0; i < made.ram.bytes.length; i++) made.ram.bytes[i] = i % 251;
    const device = new DeviceBytes(PAGE_SIZE);
    device.bytes.forEach((_, i) => {
      device.bytes[i] = 100 + (i % 50);
    });
    return { made, device, range: made.addDeviceRange('fb', 1, device) };
  }

  it('reads frames in the order in which they are named, of RAM or of devices', () => {
    const { made, range } = machine();
    const bytes = new Uint8Array(2 * PAGE_SIZE);
    made.dmaRead([asPfn(FIRST_FRAME + 1), range.first, FIRST_FRAME], PAGE_SIZE - 2, bytes);
    expect([...bytes.subarray(0, 4)]).toEqual([(2 * PAGE_SIZE - 2) % 251, (2 * PAGE_SIZE - 1) % 251, 100, 101]);
    expect([...bytes.subarray(PAGE_SIZE + 2, PAGE_SIZE + 5)]).toEqual([0, 1, 2]);
  });

  it('writes them', () => {
    const { made, device, range } = machine();
    made.dmaWrite([range.first, asPfn(FIRST_FRAME + 2)], PAGE_SIZE - 1, Uint8Array.of(7, 8, 9));
    expect(device.bytes[PAGE_SIZE - 1]).toBe(7);
    expect([...made.ram.bytes.subarray(2 * PAGE_SIZE, 2 * PAGE_SIZE + 3)]).toEqual([8, 9, (2 * PAGE_SIZE + 2) % 251]);
  });

  it('finds nothing where there is nothing, and loses what goes there', () => {
    const { made } = machine();
    const bytes = new Uint8Array(3);
    for (const nowhere of [-1, FIRST_FRAME + made.ram.pages, DEVICE_FIRST_FRAME + 9]) {
      made.dmaWrite([asPfn(nowhere)], 0, Uint8Array.of(1, 2, 3));
      made.dmaRead([asPfn(nowhere)], 0, bytes);
      expect([...bytes]).toEqual([0xff, 0xff, 0xff]);
    }
    made.dmaRead([], 0, bytes.fill(5));
    expect([...bytes], 'a buffer without frames').toEqual([5, 5, 5]);
  });
});
