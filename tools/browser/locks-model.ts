/**
 * Small random programs of kernel threads: two or three threads, each of a few straight lines with the kernel's locks, sleeps, atomic
 * words and choices of the environment. Many of them go wrong in some schedule: deadlocks, sleeps without a wakeup, lost increments.
 */
import type { Complaint, Model } from '@faultline/explorer';
import {
  AtomicCell,
  Kern,
  Mutex,
  RwLock,
  SeededRandom,
  type StateWriter,
  type Step,
  sleepOn,
  WaitChannel,
  wakeup,
  wakeupOne,
} from '@faultline/kernel';

/** A line of a thread's program; those with a body do it while they hold something. */
type Line =
  | {
      readonly kind: 'mutex' | 'try-mutex' | 'read' | 'upgrade' | 'write';
      readonly which: number;
      readonly body: readonly Line[];
    }
  | { readonly kind: 'choose'; readonly body: readonly Line[] }
  | { readonly kind: 'increment' | 'add' }
  | { readonly kind: 'sleep'; readonly which: number; readonly timeout: number }
  | { readonly kind: 'wakeup' | 'wakeup-one' };

const HOLDING = ['mutex', 'mutex', 'mutex', 'try-mutex', 'read', 'upgrade', 'write'] as const;
const PLAIN = ['increment', 'increment', 'increment', 'add', 'sleep', 'wakeup', 'wakeup', 'wakeup-one', 'choose'] as const;
const THREADS = 3;
const LINES = 3;
const DEPTH = 2;

/** The program of that seed. */
export function locksModel(seed: number): Model {
  const random = new SeededRandom(seed);
  const threads = Array.from({ length: 2 + random.below(THREADS - 1) }, () => draw(random, DEPTH));
  return {
    name: `locks ${seed}`,
    boot(strategy) {
      const machine = new Machine(new Kern({ strategy }));
      const { scheduler } = machine.kern;
      for (const [index, lines] of threads.entries()) {
        scheduler.start(scheduler.create({ pid: index + 1, name: 'random' }, 1), () => machine.run(lines, []));
      }
      return {
        kern: machine.kern,
        run: () => scheduler.run(),
        writeState: (writer) => machine.writeState(writer),
        atEnd: () => machine.complaints(),
      };
    },
  };
}

function draw(random: SeededRandom, depth: number): Line[] {
  return Array.from({ length: 1 + random.below(LINES) }, (): Line => {
    const which = random.below(2);
    if (depth > 0 && random.below(2) === 0) return { kind: one(random, HOLDING), which, body: draw(random, depth - 1) };
    const kind = one(random, PLAIN);
    if (kind === 'choose') return { kind, body: draw(random, 0) };
    if (kind === 'sleep') return { kind, which, timeout: random.below(2) };
    return { kind };
  });
}

function one<T>(random: SeededRandom, choices: readonly [T, ...T[]]): T {
  return choices[random.below(choices.length)] ?? choices[0];
}

/** What threads hold. */
type Held = Mutex | RwLock;

/** What the threads of a program share. */
class Machine {
  readonly kern: Kern;
  readonly #mutexes: readonly Mutex[];
  readonly #rwlocks: readonly RwLock[];
  readonly #word = new AtomicCell('word', 0);
  readonly #channel = new WaitChannel('channel');
  #increments = 0;

  constructor(kern: Kern) {
    this.kern = kern;
    this.#mutexes = ['a', 'b'].map((name) => new Mutex(kern, kern.lockClass(`mutex ${name}`)));
    this.#rwlocks = ['c', 'd'].map((name) => new RwLock(kern, kern.lockClass(`rwlock ${name}`)));
  }

  writeState(writer: StateWriter): void {
    for (const thing of [...this.#mutexes, ...this.#rwlocks, this.#word, this.#channel]) writer.thing('thing', thing);
    writer.field('increments', this.#increments);
    this.kern.writeState(writer);
  }

  complaints(): Complaint[] {
    if (this.#word.value === this.#increments) return [];
    return [{ kind: 'check', message: `the word is ${this.#word.value} after ${this.#increments} increments` }];
  }

  *run(lines: readonly Line[], held: readonly Held[]): Step<void> {
    for (const line of lines) yield* this.#do(line, held);
  }

  *#do(line: Line, held: readonly Held[]): Step<void> {
    const { scheduler } = this.kern;
    switch (line.kind) {
      case 'mutex':
      case 'try-mutex':
        return yield* this.#withMutex(line.kind, line.which, line.body, held);
      case 'read':
      case 'upgrade':
      case 'write':
        return yield* this.#withRwLock(line.kind, line.which, line.body, held);
      case 'choose':
        if (this.#saw(this.kern.choose('random program')) === 1) yield* this.run(line.body, held);
        return;
      case 'increment': {
        // In two steps: another thread's may come between.
        this.#increments++;
        const value = this.#saw(yield* this.#word.load(scheduler));
        yield* this.#word.store(scheduler, value + 1);
        break;
      }
      case 'add':
        this.#increments++;
        yield* this.#word.add(scheduler, 1);
        break;
      case 'sleep':
        yield* this.#sleep(line.timeout, held);
        break;
      case 'wakeup':
        yield* wakeup(scheduler, this.#channel);
        break;
      case 'wakeup-one':
        yield* wakeupOne(scheduler, this.#channel);
    }
    this.#saw(0);
  }

  *#withMutex(kind: 'mutex' | 'try-mutex', which: number, body: readonly Line[], held: readonly Held[]): Step<void> {
    const mutex = this.#mutexes[which];
    if (mutex === undefined || held.includes(mutex)) return yield* this.run(body, held);
    if (kind === 'mutex') yield* mutex.enter();
    else if (this.#saw(Number(yield* mutex.tryEnter())) === 0) return;
    this.#saw(0);
    yield* this.run(body, [...held, mutex]);
    yield* mutex.exit();
    this.#saw(0);
  }

  *#withRwLock(kind: 'read' | 'upgrade' | 'write', which: number, body: readonly Line[], held: readonly Held[]): Step<void> {
    const rwlock = this.#rwlocks[which];
    if (rwlock === undefined || held.includes(rwlock)) return yield* this.run(body, held);
    yield* rwlock.enter(kind === 'write' ? 'write' : 'read');
    this.#saw(0);
    const upgraded = kind === 'upgrade' && this.#saw(Number(yield* rwlock.tryUpgrade())) === 1;
    yield* this.run(body, [...held, rwlock]);
    if (upgraded) {
      yield* rwlock.downgrade();
      this.#saw(0);
    }
    yield* rwlock.exit();
    this.#saw(0);
  }

  /** Sleeps for the channel; what was taken last is released meanwhile, if that is a mutex. */
  *#sleep(timeout: number, held: readonly Held[]): Step<void> {
    const last = held.at(-1);
    const interlock = last instanceof Mutex ? { interlock: last } : {};
    yield* sleepOn(this.kern.scheduler, this.#channel, { message: 'random', ...interlock, ...(timeout > 0 && { timeout }) });
    this.#saw(0);
    if (last instanceof Mutex) yield* last.enter();
  }

  /** Where the thread stands, and what it has in its variables, is told by what it has seen. */
  #saw(value: number): number {
    this.kern.scheduler.current.observe(value);
    return value;
  }
}
