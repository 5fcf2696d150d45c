/**
 * Programs: what is run on a machine. A program comes from a module, a syzkaller program, an strace log or the catalogue; to all
 * that run it, it is the same thing.
 */
import { type DeviceSettings, type FileStore, RamFile, type Step, type User, type UserProgram } from '@faultline/kernel';
import type { Session } from './session.js';
import type { MachineSettings } from './settings.js';

/** Something that can be run. */
export interface Program {
  /** What it is called in reports. */
  readonly name: string;
  /** What it wants of the machine; whoever runs it may want something else. */
  readonly machine?: MachineSettings;
  /** Makes processes and has them do their work; returns when all is done. */
  readonly run: (session: Session) => void;
  /** Looks at the end whether all is as it should be; a sentence for each thing that is not. */
  readonly check?: (session: Session) => readonly string[];
}

/** A program has found that something is not as it should be: thrown in one of its threads, it ends the run at once. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

/** The content of a file that is there from the start: bytes, text, or so many zeros, or a file of the host. */
export type FileContent = Uint8Array | string | { readonly size: number } | FileStore;

/** A program as a module writes it. */
export interface ProgramDefinition {
  readonly name?: string;
  readonly machine?: MachineSettings;
  /** Files that are there from the start, by path. */
  readonly files?: Readonly<Record<string, FileContent>>;
  /** Devices that are there from the start, by path: `{ '/dev/rst0': { kind: 'tape' } }`. */
  readonly devices?: Readonly<Record<string, DeviceSettings>>;
  /** What the first process does before the calls are counted. */
  readonly setUp?: (user: User) => Step<void>;
  /** What the first process runs. */
  readonly main: UserProgram;
  /** What further processes run, by name. They start when `setUp` is done. */
  readonly others?: Readonly<Record<string, UserProgram>>;
  readonly check?: (session: Session) => readonly string[];
}

/** Makes a program of a definition. */
export function defineProgram(definition: ProgramDefinition): Program {
  const { name = 'program', machine, files = {}, devices = {}, setUp, main, others = {}, check } = definition;
  for (const [process, program] of Object.entries({ main, ...others })) {
    if (typeof program !== 'function')
      throw new TypeError(`${process} of a program is ${String(program)}, not a generator function; write *main(user) { … }`);
  }
  return {
    name,
    ...(machine && { machine }),
    ...(check && { check }),
    run(session) {
      const { system } = session;
      for (const [path, content] of Object.entries(files)) system.sys.vfs.add(path, toStore(path, content));
      for (const [path, settings] of Object.entries(devices)) system.addDevice(path, settings);
      const first = system.spawn('main');
      if (setUp !== undefined) session.withoutCounting(() => system.perform(first, setUp));
      const [thread] = first.lwps;
      if (thread !== undefined) system.startProgram(thread, main);
      for (const [other, program] of Object.entries(others)) system.spawn(other, { program });
      system.run();
    },
  };
}

function toStore(path: string, content: FileContent): FileStore {
  if (typeof content === 'string') return new RamFile(path, encodeUtf8(content));
  if (content instanceof Uint8Array) return new RamFile(path, content);
  if ('read' in content) return content;
  if (Number.isSafeInteger(content.size) && content.size >= 0) return new RamFile(path, content);
  throw new RangeError(`the file ${path} has ${content.size} bytes; give a whole number from 0 up`);
}

/** Text as UTF-8, without an encoder of the host. */
function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  }
  return Uint8Array.from(bytes);
}
