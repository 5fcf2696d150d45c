/**
 * What was to be known before the explorer was built (docs/decisions/0012-early-tests.md): how many scheduling points a second the real
 * fault path passes, and how many states the examples have under each way of knowing a thread's state.
 *
 *     frames        the watched build tells place and live variables of each generator: exact
 *     observations  a digest of all that the thread has read of watched structures since its system call began
 *     since label   the same since its last label (ReFault and the like), with the values that the label announces
 *     labels        the last label and its values alone: not sound, as a bound from below
 *
 *     node tools/bench/thread-keys.mjs [seconds for each]
 */
import { fileURLToPath } from 'node:url';
import { analyse, exploreExhaustively } from '@faultline/explorer';
import { createJiti } from 'jiti';

const SECONDS = Number(process.argv[2] ?? 120);
const EXAMPLES = ['fork-fault-remap', 'fault-truncate-msync', 'mlock-mprotect-munmap'];
const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param {'stepped' | 'watched'} build */
async function load(build) {
  const alias = {
    '@faultline/kernel': `${root}packages/kernel/dist/${build}/index.js`,
    '@faultline/program': `${root}packages/program/dist/${build}/index.js`,
  };
  const jiti = createJiti(import.meta.url, { alias, fsCache: false, nativeModules: Object.values(alias) });
  /** @type {typeof import('@faultline/program')} */
  const { programModel } = await import(alias['@faultline/program']);
  const models = [];
  for (const name of EXAMPLES) {
    const module = await jiti.import(`${root}examples/explore/${name}.ts`);
    models.push(programModel(/** @type {any} */ (module).default));
  }
  return models;
}

/**
 * Each thread takes note of what it reads.
 *
 * @param {import('@faultline/explorer').Model} model
 * @param {boolean} sinceLabel whether a label has it forget what it noted, and not only a system call
 * @returns {import('@faultline/explorer').Model}
 */
function observing(model, sinceLabel) {
  return {
    name: model.name,
    boot(strategy) {
      const instance = model.boot(strategy);
      /** @type {Map<object, { call: unknown, digest: number }>} */
      const notes = new Map();
      instance.watch?.({
        read: (_thing, field, value) => {
          const lwp = instance.kern.scheduler.running;
          if (lwp === null) return;
          const seen = numberOf(field.replace(/\d+/g, '')) + numberOf(/page/.test(field) ? value !== -1 : value) * 31;
          if (sinceLabel) return lwp.observe(seen);
          const note = notes.get(lwp);
          // A number of 53 bits is wide enough to tell some hundred thousand states apart.
          const before = note === undefined || note.call !== lwp.call ? 1 : note.digest;
          notes.set(lwp, { call: lwp.call, digest: (before * 1_000_003 + seen * 8191) % (2 ** 53 - 111) });
        },
        wrote: () => {},
        passed: () => {},
      });
      return {
        ...instance,
        writeState: (writer) => {
          instance.writeState(writer);
          for (const lwp of instance.kern.scheduler.lwps) {
            const note = notes.get(lwp);
            if (note !== undefined && note.call === lwp.call && !lwp.idle) writer.field('noted', note.digest);
          }
        },
      };
    },
  };
}

/**
 * A number for a value. Which structure or page it is must not count, since ids and frames differ in executions that are alike.
 *
 * @param {unknown} value
 * @returns {number}
 */
function numberOf(value) {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return [...value].reduce((sum, letter) => (sum * 33 + letter.charCodeAt(0)) % 2 ** 32, 5381);
  return value === null || value === undefined || value === false ? 0 : 1;
}

/** @param {number} i @returns {Record<string, import('@faultline/explorer').Model>} */
function waysOf(i) {
  const [plain, exact] = [stepped[i], watched[i]];
  if (plain === undefined || exact === undefined) throw new Error('there is no such example');
  return { frames: exact, observations: observing(plain, false), 'since label': observing(plain, true), labels: plain };
}

/**
 * Scheduling points a second on the fault path: threads that map, store and unmap, never switched, and switched at each point.
 *
 * @param {'stepped' | 'watched'} build
 */
async function points(build) {
  const { bootNetbsd, RandomPreemption, MAP_ANON, MAP_FIXED, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } = await import(
    `${root}packages/kernel/dist/${build}/index.js`
  );
  /** @param {number} at */
  const worker = (at) =>
    /** @param {import('@faultline/kernel').User} user */
    function* (user) {
      for (let i = 0; i < 400; i++) {
        yield* user.mmap(at, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        for (let page = 0; page < 4; page++) yield* user.store8(at + page * PAGE_SIZE, 1);
        yield* user.munmap(at, 4 * PAGE_SIZE);
      }
    };
  for (const [how, switching] of Object.entries({ 'never switched': false, 'switched at each': true })) {
    const rates = [];
    for (let round = 0; round < 5; round++) {
      const random = new RandomPreemption(round);
      const strategy = switching
        ? random
        : {
            name: 'none',
            preemptive: true,
            preempts: () => false,
            pick: (/** @type {unknown} */ _, /** @type {unknown} */ usual) => usual,
            choose: () => 0,
          };
      const system = bootNetbsd({ ram: 256 * PAGE_SIZE, strategy, witnessStacks: false });
      const process = system.spawn('bench');
      for (const at of [0x100000, 0x200000])
        system.startProgram(at === 0x100000 ? process.lwps[0] : system.sys.addLwp(process), worker(at));
      const began = performance.now();
      system.run();
      rates.push(system.kern.scheduler.steps / ((performance.now() - began) / 1000));
    }
    rates.sort((a, b) => a - b);
    console.log(`fault path, ${build.padEnd(8)} ${how.padEnd(18)}${((rates[2] ?? 0) / 1e6).toFixed(2)} million points a second`);
  }
}

const [stepped, watched] = [await load('stepped'), await load('watched')];
for (const build of /** @type {const} */ (['stepped', 'watched'])) await points(build);
for (const [i, name] of EXAMPLES.entries()) {
  for (const [way, model] of Object.entries(waysOf(i))) {
    const began = performance.now();
    try {
      const result = exploreExhaustively(model, {
        stopAfter: 'everything',
        validateOneIn: 10,
        shouldStop: () => performance.now() - began > SECONDS * 1000,
      });
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      const { interleavings } = analyse(result.graph);
      console.log(
        `${name.padEnd(24)}${way.padEnd(14)}${String(result.states).padStart(8)} states  ${String(interleavings).padStart(24)} interleavings` +
          `  ${String(result.validated).padStart(6)} validated  ${seconds} s, ${(result.states / Number(seconds)).toFixed(0)} states and ${(result.steps / Number(seconds) / 1000).toFixed(0)},000 steps a second${result.exhausted ? '' : '  not finished'}`,
      );
    } catch (error) {
      console.log(`${name.padEnd(24)}${way.padEnd(14)}${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
    }
  }
}
