import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { begin, type Deed, deeds, type Memory, perform } from '../../test/random-machine.js';
import { linesOf } from '../../test/state-subject.js';
import {
  AF_LOCAL,
  BUILD,
  boot,
  IPC_CREAT,
  IPC_PRIVATE,
  MAP_ANON,
  MAP_PRIVATE,
  MAP_SHARED,
  type MemoryFaultHook,
  O_CREAT,
  O_RDWR,
  SIGSEGV,
  type SignalHandler,
  Snapshot,
  SnapshotError,
  SOCK_STREAM,
  type Step,
  type System,
  type User,
} from '../index.js';
import { PAGE_SIZE } from '../machine/address.js';
import { RamFile } from '../machine/file-store.js';
import { machineClasses } from './snapshot-classes.js';
import { sourceName } from './snapshot-graph.js';

const RW = 3;
/**
 * Classes whose instances a call makes and leaves behind, or which are no part of a machine: who decides and watches, what is thrown, what
 * stands for the embedder.
 */
const PASSING = [
  'Auditor',
  'Continuation',
  'Deadlock',
  'DirectTransfer',
  'EventLog',
  'FaultContext',
  'GapCheck',
  'GapTreeIterator',
  'IoRequest',
  'KernelPanic',
  'KernelUio',
  'LoanOutput',
  'LwpExit',
  'MemoryFaultError',
  'PatchError',
  'PhysioBuffer',
  'PhysioStatus',
  'ProcessEnded',
  'RandomPreemption',
  'RawIo',
  'Replay',
  'RoundRobin',
  'RunToBlock',
  'ScheduleMismatch',
  'SeededRandom',
  'SimulatedMemory',
  'StateHash',
  'StateText',
  'StepBound',
  'SwapRead',
  'SwapWrite',
  'Swapcluster',
  'Tally',
  'Trial',
  'User',
  'UserMemory',
  'UserUio',
  'VnodeFlush',
  'VnodeRead',
  'VnodeTruncate',
  'VnodeWrite',
  'Walk',
];

const OPTIONS = { ram: 64 * PAGE_SIZE, swap: [{ name: 'wd0', pages: 512 }] } as const;

function act<T>(system: System, user: User, job: (user: User) => Step<T>): T {
  const answer = system.perform(user, job);
  expect(user.process.ending).toBe(null);
  return answer as T;
}

/** What comes of some deeds, and the state after them. */
function history(system: System, memory: Memory, todo: readonly Deed[]): string[] {
  const told = todo.map((deed) => perform(system, memory, deed));
  expect(system.audit()).toEqual([]);
  return [...told, ...linesOf(system.kernel)];
}

describe('a machine goes on from a snapshot as it would have', () => {
  it('in place, again and again, and in another one', () => {
    fc.assert(
      fc.property(
        fc.array(deeds, { minLength: 5, maxLength: 60 }),
        fc.array(deeds, { minLength: 1, maxLength: 30 }),
        (before, after) => {
          const system = boot(OPTIONS);
          const memory = begin(system);
          for (const deed of before) perform(system, memory, deed);
          const snapshot = system.snapshot();
          const lines = linesOf(system.kernel);

          const first = history(system, structuredClone(memory), after);
          system.restore(snapshot);
          expect(linesOf(system.kernel)).toEqual(lines);
          expect(history(system, structuredClone(memory), after)).toEqual(first);
          system.restore(snapshot);
          expect(history(system, structuredClone(memory), after)).toEqual(first);

          const other = boot(OPTIONS);
          const read = Snapshot.fromBytes(snapshot.toBytes());
          other.restore(read);
          expect(linesOf(other.kernel)).toEqual(lines);
          expect(history(other, structuredClone(memory), after)).toEqual(first);
          other.restore(read);
          expect(history(other, structuredClone(memory), after)).toEqual(first);
        },
      ),
      { numRuns: BUILD === 'watched' ? 5 : 40 },
    );
  });

  it('into a machine that has done other things since it was booted', () => {
    fc.assert(
      fc.property(fc.array(deeds, { maxLength: 40 }), fc.array(deeds, { maxLength: 40 }), (there, here) => {
        const [source, target] = [boot(OPTIONS), boot(OPTIONS)];
        const memory = begin(source);
        for (const deed of there) perform(source, memory, deed);
        const elsewhere = begin(target);
        for (const deed of here) perform(target, elsewhere, deed);
        target.restore(source.snapshot());
        expect(linesOf(target.kernel)).toEqual(linesOf(source.kernel));
        expect(history(target, structuredClone(memory), here)).toEqual(history(source, memory, here));
      }),
      { numRuns: 20 },
    );
  });
});

