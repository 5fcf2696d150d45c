/**
 * The soak: many processes, far too little RAM, swap on files of the host, random work; every byte is checked against a plain model.
 *
 *     rounds:   draw some workers ─> give each a piece of work ─> run the machine until all are done ─> … ─> everybody ends
 *                                        │                             │
 *                                        └── what it uses is claimed   └── in the stepped build they run all at once, switched at
 *                                            from the others               random; in the direct build one after the other
 *
 * What happens depends on the seed alone; time decides only when it is over.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HostFile } from '@faultline/host-node';
import { ENOMEM, IPC_RMID, O_RDWR, SWAP_OFF, SWAP_ON } from '@faultline/kernel/direct';
import { Bytes, CHUNKS_IN_PAGE, PAGE_SIZE } from './bytes.mjs';
import { Claims } from './claims.mjs';
import { WORK } from './work.mjs';
import { SoakFailure, succeeded, Worker } from './worker.mjs';

/** @typedef {typeof import('@faultline/kernel/direct')} Kernel */
/** @typedef {import('@faultline/kernel/direct').NetbsdSystem} NetbsdSystem */
/** @typedef {import('./file-work.mjs').SharedFile} SharedFile */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('@faultline/kernel/direct').User} User */

/**
 * A build of the kernel, and how to see with it what was not given back.
 *
 * @typedef {object} Build
 * @property {Kernel} kernel
 * @property {(system: NetbsdSystem) => string[] | null} findLeaks
 */

/**
 * How a soak is made.
 *
 * @typedef {object} SoakOptions
 * @property {'direct' | 'stepped'} build
 * @property {number} seed
 * @property {number} processes how many there are
 * @property {number} ramPages of RAM
 * @property {number} usedPages of anonymous memory that the processes use at most
 * @property {'clock' | 'clockpro'} policy
 * @property {string} folder of the host, for swap and files; must be there, and is filled
 */

/**
 * What was counted.
 *
 * @typedef {object} Summary
 * @property {number} rounds
 * @property {number} work pieces of work that were done
 * @property {number} forks
 * @property {number} mostPages that processes used at once, each as often as there is one of it: anonymous ones, and those of files
 * @property {number} mostSwap slots in use at once
 * @property {number} audits
 * @property {number} swapOffs how often swap was taken away
 * @property {Readonly<Record<(typeof COUNTERS)[number], number>>} counters
 */

/** The pages of a swap file beside those that are used: there are two, of which one is enough. */
const SWAP_SHARE = 1.2;
/** Files that processes share, and their pages. Of these together there are as many pages as of RAM. */
const FILES = 4;
const DISK_PAGES = 256;
/** A share of RAM that may be wired. */
const WIRED_SHARE = 8;
/** Workers that have something to do at once, where they run at once. */
const MOST_AT_ONCE = 8;
/** How often one of the swap files is taken away for a while, in rounds. */
const ROUNDS_BETWEEN_SWAP_OFF = 3000;
/** Threads of a process, where several run at once. */
const THREADS = 2;
/** How often all that is known about the kernel is looked at, in rounds. */
const ROUNDS_BETWEEN_AUDITS = 500;

/** Counters of the kernel that the summary has. */
const COUNTERS = /** @type {const} */ ([
  'faults',
  'flt_przero',
  'flt_acow',
  'pgswapin',
  'pgswapout',
  'pgpgin',
  'pgpgout',
  'pdwoke',
  'pdscans',
  'pdfreed',
  'pdreact',
  'forks',
]);

/** A soak, from boot to the last byte. */
export class Soak {
  /** @type {SoakOptions} */
  options;
  random;
  /** @type {NetbsdSystem} */
  system;
  /** @type {Worker[]} */
  workers = [];
  /** @type {SharedFile[]} */
  files = [];
  /** A file that nobody changes. @type {SharedFile} */
  program;
  /** A disk to which devices move bytes by themselves. */
  disk = { name: '/dev/rsd0', bytes: new Bytes('the disk', DISK_PAGES) };
  /** @type {import('./sharing-work.mjs').Segment[]} */
  segments = [];
  rounds = 0;
  work = 0;
  audits = 0;
  swapOffs = 0;
  mostPages = 0;
  mostSwap = 0;

