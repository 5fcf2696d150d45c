/**
 * B5: the shapes of programs by which Abdulla, Aronis, Jonsson and Sagonas showed what optimal DPOR saves (Optimal dynamic partial
 * order reduction, POPL 2014; filesystem and indexer are Flanagan's and Godefroid's, POPL 2005).
 */
import { AtomicCell, type Kern, Mutex, type Step } from '@faultline/kernel';
import type { Model } from '../model.js';
import { programModel, times } from './program.js';

/** One thread writes a word that n others read. 2^n classes. */
export function readers(n: number): Model {
  return programModel(`readers(${n})`, (kern) => {
    const x = new AtomicCell('x', 0);
    return {
      bodies: [() => write(kern, x), ...times(n, () => () => read(kern, x))],
      writeState: (writer) => x.writeState(writer),
    };
  });
}

function* write(kern: Kern, x: AtomicCell): Step<void> {
  kern.announce('write');
  yield* x.store(kern.scheduler, 42);
  kern.announce('over');
}

function* read(kern: Kern, x: AtomicCell): Step<void> {
  kern.announce('read');
  yield* x.load(kern.scheduler);
  kern.announce('over');
}

/** n threads each set an element of an array to one more than the element before it, and one looks for the last that is 0. */
export function lastZero(n: number): Model {
  return programModel(`lastzero(${n})`, (kern) => {
    const array = times(n + 1, (i) => new AtomicCell(`array[${i}]`, 0));
    return {
      bodies: [() => findZero(kern, array), ...times(n, (i) => () => raise(kern, array, i + 1))],
      writeState(writer) {
        for (const cell of array) cell.writeState(writer);
      },
    };
  });
}

function* findZero(kern: Kern, array: readonly AtomicCell[]): Step<void> {
  for (let i = array.length - 1; ; i--) {
    kern.announce('look', i);
    if ((yield* (array[i] as AtomicCell).load(kern.scheduler)) === 0) break;
  }
  kern.announce('over');
}

function* raise(kern: Kern, array: readonly AtomicCell[], i: number): Step<void> {
  kern.announce('load', i);
  const before = yield* (array[i - 1] as AtomicCell).load(kern.scheduler);
  kern.announce('store', i, before);
  yield* (array[i] as AtomicCell).store(kern.scheduler, before + 1);
  kern.announce('over');
}

const INODES = 32;
const BLOCKS = 26;

interface Disk {
  readonly inodeLocks: readonly Mutex[];
  readonly blockLocks: readonly Mutex[];
  readonly inodes: number[];
  readonly busy: boolean[];
}

/** n threads each give an inode a free block, looking for one from a place that two threads may have in common. */
export function fileSystem(n: number): Model {
  return programModel(`filesystem(${n})`, (kern) => {
    const lock = (name: string) => new Mutex(kern, kern.lockClass(name));
    const disk: Disk = {
      inodeLocks: times(Math.min(n, INODES), (i) => lock(`inode ${i}`)),
      blockLocks: times(BLOCKS, (i) => lock(`block ${i}`)),
      inodes: times(INODES, () => 0),
      busy: times(BLOCKS, () => false),
    };
    return {
      bodies: times(n, (i) => () => allocateBlock(kern, disk, i % INODES)),
      writeState(writer) {
        for (const each of [...disk.inodeLocks, ...disk.blockLocks]) writer.thing('lock', each);
        for (const inode of disk.inodes) writer.field('inode', inode);
        for (const busy of disk.busy) writer.field('busy', busy);
      },
    };
  });
}

function* allocateBlock(kern: Kern, disk: Disk, i: number): Step<void> {
  const { inodeLocks, blockLocks, inodes, busy } = disk;
  const inodeLock = inodeLocks[i] as Mutex;
  kern.announce('inode', i);
  yield* inodeLock.enter();
  let free = inodes[i] !== 0;
  for (let b = (i * 2) % BLOCKS; !free; b = (b + 1) % BLOCKS) {
    kern.announce('block', i, b);
    const blockLock = blockLocks[b] as Mutex;
    yield* blockLock.enter();
    if (!busy[b]) {
      busy[b] = true;
      inodes[i] = b + 1;
      free = true;
    }
    kern.announce('block out', i, b, free ? 1 : 0);
    yield* blockLock.exit();
  }
  kern.announce('inode out', i);
  yield* inodeLock.exit();
  kern.announce('over');
}

const TABLE = 128;
const INSERTIONS = 4;

/** n threads each insert four words into a hash table, by compare-and-swap. */
export function indexer(n: number): Model {
  return programModel(`indexer(${n})`, (kern) => {
    const table = times(TABLE, (i) => new AtomicCell(`table[${i}]`, 0));
    return {
      bodies: times(n, (i) => () => insertAll(kern, table, i)),
      writeState(writer) {
        for (const cell of table) cell.writeState(writer);
      },
    };
  });
}

function* insertAll(kern: Kern, table: readonly AtomicCell[], who: number): Step<void> {
  for (let m = 1; m <= INSERTIONS; m++) {
    const word = m * 11 + who;
    let at = (word * 7) % TABLE;
    kern.announce('insert', m, at);
    while ((yield* (table[at] as AtomicCell).cas(kern.scheduler, 0, word)) !== 0) {
      at = (at + 1) % TABLE;
      kern.announce('insert', m, at);
    }
  }
  kern.announce('over');
}
