/** Files whose operations are recorded, and files that answer from a recording. See `recording.ts`. */
import type { Errno, FileStore } from '@faultline/kernel';
import { ask, Player, type RecordedOperation, Recorder, type Recording } from './recording.js';

/** What was true of a file when its recording began. */
export interface FileFacts {
  readonly name: string;
  readonly writable: boolean;
  /** Bytes in the file. */
  readonly size: number;
}

const askTruncate = (size: number): string => `truncate to ${size}`;
const askHole = (offset: number): string => `hole at ${offset}`;
const askAllocate = (offset: number, length: number): string => `allocate ${length} at ${offset}`;

/** Another store, of which all that it answers is recorded. */
export class RecordingStore implements FileStore {
  readonly name: string;
  readonly writable: boolean;
  readonly #store: FileStore;
  readonly #recorder: Recorder<FileFacts>;
  #size: number;

  constructor(store: FileStore) {
    const { name, writable, size } = store;
    this.name = name;
    this.writable = writable;
    this.#store = store;
    this.#size = size;
    this.#recorder = new Recorder({ name, writable, size });
  }

  /** What has been recorded so far; grows with each operation. */
  get recording(): Recording<FileFacts> {
    return this.#recorder.recording;
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, into: Uint8Array): Errno {
    return this.#recorder.noteRead(ask.read(offset, into), this.#store.read(offset, into), into);
  }

  write(offset: number, from: Uint8Array): Errno {
    return this.#note(ask.write(offset, from), this.#store.write(offset, from));
  }

  truncate(size: number): Errno {
    return this.#note(askTruncate(size), this.#store.truncate(size));
  }

  isHole(offset: number): boolean {
    return this.#note(askHole(offset), this.#store.isHole(offset) ? 1 : 0) === 1;
  }

  allocate(offset: number, length: number): Errno {
    return this.#note(askAllocate(offset, length), this.#store.allocate(offset, length));
  }

  sync(): Errno {
    return this.#note(ask.sync, this.#store.sync());
  }

  /** Also after an error the size may be another one: some of the bytes may have been written. */
  #note(question: string, answer: number): number {
    const { size } = this.#store;
    const changes = size === this.#size ? {} : { size };
    this.#size = size;
    return this.#recorder.note(question, answer, changes);
  }
}

/**
 * A file that is not there: all that it answers was recorded.
 *
 * => each operation throws a RecordingMismatch when it is not the one that was recorded.
 */
export class ReplayingStore implements FileStore {
  readonly name: string;
  readonly writable: boolean;
  readonly #player: Player;
  #size: number;

  constructor(recording: Recording<FileFacts>) {
    const { name, writable, size } = recording.facts;
    this.name = name;
    this.writable = writable;
    this.#size = size;
    this.#player = new Player(name, recording);
  }

  get size(): number {
    return this.#size;
  }

  read(offset: number, into: Uint8Array): Errno {
    return this.#player.nextRead(ask.read(offset, into), into);
  }

  write(offset: number, from: Uint8Array): Errno {
    return this.#take(this.#player.next(ask.write(offset, from)));
  }

  truncate(size: number): Errno {
    return this.#take(this.#player.next(askTruncate(size)));
  }

  isHole(offset: number): boolean {
    return this.#take(this.#player.next(askHole(offset))) === 1;
  }

  allocate(offset: number, length: number): Errno {
    return this.#take(this.#player.next(askAllocate(offset, length)));
  }

  sync(): Errno {
    return this.#take(this.#player.next(ask.sync));
  }

  #take({ answer, size }: RecordedOperation): number {
    if (size !== undefined) this.#size = size;
    return answer;
  }
}