  #kernel;
  #findLeaks;
  #claims = new Claims();
  /** Regions that a thread uses in this round. @type {Set<import('./worker.mjs').Region>} */
  #taken = new Set();
  /** Who may say what is swapped to. */
  #superuser;
  #stamp = 0;
  /** What is swapped to. @type {HostFile[]} */
  #swap = [];
  #weights = WORK.reduce((sum, { weight }) => sum + weight, 0);

  /** @param {Build} build the one of the options @param {SoakOptions} options */
  constructor({ kernel, findLeaks }, options) {
    this.#kernel = kernel;
    this.#findLeaks = findLeaks;
    this.options = options;
    this.random = new kernel.SeededRandom(options.seed);
    mkdirSync(options.folder, { recursive: true });
    for (const name of ['swap0', 'swap1']) this.#swap.push(this.#hostFile(name, Math.ceil(options.usedPages * SWAP_SHARE)));
    this.system = kernel.bootNetbsd({
      ram: options.ramPages * PAGE_SIZE,
      diagnostic: true,
      witness: options.build === 'stepped',
      witnessStacks: false,
      pagePolicy: options.policy,
      swap: this.#swap.map((store) => ({ name: store.name, store })),
      devices: { [this.disk.name]: { kind: 'disk', blocks: DISK_PAGES * CHUNKS_IN_PAGE } },
      strategy: options.build === 'stepped' ? new kernel.RandomPreemption(options.seed) : new kernel.RunToBlock(),
    });
    for (let i = 0; i < FILES; i++) this.files.push(this.#sharedFile(`/data${i}`, Math.ceil(options.ramPages / FILES)));
    this.program = this.#sharedFile('/program', Math.ceil(options.ramPages / FILES));
    this.#fill(this.program);
    for (let i = 0; i < Math.ceil(options.processes / 4); i++) this.workers.push(this.#newWorker(this.system.spawn('soak')));
    this.#superuser = new Worker(this.system.spawn('superuser', { credentials: kernel.ROOT }));
  }

  /** Whether processes may use so many pages more. */
  mayGrow(/** @type {number} */ pages) {
    return this.#used() + pages <= this.options.usedPages;
  }

  mayFork() {
    return this.workers.length < this.options.processes && this.mayGrow(0);
  }

  mayExit() {
    return this.workers.length > this.options.processes / 2;
  }

  mayWire(/** @type {number} */ pages) {
    const wired = this.workers.reduce((sum, worker) => sum + worker.wiredPages, 0);
    return wired + pages <= this.options.ramPages / WIRED_SHARE;
  }

  /** @param {Bytes} bytes @param {number} first @param {number} count @param {'read' | 'write'} use */
  claim(bytes, first, count, use) {
    return this.#claims.claim(bytes, first, count, use);
  }

  /** A number that nothing was stored under yet. */
  newStamp() {
    this.#stamp = (this.#stamp + 1) >>> 0;
    return this.#stamp;
  }

  /** @template T @param {readonly T[]} things @returns {T | null} */
  anyOf(things) {
    return things[this.random.below(Math.max(1, things.length))] ?? null;
  }

  /**
   * A region that a worker has, and that no other thread of it uses in this round; null when there is none.
   *
   * @param {Worker} worker @param {(region: import('./worker.mjs').Region) => boolean} [accept]
   */
  take(worker, accept = () => true) {
    const region = this.anyOf(worker.regions.filter((region) => !this.#taken.has(region) && accept(region)));
    if (region !== null) this.#taken.add(region);
    return region;
  }

  /** A file that workers change. */
  anyFile() {
    const file = this.anyOf(this.files);
    if (file === null) throw new Error('there are no files');
    return file;
  }

  /** The file that has these bytes, null when they are no file's. */
  fileOf(/** @type {Bytes} */ bytes) {
    return this.files.find((file) => file.bytes === bytes) ?? null;
  }

  /** A worker has a child. */
  forked(/** @type {Worker} */ worker, /** @type {number} */ pid) {
    const process = this.system.sys.processes.get(pid);
    if (process === undefined) throw new SoakFailure(`fork answered ${pid}, and there is no process of that number`);
    const child = worker.forked(process);
    this.workers.push(child);
    this.#addThreads(child);
  }

  /** A worker is about to exit. */
  exits(/** @type {Worker} */ worker) {
    this.workers.splice(this.workers.indexOf(worker), 1);
  }

  /** Compares pages of a file with what rests on the host. */
  checkAtRest(/** @type {Bytes} */ bytes, /** @type {number} */ firstPage, /** @type {number} */ pages) {
    const file = this.fileOf(bytes);
    const found = new Uint8Array(pages * PAGE_SIZE);
    const errno = file?.store.read(firstPage * PAGE_SIZE, found);
    if (errno !== 0) throw new SoakFailure(`the host's file of ${bytes.what} cannot be read: errno ${errno}`);
    const difference = bytes.difference(firstPage * CHUNKS_IN_PAGE, found);
    if (difference !== null) throw new SoakFailure(`at rest on the host: ${difference}`);
  }

  /** Has some workers do something, and waits until all are done. */
  round() {
    this.#claims.clear();
    this.#taken.clear();
    const atOnce = this.options.build === 'stepped' ? 1 + this.random.below(MOST_AT_ONCE) : 1;
    /** @type {Map<Worker, import('./work.mjs').Kind[]>} */
    const busy = new Map();
    for (let i = 0; i < atOnce; i++) {
      const worker = this.anyOf(this.workers);
      const kind = this.#drawWork();
      if (worker === null) continue;
      const doing = busy.get(worker) ?? [];
      if (doing.length === THREADS || (doing.length > 0 && (kind.alone || doing[0]?.alone))) continue;
      busy.set(worker, [...doing, kind]);
      this.#start(worker, kind.start(this, worker));
      this.work++;
    }
    if (this.rounds % ROUNDS_BETWEEN_SWAP_OFF === ROUNDS_BETWEEN_SWAP_OFF - 1) {
      // In the direct build nobody can be waited for who waits himself.
      if (this.options.build === 'direct') this.system.run();
      busy.set(this.#superuser, [{ name: 'take swap away', weight: 1, start: swapOffAndOn }]);
      this.#start(this.#superuser, swapOffAndOn(this));
    }
    this.system.run();
    this.rounds++;
    for (const [worker, kinds] of busy) this.#expectAlive(worker, kinds.map(({ name }) => name).join(', '));
    const { filepages, swpginuse } = this.system.uvm.uvmexp;
    this.mostPages = Math.max(this.mostPages, this.#used() + filepages);
    this.mostSwap = Math.max(this.mostSwap, swpginuse);
    if (this.rounds % ROUNDS_BETWEEN_AUDITS === 0) this.audit();
  }

  /** Checks every invariant of the kernel. */
  audit() {
    this.audits++;
    const [violation] = this.system.audit();
    if (violation !== undefined) throw new SoakFailure(`${violation.finding}\n${violation.subject}`);
    const [reversal] = this.system.kern.witness.reversals;
    if (reversal !== undefined) throw new SoakFailure(`locks are taken in different orders: ${JSON.stringify(reversal)}`);
  }

  /** Has everybody check all that he has and end; then looks whether everything was given back, and whether the files are right. */
  finish() {
    for (const worker of this.workers.splice(0)) {
      this.#start(worker, checkAllAndExit(worker));
      this.system.run();
      this.#expectAlive(worker, 'its end');
    }
    this.audit();
    this.#syncFiles();
    for (const file of this.files) this.checkAtRest(file.bytes, 0, file.bytes.pages);
    const leaks = this.#findLeaks(this.system);
    if (leaks === null || leaks.length > 0) throw new SoakFailure(leaks?.join('\n') ?? 'some process has not ended');
  }

  /** What was counted up to now. @returns {Summary} */
  summary() {
    const { uvmexp } = this.system.uvm;
    return {
      rounds: this.rounds,
      work: this.work,
      forks: uvmexp.forks,
      mostPages: this.mostPages,
      mostSwap: this.mostSwap,
      audits: this.audits,
      swapOffs: this.swapOffs,
      counters: /** @type {Summary['counters']} */ (Object.fromEntries(COUNTERS.map((name) => [name, uvmexp[name]]))),
    };
  }

  /** Gives the files of the host back. */
  close() {
    for (const { store } of [...this.files, this.program]) store.close();
    for (const store of this.#swap) store.close();
    rmSync(this.options.folder, { recursive: true });
  }

  /** Pages that are in use at this moment, in memory or on swap: anonymous ones, and those of segments. */
  #used() {
    return this.segments.reduce((sum, { bytes }) => sum + bytes.pages, this.system.uvm.anonCount);
  }

  #newWorker(/** @type {import('./worker.mjs').Process} */ process) {
    const worker = new Worker(process);
    this.#addThreads(worker);
    return worker;
  }

  /** Gives a process as many threads as can be at work in it. */
  #addThreads(/** @type {Worker} */ { process }) {
    if (this.options.build === 'stepped') while (process.lwps.length < THREADS) this.system.sys.addLwp(process);
  }

  #drawWork() {
    let left = this.random.below(this.#weights);
    for (const work of WORK) {
      left -= work.weight;
      if (left < 0) return work;
    }
    throw new Error('there is no work');
  }

  /** Gives a worker's idle thread something to do. */
  #start(/** @type {Worker} */ worker, /** @type {Work} */ work) {
    const lwp = worker.process.lwps.find(({ idle }) => idle);
    if (lwp === undefined) throw new SoakFailure(`process ${worker.process.pid} has no idle thread any more`);
    const { sys } = this.system;
    const user = new this.#kernel.User(sys, lwp);
    sys.performOn(lwp, () => (this.options.build === 'direct' ? perform(user, work) : performStepped(user, work)));
  }

  /** A process that was not told to end has not. */
  #expectAlive(/** @type {Worker} */ { process }, /** @type {string} */ name) {
    const { ending, fatalFault, pid } = process;
    if (ending === null || ending.kind === 'exited') return;
    const fault = fatalFault === null ? '' : ` at ${fatalFault.address.toString(16)}, code ${fatalFault.code}`;
    throw new SoakFailure(`process ${pid} was ended by signal ${ending.signal}${fault} while it did this: ${name}`);
  }

  #syncFiles() {
    this.#start(this.#superuser, syncAndExit(this));
    this.system.run();
    this.#expectAlive(this.#superuser, 'the last fsync');
  }

  /** A file of the host, of so many pages. */
  #hostFile(/** @type {string} */ name, /** @type {number} */ pages) {
    const path = join(this.options.folder, name);
    writeFileSync(path, '');
    const file = new HostFile(path, { name: `/${name}` });
    if (file.truncate(pages * PAGE_SIZE) !== 0) throw new Error(`${path} cannot be made ${pages} pages long`);
    return file;
  }

