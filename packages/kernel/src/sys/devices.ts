/** Devices as plain data, for programs that want some; and making them. */
import { PAGE_SIZE } from '../machine/address.js';
import { DeviceBytes, type MemoryMappedDevice } from '../machine/device-memory.js';
import { type BlockDevice, DEV_BSIZE, MemoryDisk } from '../machine/disk.js';
import { PROT_ALL } from '../machine/protection.js';
import { MemoryDevice } from './memory-device.js';
import { RawDisk } from './raw-disk.js';
import { RawTape, type TapeOptions } from './raw-tape.js';
import type { Sys } from './sys.js';

/** A device that is wanted. */
export type DeviceSettings =
  | ({ readonly kind: 'tape' } & TapeOptions)
  /** A raw disk: one that is there, or so many blocks of zeros in memory. */
  | { readonly kind: 'disk'; readonly disk: BlockDevice }
  | { readonly kind: 'disk'; readonly blocks: number; readonly blockSize?: number }
  /** Memory that is the device's: plain bytes, or whatever `device` makes of loads and stores. */
  | { readonly kind: 'memory'; readonly pages: number; readonly device?: MemoryMappedDevice };

/** The device that settings make. */
export type DeviceOf<D extends DeviceSettings> = D extends { kind: 'tape' }
  ? RawTape
  : D extends { kind: 'disk' }
    ? RawDisk
    : MemoryDevice;

/** Makes a device, called by the last part of its path: `/dev/rst0` -> `rst0`. */
export function makeDevice<D extends DeviceSettings>(sys: Sys, path: string, settings: D): DeviceOf<D> {
  return deviceOf(sys, path, settings) as DeviceOf<D>;
}

function deviceOf(sys: Sys, path: string, settings: DeviceSettings): RawTape | RawDisk | MemoryDevice {
  const name = path.slice(path.lastIndexOf('/') + 1);
  switch (settings.kind) {
    case 'tape':
      return new RawTape(name, settings);
    case 'disk':
      return new RawDisk(sys.ioFaults.disk(path, diskOf(name, settings)));
    case 'memory': {
      const { pages } = settings;
      const range = sys.machine.addDeviceRange(name, pages, settings.device ?? new DeviceBytes(pages * PAGE_SIZE));
      return new MemoryDevice(range, PROT_ALL);
    }
  }
}

function diskOf(name: string, settings: DeviceSettings & { readonly kind: 'disk' }): BlockDevice {
  if ('disk' in settings) return settings.disk;
  return new MemoryDisk(name, { blockCount: settings.blocks, blockSize: settings.blockSize ?? DEV_BSIZE });
}
