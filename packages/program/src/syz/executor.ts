/**
 * Running a syzkaller program, as syz-executor does: a process maps the data area, makes the calls, and exits.
 *
 *     lwp 1      call ─ call ─ fork ─ call ─ …            stores its data, calls, loads the results
 *     lwp 3           └ async call                        beside the calls that follow
 *     child                      └ call ─ …               what is left of the program; nothing when that is threaded
 *     lwp 2      · · · · · · · · · · · · · · exit         when nothing else can run: goes on in another thread, or exits
 *
 * syz-executor waits some milliseconds for each call, and some seconds for the program. Here no time passes while somebody has work to
 * do: the watch, which is lwp 2, begins when nobody has any more. What has not come back then never will.
 */
import type { SyzCall } from '@faultline/formats';
import {
  type Lwp,
  MAP_ANON,
  MAP_FIXED,
  MAP_PRIVATE,
  type NetbsdSystem,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  type Process,
  SIGBUS,
  SIGSEGV,
  type SignalHandler,
  type Stateful,
  type StateWriter,
  type Step,
  type StepObject,
  User,
  type UserProgram,
} from '@faultline/kernel';
import type { Session } from '../session.js';
import { type Arguments, evaluate, type Variables } from './arguments.js';
import type { CallType, ChildProgram, SyzOs } from './call-type.js';
import { AutoAddresses, DATA_SIZE, DATA_START } from './data-area.js';
import type { Tally } from './tally.js';

/** A call of the program, and how it is made. It never changes. */
export class ScriptCall implements Stateful {
  readonly call: SyzCall;
  readonly type: CallType;
  /** Which one it is: `mmap (line 3)`. */
  readonly label: string;
  /** Which occasion for a fault is to be taken, 0 for none. */
  readonly failNth: number;

  constructor(call: SyzCall, type: CallType, label: string, failNth: number) {
    this.call = call;
    this.type = type;
    this.label = label;
    this.failNth = failNth;
  }

  writeState(writer: StateWriter): void {
    writer.field('call', this.label);
  }
}

/** How a program is run. */
export interface ExecutorOptions {
  readonly name: string;
  readonly os: SyzOs;
  /** Whether each call has a thread of its own: one that is stuck does not keep the next ones from being made. */
  readonly threaded: boolean;
  readonly calls: readonly ScriptCall[];
  readonly tally: Tally;
}

/** How often a call is made once more, at most. */
const MAX_RERUN = 1000;
/** Processes that there are at one time. */
const MAX_PROCESSES = 64;
/** Async calls that are under way at one time; syz-executor has so many threads. */
const MAX_THREADS = 32;

const GUARD_SIZE = 4096;

/** A process on its way through the program. */
interface Script {
  readonly process: Process;
  readonly variables: Variables;
  /** The index of the call that is made next. */
  next: number;
  /** The thread that makes the calls; another one when it is stuck. */
  worker: Lwp;
  /** Async calls under way. */
  beside: number;
}

/** Runs a program once. */
export class Executor implements Stateful {
  readonly #session: Session;
  readonly #system: NetbsdSystem;
  readonly #options: ExecutorOptions;
  readonly #auto = new AutoAddresses();
  /** The call that each thread is in. */
  readonly #labels = new Map<Lwp, string>();
  /** The thread that waits for nothing else to run, idle when the first process has exited. */
  #watcher: Lwp | null = null;

  constructor(session: Session, options: ExecutorOptions) {
    this.#session = session;
    this.#system = session.system;
    this.#options = options;
  }

