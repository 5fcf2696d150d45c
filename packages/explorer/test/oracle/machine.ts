/** Runs random programs: a model whose state tells all that a thread has seen, and so all that it may do. */
import {
  AtomicCell,
  Kern,
  Mutex,
  RwLock,
  type StateWriter,
  type Step,
  type Strategy,
  sleepOn,
  WaitChannel,
  wakeup,
  wakeupOne,
} from '@faultline/kernel';
import type { Instance, Model } from '../../src/model.js';
import type { Cell, Instruction, RandomProgram } from './program.js';

/** One execution of a random program. */
class Machine implements Instance {
  readonly kern: Kern;
  readonly #mutexes: { readonly m0: Mutex; readonly m1: Mutex };
  readonly #rw: RwLock;
  readonly #channel = new WaitChannel('channel');
  readonly #counted = new WaitChannel('count');
  readonly #cells: Readonly<Record<Cell, AtomicCell>>;
  readonly #threads: { at: number; readonly seen: number[] }[] = [];
  #count = 0;

  constructor(strategy: Strategy, program: RandomProgram) {
    const kern = new Kern({ strategy, witness: false });
    this.kern = kern;
    this.#mutexes = { m0: new Mutex(kern, kern.lockClass('m0')), m1: new Mutex(kern, kern.lockClass('m1')) };
    this.#rw = new RwLock(kern, kern.lockClass('rw'));
    this.#cells = { x: new AtomicCell('x', 0), y: new AtomicCell('y', 0) };
    for (const [index, instructions] of program.entries()) {
      this.#threads.push({ at: 0, seen: [] });
      const lwp = kern.scheduler.create({ pid: index + 1, name: 'random' }, 1);
      kern.scheduler.start(lwp, () => this.body(index, instructions));
    }
  }

  run(): void {
    this.kern.scheduler.run();
  }

  writeState(writer: StateWriter): void {
    for (const thing of [this.#mutexes.m0, this.#mutexes.m1, this.#rw, this.#channel, this.#counted]) {
      writer.thing('thing', thing);
    }
    writer.field('values', `${this.#cells.x.value} ${this.#cells.y.value} ${this.#count}`);
    for (const { at, seen } of this.#threads) writer.field('thread', `${at}: ${seen.join()}`);
    this.kern.writeState(writer);
  }

  *body(index: number, instructions: readonly Instruction[]): Step<void> {
    const thread = this.#threads[index] as { at: number; readonly seen: number[] };
    for (; thread.at < instructions.length; thread.at++) {
      const instruction = instructions[thread.at] as Instruction;
      const last = thread.seen.at(-1) ?? 0;
      if (instruction[0] === 'skip-if-odd') {
        if (last % 2 !== 0) thread.at++;
        continue;
      }
      if (instruction[0] === 'panic-if' && last === instruction[1]) this.kern.panic(`saw ${'abc'[last]}`);
      const seen = yield* this.step(instruction, last);
      if (seen !== null) thread.seen.push(seen);
    }
    // Nobody leaves with a lock.
    for (const mutex of [this.#mutexes.m0, this.#mutexes.m1]) if (mutex.owned) yield* mutex.exit();
    if (this.#holdsRw) yield* this.#rw.exit();
    thread.at++;
  }

  /** Does what an instruction says; answers what there was to see, null for nothing. */
  *step(instruction: Instruction, last: number): Step<number | null> {
    const { kern } = this;
    const { scheduler } = kern;
    switch (instruction[0]) {
      case 'enter': {
        const mutex = this.#mutexes[instruction[1]];
        if (!mutex.owned) yield* mutex.enter();
        return null;
      }
      case 'try-enter': {
        const mutex = this.#mutexes[instruction[1]];
        if (mutex.owned) return null;
        return (yield* mutex.tryEnter()) ? 1 : 0;
      }
      case 'exit': {
        const mutex = this.#mutexes[instruction[1]];
        if (mutex.owned) yield* mutex.exit();
        return null;
      }
      case 'sleep':
        yield* sleepOn(scheduler, this.#channel, {
          message: 'sleep',
          ...(this.#mutexes.m0.owned && { interlock: this.#mutexes.m0 }),
        });
        return null;
      case 'rw-sleep':
        yield* sleepOn(scheduler, this.#channel, { message: 'sleep', ...(this.#holdsRw && { interlock: this.#rw }) });
        return null;
      case 'wakeup':
        yield* wakeup(scheduler, this.#channel);
        return null;
      case 'wakeup-one':
        yield* wakeupOne(scheduler, this.#channel);
        return null;
      case 'consume':
      case 'produce':
      case 'produce-all':
        yield* this.counted(instruction[0]);
        return null;
      case 'load':
        return yield* this.#cells[instruction[1]].load(scheduler);
      case 'store':
        yield* this.#cells[instruction[1]].store(scheduler, instruction[2]);
        return null;
      case 'copy':
        yield* this.#cells[instruction[1]].store(scheduler, last);
        return null;
      case 'add':
        return yield* this.#cells[instruction[1]].add(scheduler, instruction[2]);
      case 'cas':
        return yield* this.#cells[instruction[1]].cas(scheduler, instruction[2], instruction[3]);
      case 'choose':
        return kern.choose('choice', instruction[1]);
      case 'skip-if-odd':
      case 'panic-if':
        return null;
      default:
        return yield* this.rwStep(instruction[0]);
    }
  }

  *rwStep(kind: 'read' | 'write' | 'try-read' | 'try-write' | 'rw-exit' | 'upgrade' | 'downgrade'): Step<number | null> {
    const rw = this.#rw;
    switch (kind) {
      case 'read':
      case 'write':
        if (!this.#holdsRw) yield* rw.enter(kind);
        return null;
      case 'try-read':
      case 'try-write':
        if (this.#holdsRw) return null;
        return (yield* rw.tryEnter(kind === 'try-read' ? 'read' : 'write')) ? 1 : 0;
      case 'rw-exit':
        if (this.#holdsRw) yield* rw.exit();
        return null;
      case 'upgrade':
        if (!rw.readOwned) return null;
        return (yield* rw.tryUpgrade()) ? 1 : 0;
      case 'downgrade':
        if (rw.writeOwned) yield* rw.downgrade();
        return null;
    }
  }

  /** A count of blocks, guarded by m0. */
  *counted(kind: 'consume' | 'produce' | 'produce-all'): Step<void> {
    const { scheduler } = this.kern;
    const { m0 } = this.#mutexes;
    const held = m0.owned;
    if (!held) yield* m0.enter();
    if (kind === 'consume') {
      while (this.#count === 0) {
        yield* sleepOn(scheduler, this.#counted, { message: 'count', interlock: m0 });
        yield* m0.enter();
      }
      this.#count--;
    } else {
      this.#count++;
      yield* kind === 'produce' ? wakeupOne(scheduler, this.#counted) : wakeup(scheduler, this.#counted);
    }
    if (!held) yield* m0.exit();
  }

  get #holdsRw(): boolean {
    return this.#rw.readOwned || this.#rw.writeOwned;
  }
}

/** The model of a random program. */
export function machineModel(program: RandomProgram): Model {
  return { name: 'a random program', boot: (strategy) => new Machine(strategy, program) };
}
