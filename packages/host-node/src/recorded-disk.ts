/**
 * Disks whose operations are recorded, and disks that answer from a recording. See `recording.ts`. A request that does not fit the disk
 * is refused before it gets anywhere, and is in no recording.
 */
import { type BlockDevice, EINVAL, type Errno, requestFits } from '@faultline/kernel';
import { ask, Player, Recorder, type Recording } from './recording.js';

/** What is true of a disk. */
export interface DiskFacts {
  readonly name: string;
  /** Bytes in a block. */
  readonly blockSize: number;
  readonly blockCount: number;
}

/** Another disk, of which all that it answers is recorded. */
export class RecordingDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly #disk: BlockDevice;
  readonly #recorder: Recorder<DiskFacts>;

  constructor(disk: BlockDevice) {
    const { name, blockSize, blockCount } = disk;
    this.name = name;
    this.blockSize = blockSize;
    this.blockCount = blockCount;
    this.#disk = disk;
    this.#recorder = new Recorder({ name, blockSize, blockCount });
  }

  /** What has been recorded so far; grows with each operation. */
  get recording(): Recording<DiskFacts> {
    return this.#recorder.recording;
  }

  read(block: number, into: Uint8Array): Errno {
    if (!requestFits(this, block, into.length)) return EINVAL;
    return this.#recorder.noteRead(ask.read(block, into), this.#disk.read(block, into), into);
  }

  write(block: number, from: Uint8Array): Errno {
    if (!requestFits(this, block, from.length)) return EINVAL;
    return this.#recorder.note(ask.write(block, from), this.#disk.write(block, from));
  }

  flush(): Errno {
    return this.#recorder.note(ask.sync, this.#disk.flush());
  }
}

/**
 * A disk that is not there: all that it answers was recorded.
 *
 * => each operation throws a RecordingMismatch when it is not the one that was recorded.
 */
export class ReplayingDisk implements BlockDevice {
  readonly name: string;
  readonly blockSize: number;
  readonly blockCount: number;
  readonly #player: Player;

  constructor(recording: Recording<DiskFacts>) {
    const { name, blockSize, blockCount } = recording.facts;
    this.name = name;
    this.blockSize = blockSize;
    this.blockCount = blockCount;
    this.#player = new Player(name, recording);
  }

  read(block: number, into: Uint8Array): Errno {
    if (!requestFits(this, block, into.length)) return EINVAL;
    return this.#player.nextRead(ask.read(block, into), into);
  }

  write(block: number, from: Uint8Array): Errno {
    if (!requestFits(this, block, from.length)) return EINVAL;
    return this.#player.next(ask.write(block, from)).answer;
  }

  flush(): Errno {
    return this.#player.next(ask.sync).answer;
  }
}