  /** @param {string} name @param {number} pages @returns {SharedFile} */
  #sharedFile(name, pages) {
    const store = this.#hostFile(name.slice(1), pages);
    this.system.sys.vfs.add(name, store);
    return { name, store, bytes: new Bytes(`the file ${name}`, pages) };
  }

  /** Stores something in each page of a file, before anybody uses it. */
  #fill(/** @type {SharedFile} */ { store, bytes }) {
    for (let page = 0; page < bytes.pages; page++) {
      const stored = bytes.store(page * CHUNKS_IN_PAGE, CHUNKS_IN_PAGE, this.newStamp());
      if (store.write(page * PAGE_SIZE, stored) !== 0) throw new Error(`${store.path} cannot be written`);
    }
  }
}

/** Does a piece of work, in the build where a call answers at once. */
function perform(/** @type {User} */ user, /** @type {Work} */ work) {
  let next = work.next();
  while (!next.done) next = work.next(next.value(user));
}

/** Does a piece of work, in the build where a call may have to wait. */
function* performStepped(/** @type {User} */ user, /** @type {Work} */ work) {
  let next = work.next();
  while (!next.done) next = work.next(yield* /** @type {Iterable<unknown>} */ (next.value(user)));
}

/** @param {Worker} worker @returns {Work} */
function* checkAllAndExit(worker) {
  for (const region of worker.regions) yield* worker.check(region, 0, region.chunks);
  yield (user) => user.exit(0);
}

/** Takes a swap file away, and gives it back. @param {Soak} soak @returns {Work} */
function* swapOffAndOn(soak) {
  const path = `/swap${soak.random.below(2)}`;
  const off = yield (user) => user.swapctl(SWAP_OFF, path);
  // All that was there may not fit elsewhere; then it stays.
  if (off === -ENOMEM) return;
  succeeded('swapctl(SWAP_OFF)', off);
  soak.swapOffs++;
  succeeded('swapctl(SWAP_ON)', yield (user) => user.swapctl(SWAP_ON, path));
}

/** Has all files written, removes what is left of segments, and ends. @param {Soak} soak @returns {Work} */
function* syncAndExit({ files, segments }) {
  for (const { id } of segments) succeeded('shmctl', yield (user) => user.shmctl(id, IPC_RMID));
  for (const { name } of files) {
    const fd = succeeded('open', yield (user) => user.open(name, O_RDWR));
    succeeded('fsync', yield (user) => user.fsync(fd));
  }
  yield (user) => user.exit(0);
}
