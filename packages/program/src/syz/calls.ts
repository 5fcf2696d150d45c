/** The calls that syzkaller programs can make here. */
import type { CallType, SyzOs } from './call-type.js';
import { fileCalls } from './file-calls.js';
import { memoryCalls } from './memory-calls.js';
import { processCalls } from './process-calls.js';
import { shmCalls } from './shm-calls.js';
import { socketCalls } from './socket-calls.js';

const CALLS: Readonly<Record<SyzOs, ReadonlyMap<string, CallType>>> = {
  netbsd: new Map([
    ...memoryCalls('netbsd'),
    ...fileCalls('netbsd'),
    ...processCalls('netbsd'),
    ...shmCalls('netbsd'),
    ...socketCalls('netbsd'),
  ]),
  linux: new Map([
    ...memoryCalls('linux'),
    ...fileCalls('linux'),
    ...processCalls('linux'),
    ...shmCalls('linux'),
    ...socketCalls('linux'),
  ]),
};

/** The calls that there are for programs of an operating system, by name; each variant of a call (`mmap$x`) is the call. */
export function callsOf(os: SyzOs): ReadonlyMap<string, CallType> {
  return CALLS[os];
}
