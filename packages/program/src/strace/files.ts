/**
 * The regular files of a log, as files of this system.
 *
 * A log shows how large a file is, not what is in it: here it is a file of zeros. It gets a name and pages in this system only when a
 * process maps it, so that reading a gigabyte costs nothing.
 */
import { RamFile, type Vnode } from '@faultline/kernel';
import type { LoggedFile } from './descriptors.js';
import type { Replay } from './replay.js';
import type { Actor } from './tasks.js';

/** Paths that are remembered, and files that have pages here. A file that was forgotten is a new one when it is mapped again. */
const MAX_FILES = 4096;
/** Larger files have this size. */
const MAX_SIZE = 2 ** 52;

/** The files of a log. */
export class LoggedFiles {
  readonly #replay: Replay;
  /** By path in the log; the one that was opened last at the end. */
  readonly #named = new Map<string, LoggedFile>();
  /** By name in this system; the one that was mapped last at the end. */
  readonly #present = new Map<string, LoggedFile>();
  /** Makes names of files unique. */
  #serial = 1;

  constructor(replay: Replay) {
    this.#replay = replay;
  }

  /** The file of that name; a relative path is taken as it is, because a log does not tell where its process is. */
  open(path: string): LoggedFile {
    const file = this.#named.get(path) ?? nameless(path);
    this.#named.delete(path);
    this.#named.set(path, file);
    const [oldest] = this.#named.keys();
    if (this.#named.size > MAX_FILES && oldest !== undefined) this.#named.delete(oldest);
    return file;
  }

  /** Takes a path away; who has the file open or mapped keeps it. */
  remove(actor: Actor, path: string): void {
    const file = this.#named.get(path);
    this.#named.delete(path);
    if (file !== undefined) this.#forget(actor, file);
  }

  /** Gives a file another path, in place of the file that had it. */
  rename(actor: Actor, from: string, to: string): void {
    const file = this.#named.get(from);
    if (from === to) return;
    this.remove(actor, to);
    this.#named.delete(from);
    if (file !== undefined) this.#named.set(to, file);
  }

  /** The name of a file in this system, where it is from now on. */
  nameOf(actor: Actor, file: LoggedFile): string {
    const { vfs } = this.#replay.system.sys;
    let { name } = file;
    if (name === null) {
      name = vfs.lookup(file.path) === null ? file.path : `${file.path};${++this.#serial}`;
      vfs.add(name, new RamFile(name, { size: file.size }));
      file.name = name;
    }
    this.#present.delete(name);
    this.#present.set(name, file);
    const [oldest] = this.#present.values();
    if (this.#present.size > MAX_FILES && oldest !== undefined) this.#forget(actor, oldest);
    return name;
  }

  /** Takes a file's name in this system away: its pages go with the last who has mapped it. */
  #forget(actor: Actor, file: LoggedFile): void {
    const { name } = file;
    if (name === null) return;
    file.name = null;
    this.#present.delete(name);
    this.#replay.quietly(actor, (user) => user.unlink(name));
  }

  /** The log shows that a file has at least that size. */
  grow(actor: Actor, file: LoggedFile, size: number): void {
    if (size > file.size) this.#resize(actor, file, size);
  }

  /** The log tells the size of a file. */
  tell(actor: Actor, file: LoggedFile, size: number): void {
    file.sizeTold = true;
    if (size !== file.size) this.#resize(actor, file, size);
  }

  #resize(actor: Actor, file: LoggedFile, wanted: number): void {
    const size = Math.min(Math.max(wanted, 0), MAX_SIZE);
    file.size = size;
    const vnode = this.#vnodeOf(file);
    if (vnode !== null) this.#replay.quietly(actor, () => this.#replay.system.vm.truncateVnode(vnode, size));
  }

  #vnodeOf(file: LoggedFile): Vnode | null {
    return file.name === null ? null : this.#replay.system.sys.vfs.lookup(file.name);
  }
}

/** A file that has no name yet, or never has one: what `memfd_create` makes, or came from where the log does not show. */
export function nameless(path: string): LoggedFile {
  return { path, size: 0, sizeTold: false, name: null };
}
