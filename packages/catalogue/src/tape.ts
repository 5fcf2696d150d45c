/** What the entries about raw I/O have in common: a tape, and programs that read it to their memory or write it from there. */
import {
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  O_RDONLY,
  PAGE_SIZE,
  PROT_READ,
  PROT_WRITE,
  type Step,
  type User,
} from '@faultline/kernel';
import { defineProgram, type Program, type ProgramDefinition } from '@faultline/program';

/** Where the buffer is. */
export const X = 0x100000;
export const READ_WRITE = PROT_READ | PROT_WRITE;
/** Memory of the program's own, at an address. */
export const OWN = MAP_ANON | MAP_PRIVATE | MAP_FIXED;

const TAPE = '/dev/rst0';
/** The machine: a block of a file is a page, so that no page is read that nobody has asked for. */
export const MACHINE = { ramPages: 32, blockSize: PAGE_SIZE } as const;
/** A tape with a record of a page on it. */
export const WITH_TAPE = { [TAPE]: { kind: 'tape', records: [new Uint8Array(PAGE_SIZE).fill(7)] } } as const;

/** Opens the tape: the first descriptor is 0. */
export function* opensTape(user: User, flags = O_RDONLY): Step<void> {
  yield* user.open(TAPE, flags);
}

/** Reads the record from descriptor 0 to the buffer. */
export function* readsTape(user: User): Step<void> {
  yield* user.read(0, X, PAGE_SIZE);
}

/** A program that reads the tape to a page of its own memory, while another thread of it does something else. */
export function readingThread(name: string, other: (user: User) => Step<void>, before?: ProgramDefinition['setUp']): Program {
  return defineProgram({
    name,
    machine: MACHINE,
    devices: WITH_TAPE,
    *setUp(user) {
      yield* opensTape(user);
      yield* user.mmap(X, PAGE_SIZE, READ_WRITE, OWN);
      yield* user.store8(X, 1);
      if (before !== undefined) yield* before(user);
    },
    *main(user) {
      yield* user.lwpCreate(other);
      yield* readsTape(user);
    },
  });
}
