/** The conformance kit of file stores. See `conformance.ts`. */
import { SeededRandom } from '../kern/strategy.js';
import { PAGE_SIZE } from './address.js';
import { pattern, problems, type Rule, type Trial, UNTOUCHED, window } from './conformance-trial.js';
import type { FileStore } from './file-store.js';

/** What a store has at a place; the buffer is full of other bytes before. */
function readFile(store: FileStore, trial: Trial, offset: number, length: number): Uint8Array {
  const { bytes, around } = window(length);
  trial.ok(store.read(offset, bytes), `a read of ${length} bytes at ${offset}`);
  trial.same(around(), UNTOUCHED, 'what lies around the buffer');
  return bytes;
}

function writeFile(store: FileStore, trial: Trial, offset: number, bytes: Uint8Array): void {
  const { bytes: given, around } = window(bytes.length);
  given.set(bytes);
  trial.ok(store.write(offset, given), `a write of ${bytes.length} bytes at ${offset}`);
  trial.same(given, bytes, 'the buffer that was written');
  // A store that has kept the buffer instead of copying it shows this later.
  given.fill(0xdd);
  trial.same(around(), UNTOUCHED, 'what lies around the buffer');
}

function sizeIs(store: FileStore, trial: Trial, size: number, after: string): void {
  trial.expect(store.size === size, `after ${after} the size is ${store.size}, not ${size}`);
}

function contentIs(store: FileStore, trial: Trial, expected: Uint8Array, after: string): void {
  sizeIs(store, trial, expected.length, after);
  // A little more, which has to be zeros.
  const beyond = new Uint8Array(expected.length + 100);
  beyond.set(expected);
  trial.same(readFile(store, trial, 0, beyond.length), beyond, `the file after ${after}`);
}

/** Where reads and writes go wrong if anywhere: at and around the edges of pages, over several of them. */
const PLACES: readonly (readonly [offset: number, length: number])[] = [
  [0, 1],
  [0, PAGE_SIZE],
  [1, 10],
  [PAGE_SIZE - 1, 1],
  [PAGE_SIZE - 1, 2],
  [PAGE_SIZE, PAGE_SIZE],
  [PAGE_SIZE + 100, 2 * PAGE_SIZE],
  [100, 3 * PAGE_SIZE + 17],
];

