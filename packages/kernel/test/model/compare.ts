/** At the end of a sequence: whether the kernel has everything that the model has, and nothing else. */
import { PROT_READ, type Step, type User } from '../../src/index.js';
import type { Extras } from './extras.js';
import { entriesOf, objectPage, peek } from './kernel-view.js';
import { isLost, PAGE, type Page, type PlainFile, type PlainProcess, READ } from './plain-memory.js';
import type { Pair, World } from './world.js';

/** Expects that both have the same mappings, the same bytes in memory and in files, and that what is flushed rests in the file. */
export function compare(world: World): void {
  for (const pair of world.pairs) compareMappings(world, pair);
  for (const pair of world.pairs) compareBytes(world, pair);
  // To read a file takes memory, and where that is scarce nobody has written to one.
  if (!world.scarce) for (const name of ['a', 'b'] as const) compareFile(world, name);
  if (world.extras !== null) compareExtras(world, world.extras);
}

/** Expects shared memory to be the same, also what nobody has mapped; and the raw disk. */
function compareExtras(world: World, { memories, disk, plainDisk }: Extras): void {
  const found = new Uint8Array(plainDisk.length);
  disk.read(0, found);
  sameBytes(world, 'the raw disk', found, plainDisk);
  for (const { file, aobj } of memories) {
    if (aobj === null) world.fail(`${file.name} is gone`);
    for (const [index, bytes] of file.pages.entries()) {
      sameBytes(
        world,
        `page ${index} of ${file.name}`,
        objectPage(world.system, aobj, index),
        file.lost.has(index) ? null : bytes,
      );
    }
  }
}

/** A page in a line: rights, the most there can be, inheritance, wired, and which page of which file, private or shared. */
function pageText(page: Omit<Page, 'place' | 'file'> & { file: string | null }): string {
  const file = page.file === null ? 'anonymous' : `${page.toFile ? 'shared' : 'private'} ${page.file}@${page.index}`;
  return `${page.protection}/${page.maxProtection} inherit ${page.inheritance} ${page.wired ? 'wired' : '-'} ${file}`;
}

/** Expects the same pages to be mapped, with the same rights to the same things. */
function compareMappings(world: World, { kernel, model }: Pair): void {
  const found = new Map<number, string>();
  for (const entry of entriesOf(kernel)) {
    for (let at: number = entry.start; at < entry.end; at += PAGE) {
      const text = pageText({
        protection: entry.protection,
        maxProtection: entry.maxProtection,
        inheritance: entry.inheritance,
        wired: entry.wiredCount > 0,
        file: entry.object?.label ?? null,
        toFile: !entry.copyOnWrite,
        index: (entry.offset + at - entry.start) / PAGE,
      });
      found.set(at, text);
    }
  }
  for (const [at, page] of model.all()) {
    const wanted = pageText({ ...page, file: page.file?.name ?? null });
    const has = found.get(at) ?? 'nothing';
    if (has !== wanted) world.fail(`process ${kernel.pid} at ${at.toString(16)}: the kernel maps ${has}, the model ${wanted}`);
    found.delete(at);
  }
  for (const [at, text] of found)
    world.fail(`process ${kernel.pid} at ${at.toString(16)}: the kernel maps ${text}, the model nothing`);
}

/** Expects all mapped bytes to be the same. What may be made readable is loaded as a program would, if there is memory; the rest is looked at. */
function compareBytes(world: World, pair: Pair): void {
  const { kernel, model } = pair;
  const loads = !world.scarce;
  const loaded = loads
    ? world.call(pair, 'read everything', (user) => readEverything(user, model))
    : new Map<number, Uint8Array>();
  for (const [at, page] of model.all()) {
    const readable = loads && (page.maxProtection & READ) !== 0;
    const found = readable ? (loaded.get(at) ?? null) : peek(world.system, kernel, at);
    sameBytes(world, `process ${kernel.pid} at ${at.toString(16)}`, found, bytesOf(page));
  }
}