describe('a snapshot', () => {
  it('has pages that are on swap, in files, in pipes, shared and copied on write', () => {
    const system = boot({ ...OPTIONS, devices: { '/dev/rst0': { kind: 'tape' }, '/dev/fb0': { kind: 'memory', pages: 1 } } });
    system.addFile('/data', new Uint8Array(5000).fill(7));
    const user = system.spawn('all');
    const at = act(system, user, function* (thread) {
      const own = yield* thread.mmap(0, 100 * PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE);
      for (let i = 0; i < 100; i++) yield* thread.store32(own + i * PAGE_SIZE, i);
      const fd = yield* thread.open('/data', O_RDWR);
      const file = yield* thread.mmap(0, 2 * PAGE_SIZE, RW, MAP_SHARED, fd);
      yield* thread.store8(file, 1);
      const ends = yield* thread.pipe();
      if (typeof ends === 'number') throw new Error(`there is no pipe: ${ends}`);
      yield* thread.write(ends.write, own, 100);
      yield* thread.mlock(own, 2 * PAGE_SIZE);
      yield* thread.fork();
      yield* thread.lwpCreate();
      const [tape, buffer] = [yield* thread.open('/dev/rst0', O_RDWR), yield* thread.open('/dev/fb0', O_RDWR)];
      yield* thread.write(tape, own, PAGE_SIZE);
      yield* thread.write(buffer, own + PAGE_SIZE, 100);
      const frames = yield* thread.mmap(0, PAGE_SIZE, RW, MAP_SHARED, buffer);
      yield* thread.store32(frames, 0x1234);
      const segment = yield* thread.shmat(yield* thread.shmget(IPC_PRIVATE, 3 * PAGE_SIZE, 0o600 | IPC_CREAT), 0, 0);
      yield* thread.store32(segment + PAGE_SIZE, 5);
      const shared = yield* thread.shmOpen('/shared', O_RDWR | O_CREAT);
      expect(yield* thread.ftruncate(shared, 2 * PAGE_SIZE)).toBe(0);
      yield* thread.store32(yield* thread.mmap(0, 2 * PAGE_SIZE, RW, MAP_SHARED, shared), 6);
      const sockets = yield* thread.socketpair(AF_LOCAL, SOCK_STREAM);
      if (typeof sockets === 'number') throw new Error(`there are no sockets: ${sockets}`);
      expect(yield* thread.send(sockets[0], own, 3000)).toBe(3000);
      return own;
    });
    expect(system.kernel.uvm.uvmexp.swpginuse).toBeGreaterThan(0);
    const bytes = system.snapshot().toBytes();

    const other = boot({ ...OPTIONS, devices: { '/dev/rst0': { kind: 'tape' }, '/dev/fb0': { kind: 'memory', pages: 1 } } });
    other.restore(Snapshot.fromBytes(bytes));
    expect(linesOf(other.kernel)).toEqual(linesOf(system.kernel));
    const loaded = act(other, other.thread(1), function* (thread) {
      const found: number[] = [];
      for (let i = 0; i < 100; i++) found.push(yield* thread.load32(at + i * PAGE_SIZE));
      return found;
    });
    expect(loaded).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(other.audit()).toEqual([]);
  });

  it('is the same bytes when taken twice, and after it was read and taken again', () => {
    const system = boot(OPTIONS);
    begin(system);
    const bytes = system.snapshot().toBytes();
    expect(system.snapshot().toBytes()).toEqual(bytes);
    const other = boot(OPTIONS);
    other.restore(Snapshot.fromBytes(bytes));
    const again = boot(OPTIONS);
    again.restore(Snapshot.fromBytes(other.snapshot().toBytes()));
    expect(linesOf(again.kernel)).toEqual(linesOf(system.kernel));
  });

  it('keeps the threads of its own system what they are', () => {
    const system = boot(OPTIONS);
    const user = system.spawn('one');
    const at = system.perform(user, (thread) => thread.mmap(0, PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE)) ?? -1;
    system.perform(user, (thread) => thread.store32(at, 1));
    const snapshot = system.snapshot();
    system.perform(user, (thread) => thread.store32(at, 2));
    system.restore(snapshot);
    expect(system.thread(1)).toBe(user);
    expect(system.perform(user, (thread) => thread.load32(at))).toBe(1);
  });

  it('has the threads of another system, on their own processors and in their own processes', () => {
    const options = { ...OPTIONS, cpus: 2 };
    const [source, target] = [boot(options), boot(options)];
    for (const system of [source, target]) {
      const count = system === source ? 3 : 5;
      for (let i = 0; i < count; i++) system.spawn(`process ${i}`);
    }
    // Whose place in the list of threads another one takes.
    source.perform(source.thread(1), (user) => user.exit(0));
    target.threads();
    target.restore(source.snapshot());
    expect(target.threads().map(({ process, lwp }) => `${process.name}, cpu ${lwp.cpu}`)).toEqual([
      'process 1, cpu 0',
      'process 2, cpu 1',
    ]);
    for (const user of target.threads()) {
      expect(target.process(user.process.pid)).toBe(user.process);
      const at = act(target, user, (thread) => thread.mmap(0, PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE));
      act(target, user, (thread) => thread.store32(at, user.process.pid));
      expect(act(target, user, (thread) => thread.load32(at))).toBe(user.process.pid);
    }
    expect(target.audit()).toEqual([]);
  });

  it('brings back a process that has exited since', () => {
    const system = boot(OPTIONS);
    const user = system.spawn('one');
    const snapshot = system.snapshot();
    system.perform(user, (thread) => thread.exit(0));
    expect(system.threads()).toEqual([]);
    system.restore(snapshot);
    expect(system.threads()).toEqual([user]);
    expect(system.perform(user, (thread) => thread.mmap(0, PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE))).toBeGreaterThan(0);
    expect(system.audit()).toEqual([]);
  });

  it('has threads that have not begun, for the system itself', () => {
    const system = boot(OPTIONS);
    const ran: string[] = [];
    system.spawn('waits', {
      *program(user) {
        ran.push(`at ${yield* user.mmap(0, PAGE_SIZE, RW, MAP_ANON | MAP_PRIVATE)}`);
      },
    });
    const snapshot = system.snapshot();
    for (let i = 0; i < 3; i++) {
      system.run();
      system.restore(snapshot);
    }
    expect(ran).toEqual([ran[0], ran[0], ran[0]]);
    expect(() => snapshot.toBytes()).toThrow(/continuation is a function, which no file can hold/);
  });
});