const FILE_RULES: readonly Rule<FileStore>[] = [
  {
    sentence: 'a new file is empty and can be written',
    check(store, trial) {
      trial.expect(store.writable, 'it is not writable');
      trial.expect(typeof store.name === 'string', 'it has no name');
      contentIs(store, trial, new Uint8Array(), 'nothing at all');
    },
  },
  {
    sentence: 'what is written is read back, and nothing else changes',
    check(store, trial) {
      const model = pattern(5 * PAGE_SIZE);
      writeFile(store, trial, 0, model);
      for (const [i, [offset, length]] of PLACES.entries()) {
        const bytes = pattern(length, i + 2);
        writeFile(store, trial, offset, bytes);
        model.set(bytes, offset);
        trial.same(readFile(store, trial, offset, length), bytes, `a read of what was written at ${offset}`);
        contentIs(store, trial, model, `writing ${length} bytes at ${offset}`);
      }
    },
  },
  {
    sentence: 'a file grows to the end of what is written, and a gap before it reads as zeros',
    check(store, trial) {
      for (const offset of [10, PAGE_SIZE + 10, 6 * PAGE_SIZE - 1]) {
        const model = new Uint8Array(offset + 5);
        model.set(readFile(store, trial, 0, store.size));
        model.set(pattern(5), offset);
        writeFile(store, trial, offset, pattern(5));
        contentIs(store, trial, model, `writing 5 bytes at ${offset}`);
      }
    },
  },
  {
    sentence: 'offsets above 4 GiB are as good as others',
    check(store, trial) {
      writeFile(store, trial, 5, pattern(10, 1));
      writeFile(store, trial, 2 ** 32 + 5, pattern(10, 2));
      sizeIs(store, trial, 2 ** 32 + 15, 'writing 10 bytes at 2^32 + 5');
      trial.same(readFile(store, trial, 5, 10), pattern(10, 1), 'a read at 5');
      trial.same(readFile(store, trial, 2 ** 32 + 5, 10), pattern(10, 2), 'a read at 2^32 + 5');
    },
  },
  {
    sentence: 'a write of no bytes changes nothing',
    check(store, trial) {
      writeFile(store, trial, 0, pattern(10));
      for (const offset of [0, 5, 10, 3 * PAGE_SIZE]) {
        writeFile(store, trial, offset, new Uint8Array());
        contentIs(store, trial, pattern(10), `writing nothing at ${offset}`);
      }
    },
  },
  {
    sentence: 'what lies beyond the end reads as zeros, and reading does not extend the file',
    check(store, trial) {
      writeFile(store, trial, 0, pattern(10));
      const straddling = new Uint8Array(20);
      straddling.set(pattern(10).subarray(5));
      trial.same(readFile(store, trial, 5, 20), straddling, 'a read across the end');
      trial.same(readFile(store, trial, 9 * PAGE_SIZE, 30), new Uint8Array(30), 'a read beyond the end');
      contentIs(store, trial, pattern(10), 'reading beyond the end');
    },
  },
  {
    sentence: 'what is read is a copy',
    check(store, trial) {
      writeFile(store, trial, 0, pattern(PAGE_SIZE));
      readFile(store, trial, 0, PAGE_SIZE).fill(0xdd);
      contentIs(store, trial, pattern(PAGE_SIZE), 'changing the buffer that was read into');
    },
  },
  {
    sentence: 'a truncated file is shorter, and what was cut off reads as zeros for ever',
    check(store, trial) {
      const model = pattern(4 * PAGE_SIZE);
      for (const size of [3 * PAGE_SIZE, 2 * PAGE_SIZE + 1, PAGE_SIZE - 1, 0]) {
        writeFile(store, trial, 0, model);
        trial.ok(store.truncate(size), `truncate to ${size}`);
        contentIs(store, trial, model.slice(0, size), `truncate to ${size}`);
        trial.ok(store.truncate(model.length), `truncate to ${model.length}`);
        const grown = new Uint8Array(model.length);
        grown.set(model.subarray(0, size));
        contentIs(store, trial, grown, `truncate to ${size} and then to ${model.length}`);
      }
    },
  },
  {
    sentence: 'a file that is extended has zeros there',
    check(store, trial) {
      writeFile(store, trial, 0, pattern(10));
      const model = new Uint8Array(2 * PAGE_SIZE + 3);
      model.set(pattern(10));
      trial.ok(store.truncate(model.length), `truncate to ${model.length}`);
      contentIs(store, trial, model, `truncate to ${model.length}`);
      trial.ok(store.truncate(model.length), `truncate to ${model.length} again`);
      contentIs(store, trial, model, 'truncate to the size that it has');
    },
  },
  {
    sentence: 'a page that reads as anything but zeros is no hole',
    check(store, trial) {
      writeFile(store, trial, 2 * PAGE_SIZE + 7, pattern(1));
      trial.ok(store.truncate(4 * PAGE_SIZE), 'truncate to 4 pages');
      for (const within of [0, 7, PAGE_SIZE - 1]) {
        trial.expect(!store.isHole(2 * PAGE_SIZE + within), `isHole(${2 * PAGE_SIZE + within}) is true where a byte was written`);
      }
      const model = new Uint8Array(4 * PAGE_SIZE);
      model.set(pattern(1), 2 * PAGE_SIZE + 7);
      contentIs(store, trial, model, 'asking where the holes are');
    },
  },
  {
    sentence: 'allocate makes room, and changes neither size nor bytes',
    check(store, trial) {
      writeFile(store, trial, 0, pattern(10));
      trial.ok(store.allocate(5, 3 * PAGE_SIZE), 'allocate of 3 pages at 5');
      contentIs(store, trial, pattern(10), 'allocate');
      trial.ok(store.truncate(4 * PAGE_SIZE), 'truncate to 4 pages');
      for (let page = 0; page < 4; page++) {
        trial.expect(!store.isHole(page * PAGE_SIZE), `page ${page} is a hole, although there is room for it`);
      }
      const model = new Uint8Array(4 * PAGE_SIZE);
      model.set(pattern(10));
      contentIs(store, trial, model, 'allocate and truncate to 4 pages');
      trial.ok(store.allocate(20 * PAGE_SIZE, 0), 'allocate of nothing');
      contentIs(store, trial, model, 'allocate of nothing');
    },
  },
  {
    sentence: 'sync succeeds, and changes nothing',
    check(store, trial) {
      writeFile(store, trial, 3, pattern(2 * PAGE_SIZE));
      const model = readFile(store, trial, 0, store.size);
      trial.ok(store.sync(), 'sync');
      contentIs(store, trial, model, 'sync');
    },
  },
  {
    sentence: 'a random sequence of operations gives what a plain array gives',
    check(store, trial) {
      const random = new SeededRandom(1);
      let model = new Uint8Array();
      for (let i = 0; i < 100 && trial.findings.length === 0; i++) {
        const offset = random.below(5 * PAGE_SIZE);
        const what = random.below(5);
        if (what === 0) {
          model = resized(model, offset);
          trial.ok(store.truncate(offset), `truncate to ${offset}`);
        } else if (what === 1) {
          trial.ok(store.allocate(offset, random.below(PAGE_SIZE)), `allocate at ${offset}`);
        } else {
          const bytes = pattern(1 + random.below(2 * PAGE_SIZE), i);
          model = resized(model, Math.max(model.length, offset + bytes.length));
          model.set(bytes, offset);
          writeFile(store, trial, offset, bytes);
        }
        contentIs(store, trial, model, `operation ${i} of the sequence`);
        for (let at = 0; at < model.length; at += PAGE_SIZE) {
          const zeros = model.subarray(at, at + PAGE_SIZE).every((byte) => byte === 0);
          trial.expect(zeros || !store.isHole(at), `after operation ${i} isHole(${at}) is true where there are bytes`);
        }
      }
    },
  },
];

