import { createHash } from 'node:crypto';
import { EIO, ENOSPC, type Errno, fileStoreProblems, RamFile } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { type FileFacts, RecordingStore, ReplayingStore } from './recorded-store.js';
import { type Recording, RecordingMismatch } from './recording.js';

const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What is left of a recording that was written to a file. */
function rewritten<T>(recording: T): T {
  return JSON.parse(JSON.stringify(recording)) as T;
}

/** A file on which every second operation fails: a read that has left something, a write when half of it is done. */
class FailingFile extends RamFile {
  fails = true;

  override read(offset: number, into: Uint8Array): Errno {
    this.fails = !this.fails;
    return super.read(offset, into) || (this.fails ? EIO : 0);
  }

  override write(offset: number, from: Uint8Array): Errno {
    this.fails = !this.fails;
    return super.write(offset, this.fails ? from.subarray(0, from.length / 2) : from) || (this.fails ? ENOSPC : 0);
  }
}

/** Some operations, and all that can be seen of them. */
function use(store: RecordingStore | ReplayingStore): unknown[] {
  const seen: unknown[] = [store.name, store.writable, store.size];
  const see = (answer: unknown): void => void seen.push(answer, store.size);
  for (let i = 0; i < 4; i++) {
    see(store.write(10 * i, text('12345678')));
    const bytes = new Uint8Array(16).fill(0xee);
    see(store.read(8 * i, bytes));
    see([...bytes]);
  }
  see(store.isHole(0));
  see(store.isHole(8192));
  see(store.allocate(4096, 5000));
  see(store.truncate(5));
  see(store.truncate(20_000));
  see(store.sync());
  return seen;
}

describe('a recorded file', () => {
  it('does all that a file store has to do', () => {
    expect(fileStoreProblems(() => new RecordingStore(new RamFile('f')))).toEqual([]);
  });

  it('is told as plain data: questions, answers, and what was read', () => {
    const store = new RecordingStore(new RamFile('f', text('hello')));
    store.read(0, new Uint8Array(5));
    store.write(5, text('!'));
    store.read(0, new Uint8Array(5));
    store.sync();
    expect(rewritten(store.recording)).toEqual({
      facts: { name: 'f', writable: true, size: 5 },
      operations: [
        { ask: 'read 5 at 0', answer: 0, content: 0 },
        { ask: `write 1 at 5, sha256 ${sha256(text('!'))}`, answer: 0, size: 6 },
        // The same bytes are not kept a second time.
        { ask: 'read 5 at 0', answer: 0, content: 0 },
        { ask: 'sync', answer: 0 },
      ],
      contents: ['aGVsbG8='],
    });
  });

  it.each([
    ['one that never fails', () => new RamFile('f', text('content'))],
    ['one that fails', () => new FailingFile('f')],
  ])('answers from its recording as it did: %s', (_, make) => {
    const store = new RecordingStore(make());
    const seen = use(store);
    expect(use(new ReplayingStore(rewritten(store.recording)))).toEqual(seen);
  });

  it('that failed gives no bytes, whatever the failure left in the buffer', () => {
    const file = new FailingFile('f');
    const store = new RecordingStore(file);
    store.write(0, text('content'));
    const bytes = new Uint8Array(4);
    expect([store.read(0, bytes), [...bytes]]).toEqual([EIO, [0, 0, 0, 0]]);
    expect(store.recording.contents).toEqual([]);
  });
});

describe('a replay that asks something else than was recorded', () => {
  function recorded(): Recording<FileFacts> {
    const store = new RecordingStore(new RamFile('data', text('hello')));
    store.read(0, new Uint8Array(5));
    store.write(5, text('!'));
    return rewritten(store.recording);
  }

  it.each([
    [
      'another operation',
      (file: ReplayingStore) => file.sync(),
      'data: operation 1 is "sync", where the recording has "read 5 at 0"',
    ],
    [
      'another place',
      (file: ReplayingStore) => file.read(1, new Uint8Array(5)),
      'data: operation 1 is "read 5 at 1", where the recording has "read 5 at 0"',
    ],
    [
      'other bytes',
      (file: ReplayingStore) => {
        file.read(0, new Uint8Array(5));
        file.write(5, text('?'));
      },
      `data: operation 2 is "write 1 at 5, sha256 ${sha256(text('?'))}", where the recording has "write 1 at 5, sha256 ${sha256(text('!'))}"`,
    ],
    [
      'more',
      (file: ReplayingStore) => {
        file.read(0, new Uint8Array(5));
        file.write(5, text('!'));
        file.isHole(0);
      },
      'data: operation 3 is "hole at 0", where the recording has no more; replay it with the program',
    ],
  ])('is an error that says what and where: %s', (_, job, message) => {
    const replay = () => job(new ReplayingStore(recorded()));
    expect(replay).toThrow(RecordingMismatch);
    expect(replay).toThrow(message);
  });

  it('is told from a recording that is damaged', () => {
    const { facts, operations } = recorded();
    const file = new ReplayingStore({ facts, operations, contents: ['aGk='] });
    expect(() => file.read(0, new Uint8Array(5))).toThrow('data: the recording has 2 bytes for "read 5 at 0"; it is damaged');
  });
});