  /** Tells what calls have left for those that follow. What was said of them, and the program itself, changes nothing. */
  writeState(writer: StateWriter): void {
    writer.value('auto', this.#auto);
    writer.reference('watcher', this.#watcher);
  }

  /** Makes a process, has it make the calls, and sees to it that all processes are gone in the end. */
  run(): void {
    const { scheduler } = this.#system.kern;
    const process = this.#system.spawn(this.#options.name);
    const [worker] = process.lwps;
    if (worker === undefined) return;
    this.#session.withoutCounting(() => this.#system.perform(worker, (user) => this.#setUp(user)));
    const script: Script = { process, variables: new Map(), next: 0, worker, beside: 0 };
    this.#system.startProgram(worker, (user) => this.#makeCalls(user, script));
    this.#watch(script);
    const reaper = this.#startReaper();
    this.#system.run();
    scheduler.destroy(reaper);
  }

  /** Maps the data area, and has faults on it passed over. */
  *#setUp(user: User): Step<void> {
    const flags = MAP_ANON | MAP_PRIVATE | MAP_FIXED;
    yield* user.mmap(DATA_START, DATA_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC, flags);
    // For Linux, programs have the area between two pages that cannot be touched.
    if (this.#options.os === 'linux') {
      yield* user.mmap(DATA_START - GUARD_SIZE, GUARD_SIZE, PROT_NONE, flags);
      yield* user.mmap(DATA_START + DATA_SIZE, GUARD_SIZE, PROT_NONE, flags);
    }
    user.sigaction(SIGSEGV, passOver);
    user.sigaction(SIGBUS, passOver);
  }

  /** Makes the calls of a process, until there are none left or another thread has taken over. */
  *#makeCalls(user: User, script: Script): Step<void> {
    const { calls } = this.#options;
    for (let item = calls[script.next]; item !== undefined && script.worker === user.lwp; item = calls[script.next]) {
      script.next++;
      const args = evaluate(item.type.parameters, argsOf(item), script.variables, this.#auto);
      if (args.cut) this.#options.tally.note('cut', item.label);
      yield* this.#store(user, args, item.label);
      if (item.call.props.async && this.#callBeside(user, script, item, args)) continue;
      const idle = this.#options.threaded;
      yield* this.#makeCall(user, script, item, args, (child) => (idle ? undefined : this.#restOf(script, item, child)));
    }
    yield* this.#leave(user);
  }

  /** What a child does that is made by a call: the rest of the program. In the child the call answers 0. */
  #restOf(script: Script, { call }: ScriptCall, variables: Variables): UserProgram {
    const { next } = script;
    if (call.result !== undefined) variables.set(call.result, 0n);
    return (user) => this.#makeCalls(user, { process: user.process, variables, next, worker: user.lwp, beside: 0 });
  }

  /** Starts a thread for an async call; answers false when there are too many. */
  #callBeside(user: User, script: Script, item: ScriptCall, args: Arguments): boolean {
    if (script.beside >= MAX_THREADS) {
      this.#options.tally.note('inLine', item.label);
      return false;
    }
    script.beside++;
    const thread = this.#system.sys.addLwp(user.process);
    const execute = (other: User): Step<void> => this.#executeBeside(other, script, item, args);
    this.#system.startProgram(thread, execute);
    return true;
  }