/** For a file that cannot be written. */
const READ_ONLY_RULES: readonly Rule<FileStore>[] = [
  {
    sentence: 'a file that is not writable refuses to be changed, with an errno',
    check(store, trial) {
      const { size } = store;
      const before = readFile(store, trial, 0, size);
      trial.expect(store.write(0, pattern(1)) !== 0, 'write answers OK');
      trial.expect(store.truncate(size + 1) !== 0, 'truncate answers OK');
      contentIs(store, trial, before, 'trying to change it');
    },
  },
];

function durable(reopen: (store: FileStore) => FileStore): Rule<FileStore> {
  return {
    sentence: 'what was synced is there when the file is opened again',
    check(store, trial) {
      const model = pattern(3 * PAGE_SIZE + 5);
      writeFile(store, trial, 0, model);
      trial.ok(store.sync(), 'sync');
      const again = reopen(store);
      contentIs(again, trial, model, 'a write, sync and opening it again');
      trial.ok(again.truncate(PAGE_SIZE + 1), 'truncate');
      trial.ok(again.sync(), 'sync');
      contentIs(reopen(again), trial, model.slice(0, PAGE_SIZE + 1), 'truncate, sync and opening it again');
    },
  };
}

function resized(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(size);
  result.set(bytes.subarray(0, size));
  return result;
}

/**
 * Says which rules of its contract a kind of file store breaks; nothing when it is sound.
 *
 * @param makeStore gives a store of its own at each call: new, empty and writable; or one that cannot be written, with any content
 * @param options.reopen opens what a store stands for once more, as after a crash of the host; checks that nothing synced is lost
 */
export function fileStoreProblems(
  makeStore: () => FileStore,
  options: { reopen?: (store: FileStore) => FileStore } = {},
): string[] {
  if (!makeStore().writable) return problems(READ_ONLY_RULES, makeStore);
  const { reopen } = options;
  const independent: Rule<FileStore> = {
    sentence: 'two files have nothing to do with each other',
    check(store, trial) {
      const other = makeStore();
      writeFile(store, trial, 0, pattern(10));
      contentIs(other, trial, new Uint8Array(), 'writing to another file');
    },
  };
  return problems([...FILE_RULES, independent, ...(reopen === undefined ? [] : [durable(reopen)])], makeStore);
}