describe('what is not carried', () => {
  it('is named: a file of the host, by where it is', () => {
    class HostFile extends RamFile {}
    const system = boot(OPTIONS);
    const file = new HostFile('data');
    system.addFile('/data', file);
    expect(() => system.snapshot()).toThrow(
      new SnapshotError(
        'system.uvm.objects.{0}.store is a HostFile (data), which a snapshot cannot carry: name it in `external` if it is yours to carry, and remove it if not',
      ),
    );
    const bytes = system.snapshot({ external: { 'the file': file } }).toBytes();
    const other = boot(OPTIONS);
    expect(() => other.restore(Snapshot.fromBytes(bytes))).toThrow(
      "the snapshot wants what was named 'the file' when it was taken: give it in `external`",
    );
    other.restore(Snapshot.fromBytes(bytes), { external: { 'the file': file } });
    expect(other.kernel.sys.vfs.lookup('/data')?.store).toBe(file);
  });

  it('may be a function: the handler of a signal is given back by name, and without one in this process only', () => {
    const system = boot(OPTIONS);
    const user = system.spawn('one');
    const handler: SignalHandler = function* (_info, thread) {
      yield* thread.munlockall();
      return 'skip';
    };
    user.sigaction(SIGSEGV, handler);
    expect(() => system.snapshot().toBytes()).toThrow(/processes\.\[1\]\.handlers\.\[11\] is a function, which no file can hold/);
    const unnamed = boot(OPTIONS);
    unnamed.restore(system.snapshot());
    expect(unnamed.thread(1).process.handlers.get(SIGSEGV)).toBe(handler);

    const bytes = system.snapshot({ external: { onSegv: handler } }).toBytes();
    const other = boot(OPTIONS);
    other.restore(Snapshot.fromBytes(bytes), { external: { onSegv: handler } });
    expect(other.thread(1).process.handlers.get(SIGSEGV)).toBe(handler);
    expect(other.perform(other.thread(1), (thread) => thread.load32(0))).toBe(0);
  });

  it('is who decides: strategies, hooks and the log stay those of the system', () => {
    const system = boot(OPTIONS);
    const hook: MemoryFaultHook = function* ({ user }) {
      yield* user.munlockall();
      return 'signal';
    };
    const snapshot = system.snapshot();
    system.onMemoryFault = hook;
    system.kernel.kern.log.on = true;
    system.restore(snapshot);
    expect(system.onMemoryFault).toBe(hook);
    expect(system.kernel.kern.log.on).toBe(true);
  });
});