  *#executeBeside(user: User, script: Script, item: ScriptCall, args: Arguments): Step<void> {
    // A child has the thread only that made it, and nobody gives that one anything to do.
    yield* this.#makeCall(user, script, item, args, () => undefined);
    script.beside--;
    yield* this.#leave(user);
  }

  /** Makes a call as often as it is to be made. */
  *#makeCall(
    user: User,
    script: Script,
    item: ScriptCall,
    args: Arguments,
    childProgram: (variables: Variables) => UserProgram | undefined,
  ): Step<void> {
    const { tally } = this.#options;
    const { label, call, type } = item;
    this.#labels.set(user.lwp, label);
    if (call.props.rerun > MAX_RERUN) tally.note('rerun', label);
    const times = 1 + Math.min(call.props.rerun, MAX_RERUN);
    for (let time = 0; time < times; time++) {
      const caller = { user, system: this.#system, tally, label, child: this.#childOf(script, childProgram) };
      const job = (): Step<number | undefined> => type.make(caller, args.words);
      const answer = item.failNth > 0 && time === 0 ? yield* this.#withFault(user, item, job) : yield* job();
      if (answer === undefined || answer < 0) continue;
      if (call.result !== undefined) script.variables.set(call.result, BigInt(answer));
      yield* this.#load(user, script, args, label);
    }
  }

  #childOf(script: Script, program: (variables: Variables) => UserProgram | undefined): ChildProgram | null {
    const alive = [...this.#system.sys.processes.values()].filter(({ zombie }) => !zombie);
    return alive.length >= MAX_PROCESSES ? null : { program: program(new Map(script.variables)) };
  }

  *#withFault(user: User, { label, failNth }: ScriptCall, job: () => Step<number | undefined>): Step<number | undefined> {
    const { faults } = this.#system.kern;
    faults.arm(user.lwp, failNth);
    try {
      return yield* job();
    } finally {
      // In any case: the order would outlive a thread that ends over the call.
      if (!faults.disarm(user.lwp).failed) this.#options.tally.note('noFault', label);
    }
  }

  *#store(user: User, { stores }: Arguments, label: string): Step<void> {
    for (const { address, bytes } of stores) {
      if ((yield* user.storeBytes(address, bytes)) !== 0) this.#options.tally.note('noStore', label);
    }
  }

  *#load(user: User, script: Script, { loads }: Arguments, label: string): Step<void> {
    for (const { variable, address, size } of loads) {
      const bytes = new Uint8Array(8);
      const errno = yield* user.loadBytes(address, bytes.subarray(0, size));
      if (errno === 0) script.variables.set(variable, new DataView(bytes.buffer).getBigUint64(0, true));
      else this.#options.tally.note('noLoad', label);
    }
  }

  /** The thread has nothing more to do; the last one that had takes its process with it. */
  *#leave(user: User): Step<void> {
    this.#labels.delete(user.lwp);
    const others = user.process.lwps.filter((lwp) => lwp !== user.lwp && !lwp.idle);
    if (others.length === 0) yield* user.exit(0);
  }

  /** Adds the thread to the first process that begins when nothing else can run. */
  #watch(script: Script): void {
    const { sys } = this.#system;
    const lwp = sys.addLwp(script.process);
    this.#watcher = lwp;
    sys.performOn(lwp, () => this.#nothingRuns(new User(sys, lwp), script), { when: this.#idleness(lwp, () => true) });
  }

  *#nothingRuns(user: User, script: Script): Step<void> {
    const { threaded, calls } = this.#options;
    const { process } = user;
    if (process.ending === null) this.#noteStuck(process);
    if (threaded && process.ending === null && script.next < calls.length) {
      script.worker = this.#system.sys.addLwp(process);
      this.#system.startProgram(script.worker, (worker) => this.#makeCalls(worker, script));
      this.#watch(script);
      return;
    }
    yield* user.exit(0);
  }

  /** Starts a thread of the kernel's that ends who is still there when the first process has exited and nothing else can run. */
  #startReaper(): Lwp {
    const { scheduler } = this.#system.kern;
    const lwp = scheduler.create(scheduler.current.process, 0);
    scheduler.start(lwp, () => this.#endAll(), { when: this.#idleness(lwp, () => this.#watcher?.idle === true) });
    return lwp;
  }

  *#endAll(): Step<void> {
    const { sys } = this.#system;
    for (const process of [...sys.processes.values()]) {
      if (process.ending !== null) continue;
      this.#noteStuck(process);
      // syz-executor sends SIGKILL; here a process that a signal has killed is one of which the report tells.
      sys.endProcess(process, { kind: 'exited', status: 0 });
      const [idle] = process.lwps;
      if (idle !== undefined && process.lwps.every((lwp) => lwp.idle)) this.#system.startProgram(idle, (user) => user.exit(0));
    }
  }

  #noteStuck(process: Process): void {
    for (const lwp of process.lwps) {
      const label = this.#labels.get(lwp);
      if (lwp.call !== null && label !== undefined) this.#options.tally.note('stuck', label);
    }
  }

  /** Admits a thread when no other can run. @param also what has to be so first, and is asked first, so that two never ask each other */
  #idleness(lwp: Lwp, also: () => boolean): StepObject {
    const { scheduler } = this.#system.kern;
    return { label: 'the end of all other work', admits: () => also() && !scheduler.othersCanRun(lwp) };
  }
}

/** The arguments of a call without the padding that only some texts have. */
function argsOf({ call, type }: ScriptCall): SyzCall['args'] {
  const { padding, parameters } = type;
  return padding !== undefined && call.args.length > parameters.length ? call.args.toSpliced(padding, 1) : call.args;
}

/** A fault while data is stored, or a result loaded, is passed over. */
// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
const passOver: SignalHandler = function* () {
  return 'skip';
};
