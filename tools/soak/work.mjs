/** All that workers do, and how often. */
import * as files from './file-work.mjs';
import * as memory from './memory-work.mjs';
import * as processes from './process-work.mjs';
import * as sharing from './sharing-work.mjs';
import * as transfers from './transfer-work.mjs';

/**
 * A kind of work.
 *
 * @typedef {object} Kind
 * @property {string} name for messages
 * @property {number} weight how often it is done, beside the others
 * @property {boolean} [alone] whether no other thread of the process may do anything meanwhile
 * @property {(soak: import('./soak.mjs').Soak, worker: import('./worker.mjs').Worker) => import('./worker.mjs').Work} start
 */

/** @type {readonly Kind[]} */
export const WORK = [
  { name: 'map private memory', weight: 12, start: memory.mapPrivate },
  { name: 'map memory to be shared', weight: 3, start: memory.mapShared },
  { name: 'unmap', weight: 8, start: memory.unmap },
  { name: 'store', weight: 40, start: memory.storeSome },
  { name: 'load', weight: 40, start: memory.checkSome },
  { name: 'load a whole region', weight: 6, start: memory.checkRegion },
  { name: 'wire or unwire', weight: 4, start: memory.wire },
  { name: 'protect', weight: 2, start: memory.protect },
  { name: 'advise', weight: 2, start: memory.advise },
  { name: 'discard', weight: 2, start: memory.discard },
  { name: 'move or resize', weight: 3, start: memory.resize },
  { name: 'map a file', weight: 4, start: files.mapFile },
  { name: 'map a program', weight: 3, start: files.mapProgram },
  { name: 'write to a file', weight: 3, start: files.writeFile },
  { name: 'read a file', weight: 3, start: files.readFile },
  { name: 'msync', weight: 2, start: files.sync },
  { name: 'truncate', weight: 1, start: files.truncate },
  { name: 'attach a segment', weight: 2, start: sharing.attach },
  { name: 'detach a segment', weight: 2, start: sharing.detach },
  { name: 'remove a segment', weight: 1, start: sharing.remove },
  { name: 'have children share', weight: 2, start: sharing.inherit },
  { name: 'send through a pipe', weight: 3, start: transfers.throughPipe },
  { name: 'send through a socket', weight: 3, start: transfers.throughSocket },
  { name: 'have a disk move bytes', weight: 3, start: transfers.byDisk },
  { name: 'fork', weight: 6, alone: true, start: processes.fork },
  { name: 'exit', weight: 2, alone: true, start: processes.exit },
  { name: 'wait', weight: 3, alone: true, start: processes.reap },
];