describe('no snapshot is taken', () => {
  it('while a thread runs', () => {
    const system = boot(OPTIONS);
    const user = system.spawn('one');
    system.perform(user, function* (thread) {
      expect(() => system.snapshot()).toThrow(
        'a snapshot is taken from outside of every thread, not while thread 1.1 is running',
      );
      expect(() => system.restore(null as never)).toThrow();
      yield* thread.munlockall();
    });
  });

  it.skipIf(BUILD === 'direct')('while a thread is in the middle of its program', () => {
    const system = boot(OPTIONS);
    const user = system.spawn('one');
    system.kernel.performUntilBlocked(user.lwp, function* (thread) {
      yield* thread.fork();
      yield* thread.wait();
    });
    expect(() => system.snapshot()).toThrow('thread 1.1 sleeps on "wait": a snapshot is taken while no thread has a job');
  });

  it('of a machine that has panicked', () => {
    const system = boot(OPTIONS);
    expect(() => system.kernel.kern.panic('enough')).toThrow();
    expect(() => system.snapshot()).toThrow('the kernel has panicked (enough): a snapshot is taken of a sound one only');
  });
});

describe('no machine takes', () => {
  it('a snapshot of one that was booted otherwise', () => {
    const snapshot = boot(OPTIONS).snapshot();
    const say = (options: Parameters<typeof boot>[0]) => () => boot(options).restore(snapshot);
    expect(say({ ...OPTIONS, ram: 128 * PAGE_SIZE })).toThrow(
      'the snapshot is of a machine with ram 262144, and this one has 524288',
    );
    expect(say({ ...OPTIONS, cpus: 2 })).toThrow('the snapshot is of a machine with processors 1, and this one has 2');
    expect(say({ ...OPTIONS, diagnostic: false })).toThrow(/with diagnostic true, and this one has false/);
  });

  it('bytes that are no snapshot, or not all of one, or not as they were written', () => {
    const bytes = boot(OPTIONS).snapshot().toBytes();
    expect(() => Snapshot.fromBytes(new Uint8Array(100))).toThrow('these bytes are no snapshot');
    expect(() => Snapshot.fromBytes(bytes.subarray(0, 5))).toThrow('these bytes are no snapshot');
    expect(() => Snapshot.fromBytes(bytes.subarray(0, bytes.length - 1))).toThrow(/the snapshot is damaged/);
    const format = bytes.slice();
    format[6] = 9;
    expect(() => Snapshot.fromBytes(format)).toThrow('the snapshot is of format 9; this Faultline reads format 1');
    fc.assert(
      fc.property(fc.integer({ min: 11, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] as number) ^ change;
        expect(() => Snapshot.fromBytes(damaged)).toThrow(SnapshotError);
      }),
    );
  });
});

it('the classes that are registered have plain fields, which can be seen', () => {
  const registry = machineClasses(boot(OPTIONS).kernel);
  for (const name of registry.names) {
    const source = String((registry.classNamed(name).prototype as { constructor: unknown }).constructor);
    expect(/\bthis\.#/.test(source), `${name} hides fields`).toBe(false);
  }
});

it('what a boot has put into fields as functions is not carried, nor is a null in its place', () => {
  const { kernel } = boot(OPTIONS);
  const registry = machineClasses(kernel);
  for (const thing of [kernel.kern, kernel.kern.scheduler, kernel.machine, kernel.uvm, kernel.sys, ...kernel.machine.cpus]) {
    const { kept, name } = registry.classOf(thing) ?? {};
    const functions = Object.entries(thing).filter(([, value]) => typeof value === 'function');
    for (const [field] of functions) expect(kept, `${name} has a hook that is not kept`).toContain(sourceName(field));
  }
});

it('every class of the kernel is registered, or none that is there while nobody is in the kernel', () => {
  const source = fileURLToPath(new URL('..', import.meta.url));
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.test)\.ts$/.test(name));
  const classes = files
    .filter((name) => !name.startsWith('embed'))
    .flatMap((name) => [...readFileSync(join(source, name), 'utf8').matchAll(/^(?:export )?class (\w+)/gm)])
    .map(([, name]) => name as string);
  const { names } = machineClasses(boot(OPTIONS).kernel);
  const missing = classes.filter((name) => !names.includes(name.replace(/^(Uvm|Sys)State$/, '$1')) && !PASSING.includes(name));
  expect(missing, 'add these to snapshot-classes.ts, or to PASSING here when no instance outlives a call').toEqual([]);
  expect(
    PASSING.filter((name) => !classes.includes(name)),
    'there are none of these any more',
  ).toEqual([]);
});
