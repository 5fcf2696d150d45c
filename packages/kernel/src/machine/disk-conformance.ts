/** The conformance kit of block devices. See `conformance.ts`. */
import { EINVAL, errnoName } from '../kern/errno.js';
import { pattern, problems, type Rule, type Trial, UNTOUCHED, window } from './conformance-trial.js';
import type { BlockDevice } from './disk.js';

/** What a device has from a block on; the buffer is full of other bytes before. */
function readBlocks(device: BlockDevice, trial: Trial, block: number, count: number): Uint8Array {
  const { bytes, around } = window(count * device.blockSize);
  trial.ok(device.read(block, bytes), `a read of ${count} blocks at ${block}`);
  trial.same(around(), UNTOUCHED, 'what lies around the buffer');
  return bytes;
}

function writeBlocks(device: BlockDevice, trial: Trial, block: number, bytes: Uint8Array): void {
  const { bytes: given } = window(bytes.length);
  given.set(bytes);
  trial.ok(device.write(block, given), `a write of ${bytes.length / device.blockSize} blocks at ${block}`);
  trial.same(given, bytes, 'the buffer that was written');
  // A device that has kept the buffer instead of copying it shows this later.
  given.fill(0xdd);
}

/** How many blocks the kit uses at most; the rest of the device stays as it is. */
function used(device: BlockDevice): number {
  return Math.min(device.blockCount, 8);
}

/** Requests that leave a device or do not move whole blocks: from which block, how many bytes. */
function badRequests({ blockSize, blockCount }: BlockDevice): (readonly [block: number, bytes: number])[] {
  return [
    [blockCount, blockSize],
    [blockCount - 1, 2 * blockSize],
    [blockCount + 1, 0],
    [-1, blockSize],
    [-1, 2 * blockSize],
    [0.5, blockSize],
    [Number.NaN, blockSize],
    [0, blockSize - 1],
    [0, blockSize + 1],
    [0, 1],
  ];
}

const DEVICE_RULES: readonly Rule<BlockDevice>[] = [
  {
    sentence: 'a device has a name, and whole numbers of blocks and of bytes in them',
    check(device, trial) {
      trial.expect(typeof device.name === 'string' && device.name !== '', 'it has no name');
      trial.expect(Number.isInteger(device.blockSize) && device.blockSize > 0, `blockSize is ${device.blockSize}`);
      trial.expect(Number.isInteger(device.blockCount) && device.blockCount > 0, `blockCount is ${device.blockCount}`);
    },
  },
  {
    sentence: 'what is written is read back, and no other block changes',
    check(device, trial) {
      const { blockSize } = device;
      const count = used(device);
      const model = pattern(count * blockSize);
      writeBlocks(device, trial, 0, model);
      for (let block = 0; block < count; block++) {
        for (const length of [1, count - block]) {
          const bytes = pattern(length * blockSize, block + length + 1);
          writeBlocks(device, trial, block, bytes);
          model.set(bytes, block * blockSize);
          const after = `after writing ${length} blocks at ${block}`;
          trial.same(readBlocks(device, trial, block, length), bytes, `block ${block} ${after}`);
          trial.same(readBlocks(device, trial, 0, count), model, `the device ${after}`);
        }
      }
    },
  },
  {
    sentence: 'the last block is as good as the first',
    check(device, trial) {
      const last = device.blockCount - 1;
      writeBlocks(device, trial, last, pattern(device.blockSize, 2));
      if (last > 0) writeBlocks(device, trial, 0, pattern(device.blockSize, 3));
      trial.same(readBlocks(device, trial, last, 1), pattern(device.blockSize, 2), `block ${last}`);
    },
  },
  {
    sentence: 'what is read is a copy',
    check(device, trial) {
      writeBlocks(device, trial, 0, pattern(device.blockSize));
      readBlocks(device, trial, 0, 1).fill(0xdd);
      trial.same(
        readBlocks(device, trial, 0, 1),
        pattern(device.blockSize),
        'block 0 after changing the buffer that it was read into',
      );
    },
  },
  {
    sentence: 'a request that leaves the device or is no multiple of a block answers EINVAL and moves nothing',
    check(device, trial) {
      const count = used(device);
      const last = Math.max(0, device.blockCount - count);
      for (const at of [0, last]) writeBlocks(device, trial, at, pattern(count * device.blockSize, at));
      const before = [0, last].map((at) => readBlocks(device, trial, at, count));
      for (const [block, bytes] of badRequests(device)) {
        const what = `of ${bytes} bytes at block ${block}`;
        const { bytes: buffer } = window(bytes);
        const read = device.read(block, buffer);
        trial.expect(read === EINVAL, `a read ${what} answers ${errnoName(read)}`);
        trial.same(buffer, new Uint8Array(bytes).fill(0xee), `the buffer of a refused read ${what}`);
        const written = device.write(block, buffer);
        trial.expect(written === EINVAL, `a write ${what} answers ${errnoName(written)}`);
        for (const [i, at] of [0, last].entries()) {
          trial.same(readBlocks(device, trial, at, count), before[i] as Uint8Array, `the device after a refused write ${what}`);
        }
      }
    },
  },
  {
    sentence: 'a request for no blocks succeeds',
    check(device, trial) {
      for (const block of [0, device.blockCount]) {
        trial.ok(device.read(block, new Uint8Array()), `a read of nothing at block ${block}`);
        trial.ok(device.write(block, new Uint8Array()), `a write of nothing at block ${block}`);
      }
    },
  },
  {
    sentence: 'flush succeeds, and changes nothing',
    check(device, trial) {
      writeBlocks(device, trial, 0, pattern(used(device) * device.blockSize));
      trial.ok(device.flush(), 'flush');
      trial.same(readBlocks(device, trial, 0, used(device)), pattern(used(device) * device.blockSize), 'the device after flush');
    },
  },
];

function durable(reopen: (device: BlockDevice) => BlockDevice): Rule<BlockDevice> {
  return {
    sentence: 'what was flushed is there when the device is opened again',
    check(device, trial) {
      const bytes = pattern(used(device) * device.blockSize, 5);
      writeBlocks(device, trial, 0, bytes);
      trial.ok(device.flush(), 'flush');
      trial.same(readBlocks(reopen(device), trial, 0, used(device)), bytes, 'the device when opened again');
    },
  };
}

/**
 * Says which rules of its contract a kind of block device breaks; nothing when it is sound.
 *
 * @param make gives a device of its own at each call; its first and last blocks are overwritten
 * @param options.reopen opens what a device stands for once more, as after a crash of the host; checks that nothing flushed is lost
 */
export function blockDeviceProblems(
  make: () => BlockDevice,
  options: { reopen?: (device: BlockDevice) => BlockDevice } = {},
): string[] {
  const { reopen } = options;
  return problems([...DEVICE_RULES, ...(reopen === undefined ? [] : [durable(reopen)])], make);
}
