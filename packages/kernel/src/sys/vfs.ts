/** Names of files. One flat directory: a path is a name, whatever slashes it has. */
import type { Stateful, StateWriter } from '../kern/state.js';
import type { FileStore } from '../machine/file-store.js';
import type { VmSystem, Vnode } from '../vm/system.js';

/** The files that have a name. */
export class Vfs implements Stateful {
  readonly #vm: VmSystem;
  readonly #named = new Map<string, Vnode>();

  constructor(vm: VmSystem) {
    this.#vm = vm;
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
    const vnode = this.#vm.createVnode(store);
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
  }

  /** The names in use with their files, in order of creation. */
  entries(): [string, Vnode][] {
    return [...this.#named];
  }
}
