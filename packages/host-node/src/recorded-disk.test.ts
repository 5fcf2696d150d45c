import { type BlockDevice, blockDeviceProblems, MemoryDisk } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { RecordingDisk, ReplayingDisk } from './recorded-disk.js';

describe('a recorded disk', () => {
  function use(disk: BlockDevice): unknown[] {
    const bytes = new Uint8Array(1024).fill(0xee);
    const answers = [
      disk.write(1, new Uint8Array(512).fill(7)),
      disk.read(0, bytes),
      disk.write(7, bytes),
      disk.read(-1, bytes.slice()),
    ];
    return [disk.name, disk.blockSize, disk.blockCount, ...answers, disk.flush(), ...bytes];
  }

  it('does all that a block device has to do', () => {
    expect(blockDeviceProblems(() => new RecordingDisk(new MemoryDisk('md0', { blockCount: 8 })))).toEqual([]);
  });

  it('answers from its recording as it did', () => {
    const disk = new RecordingDisk(new MemoryDisk('md0', { blockCount: 8 }));
    const seen = use(disk);
    expect(use(new ReplayingDisk(JSON.parse(JSON.stringify(disk.recording))))).toEqual(seen);
  });

  it('is an error to ask something else', () => {
    const disk = new RecordingDisk(new MemoryDisk('md0', { blockCount: 8 }));
    disk.flush();
    expect(() => new ReplayingDisk(disk.recording).read(0, new Uint8Array(512))).toThrow(
      'md0: operation 1 is "read 512 at 0", where the recording has "sync"',
    );
  });
});