/** Loads every page that may be read; those that cannot be, beyond the end of a file, are left out. */
function* readEverything(user: User, model: PlainProcess): Step<Map<number, Uint8Array>> {
  const loaded = new Map<number, Uint8Array>();
  // Nothing is to be wired when it is made readable.
  yield* user.munlockall();
  for (const [at, page] of model.all()) {
    if ((page.maxProtection & READ) === 0) continue;
    if ((page.protection & READ) === 0) yield* user.mprotect(at, PAGE, PROT_READ);
    const bytes = new Uint8Array(PAGE);
    if ((yield* user.loadBytes(at, bytes)) === 0) loaded.set(at, bytes);
  }
  return loaded;
}

/** The bytes of a page in the model, null beyond the end of its file. */
function bytesOf(page: Page): Uint8Array | null {
  if (isLost(page)) return null;
  if (page.place.bytes !== null) return page.place.bytes;
  return page.file === null ? new Uint8Array(PAGE) : (page.file.pages[page.index] ?? null);
}

function sameBytes(world: World, where: string, found: Uint8Array | null, wanted: Uint8Array | null): void {
  if (found === null || wanted === null) {
    if (found !== wanted)
      world.fail(`${where}: the kernel has ${found === null ? 'no' : 'a'} page, the model the other way round`);
    return;
  }
  if (Buffer.compare(found, wanted) === 0) return;
  const at = wanted.findIndex((byte, i) => byte !== found[i]);
  world.fail(`${where}: byte ${at} is ${found[at]} in the kernel, ${wanted[at]} in the model`);
}

/** Expects a file to read as in the model; and once it is flushed, the same bytes to rest where files rest. */
function compareFile(world: World, name: 'a' | 'b'): void {
  const { sys, vm } = world.system;
  const model = world.files[name];
  const vnode = sys.vfs.lookup(name);
  if (vnode === null) world.fail(`file ${name} is gone`);
  const wanted = model.read(0, model.size);
  const found = new Uint8Array(vnode.size);
  world.call(world.pair(0), `read and flush file ${name}`, function* (): Step<void> {
    yield* vm.readVnode(vnode, 0, found);
    yield* vm.syncVnode(vnode);
  });
  sameBytes(world, `file ${name}`, found, wanted);
  const { store } = vnode;
  // A file that is memory rests nowhere.
  if (store === null) return;
  const atRest = new Uint8Array(store.size);
  store.read(0, atRest);
  sameBytes(world, `file ${name} at rest`, atRest, wanted);
}

/** Expects all of a file to rest where files rest. */
export function compareFileAtRest(world: World, file: PlainFile): void {
  const store = world.system.sys.vfs.lookup(file.name)?.store ?? null;
  if (store === null) world.fail(`file ${file.name} is gone`);
  const found = new Uint8Array(store.size);
  store.read(0, found);
  const wanted = new Uint8Array(file.size);
  for (const [index, page] of file.pages.entries()) wanted.set(page.subarray(0, file.size - index * PAGE), index * PAGE);
  sameBytes(world, `file ${file.name} at rest`, found, wanted);
}

/** Expects what `msync` has flushed to rest in the file: the pages of a range that lie within it. */
export function compareAtRest(world: World, model: PlainProcess, start: number, end: number): void {
  for (const at of model.mapped(start, end)) {
    const page = model.pages.get(at);
    const bytes = page?.file?.pages[page.index];
    const store = page?.file == null ? null : world.system.sys.vfs.lookup(page.file.name)?.store;
    if (page?.file == null || bytes === undefined || store == null) continue;
    const within = Math.min(PAGE, page.file.size - page.index * PAGE);
    const found = new Uint8Array(within);
    store.read(page.index * PAGE, found);
    sameBytes(world, `file ${page.file.name} at rest, page ${page.index}`, found, bytes.subarray(0, within));
  }
}
