/** Names of files. One flat directory: a path is a name, whatever slashes it has; how it begins says which file system the file is on. */
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { FaultTable } from '../machine/faulty-store.js';
import { type FileStore, RamFile } from '../machine/file-store.js';
import type { MemoryFileSystem, VmSystem, Vnode } from '../vm/system.js';
import { SHMFS_DIR_PATH } from './posix-shm.js';

/** The files that have a name. */
export class Vfs implements Stateful {
  readonly #vm: VmSystem;
  readonly #faults: FaultTable;
  readonly #named = new Map<string, Vnode>();
  /** Directory -> the file system that is mounted there. */
  readonly #mounts = new Map<string, MemoryFileSystem>();

  /** Files are on a file system in RAM, but those for POSIX shared memory. */
  constructor(vm: VmSystem, faults: FaultTable) {
    this.#vm = vm;
    this.#faults = faults;
    this.mount(SHMFS_DIR_PATH, vm.createMemoryFileSystem(Number.POSITIVE_INFINITY));
  }

  /** Mounts a file system of memory: files that are made in that directory from now on are on it. `mount_tmpfs` */
  mount(directory: string, fileSystem: MemoryFileSystem): void {
    this.#mounts.set(Vfs.normalize(directory), fileSystem);
  }

  /** The file system of memory that a file of that name would be on, null for another one. */
  fileSystemOf(path: string): MemoryFileSystem | null {
    const name = Vfs.normalize(path);
    let longest = '';
    for (const directory of this.#mounts.keys()) {
      const within = name.startsWith(directory === '/' ? '/' : `${directory}/`);
      if (within && directory.length > longest.length) longest = directory;
    }
    return this.#mounts.get(longest) ?? null;
  }

  /**
   * Makes an empty file, unless there is one of that name by the time it is made. `VOP_CREATE()`
   *
   * @returns the file, and whether it was made
   */
  *create(path: string): Step<{ vnode: Vnode; made: boolean }> {
    const fileSystem = this.fileSystemOf(path);
    if (fileSystem === null) return { vnode: this.add(path, new RamFile(path)), made: true };
    const name = Vfs.normalize(path);
    const vnode = yield* this.#vm.createMemoryFile(fileSystem, name);
    const known = this.#named.get(name);
    if (known === undefined) {
      this.#named.set(name, vnode);
      return { vnode, made: true };
    }
    this.#vm.unlinkVnode(vnode);
    yield* this.#vm.releaseVnode(vnode);
    return { vnode: known, made: false };
  }

  /** `./a//b/../c` -> `/a/c`: paths are relative to the root, where every process lives. */
  static normalize(path: string): string {
    const parts: string[] = [];
    for (const part of path.split('/')) {
      if (part === '' || part === '.') continue;
      if (part === '..') parts.pop();
      else parts.push(part);
    }
    return `/${parts.join('/')}`;
  }

  /** The file of that name, null for none. */
  lookup(path: string): Vnode | null {
    return this.#named.get(Vfs.normalize(path)) ?? null;
  }

  /** Gives a file a name, which must be free; the name holds a reference to its vnode. */
  add(path: string, store: FileStore): Vnode {
    const name = Vfs.normalize(path);
    if (this.#named.has(name)) throw new Error(`there is a file named ${name} already`);
    const vnode = this.#vm.createVnode(this.#faults.store(name, store));
    this.#named.set(name, vnode);
    return vnode;
  }

  /** Takes a name away; answers the file it led to, whose reference is now the caller's, or null. */
  remove(path: string): Vnode | null {
    const name = Vfs.normalize(path);
    const vnode = this.#named.get(name) ?? null;
    this.#named.delete(name);
    return vnode;
  }

  writeState(writer: StateWriter): void {
    const byName = this.entries().sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, vnode] of byName) {
      writer.field('name', name);
      writer.reference('vnode', vnode);
    }
    for (const [directory, fileSystem] of [...this.#mounts].sort(([a], [b]) => (a < b ? -1 : 1))) {
      writer.field('directory', directory);
      writer.thing('mounted', fileSystem);
    }
  }

  /** The names in use with their files, in order of creation. */
  entries(): [string, Vnode][] {
    return [...this.#named];
  }

  /** The name of each file, by the number of its vnode. Of several names the last in `entries`. */
  paths(): ReadonlyMap<number, string> {
    return new Map(this.entries().map(([path, vnode]) => [vnode.id, path]));
  }
}
