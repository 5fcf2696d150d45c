/** Decision D11, as `state.test.ts`: processes, threads and locks. */
import { describe, expect, it } from 'vitest';
import { KernelPanic, type Step } from '../src/index.js';
import { RLIMIT_AS } from '../src/kern/limits.js';
import { PAGE_SIZE } from '../src/machine/address.js';
import { RamFile } from '../src/machine/file-store.js';
import { act } from './harness.js';
import { type Change, expectTold, other, Subject } from './state-subject.js';
import { nothing } from './threads.js';

const PAGE = PAGE_SIZE;
/** A signal that nothing here is about. */
const SIGUSR1 = 30;

describe('told is of processes and threads', () => {
  const changes: Change[] = [
    ['the offset of a file', (s) => act(s.system, s.process, (user) => user.lseek(0, 5, 0))],
    ['a descriptor', (s) => s.process.files.place(9, s.file)],
    [
      'the flags of a descriptor',
      (s) => {
        s.process.files.remove(0);
        s.process.files.allocate(s.file, 1024, { closeOnExec: true });
      },
    ],
    ['the name of a file', (s) => s.system.sys.vfs.add('/more', new RamFile('more'))],
    ['what is in a pipe', (s) => act(s.system, s.process, (user) => user.write(s.pipe, s.entry.start, 1))],
    ['which ends of a pipe are open', (s) => s.file.target.kind === 'vnode' && s.run(() => pipeOf(s).close('write'))],
    [
      'a limit',
      (s) => {
        s.process.limits = s.process.limits.with(RLIMIT_AS, { current: PAGE, maximum: PAGE });
      },
    ],
    [
      'credentials',
      (s) => {
        s.process.credentials = { uid: 0, gid: 100 };
      },
    ],
    ['a signal that is ignored', (s) => s.process.handlers.set(SIGUSR1, 'ignore')],
    [
      'a signal that is handled',
      (s) =>
        s.process.handlers.set(SIGUSR1, function* () {
          yield* nothing();
          return 'skip';
        }),
    ],
    ['a signal that waits', (s) => s.process.pending.push({ signal: SIGUSR1, code: 0, address: 0 })],
    [
      'that a process is ending',
      (s) => {
        s.process.ending = { kind: 'exited', status: 0 };
      },
    ],
    [
      'which thread survives',
      (s) => {
        s.process.survivor = s.lwp;
      },
    ],
    [
      'who is whose parent',
      (s) => {
        s.process.parent = s.process;
      },
    ],
    ['a process', (s) => s.system.spawn('more')],
    ['a thread', (s) => s.system.sys.addLwp(s.process)],
    ['that a thread has a job', (s) => s.system.kern.scheduler.start(s.lwp, nothing)],
    [
      'what a thread is about to touch',
      (s) => {
        s.parked.object = s.map.lock;
      },
    ],
    [
      'which of two locks that is',
      (s) => {
        s.parked.object = s.map.lock;
        s.parked.op = 'acquire';
      },
    ],
    [
      'the system call a thread is in',
      (s) => {
        s.parked.call = { name: 'mlock', args: [0, 1] };
      },
    ],
    ['a fault that has been ordered', (s) => s.system.kern.faults.arm(s.lwp, 2)],
    [
      'a panic',
      (s) => {
        s.system.kern.panicked = new KernelPanic('test', { frames: [], lwp: '1.1' });
      },
    ],
  ];
  for (const change of changes) it(change[0], () => expectTold(change));

  it('on which channel a thread sleeps, for how long yet, and what may end it', () => {
    const sleeping = (channel: 'free' | 'page', deadline: number, interruptible: boolean): string => {
      const subject = new Subject();
      const { parked, system } = subject;
      if (channel === 'page') system.uvm.pageChannels.set(subject.anon.page, other(system.uvm.freeChannel));
      parked.channel = channel === 'free' ? system.uvm.freeChannel : (system.uvm.pageChannels.get(subject.anon.page) ?? null);
      Object.assign(parked, { op: 'resume', object: parked.channel, deadline, interruptible });
      return subject.digest;
    };
    const digests = [sleeping('free', 0, false), sleeping('free', 5, false), sleeping('free', 6, false)];
    digests.push(sleeping('free', 0, true), sleeping('page', 0, false), new Subject().digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('who waits on a channel, in which order', () => {
    const waiting = (...who: ('lwp' | 'parked')[]): string => {
      const subject = new Subject();
      subject.system.uvm.freeChannel.waiters.push(...who.map((each) => subject[each]));
      return subject.digest;
    };
    const digests = [waiting(), waiting('lwp'), waiting('parked'), waiting('lwp', 'parked'), waiting('parked', 'lwp')];
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe('told is who holds a lock, and how:', () => {
  const mutexes: Record<string, (subject: Subject) => { enter(): Step<void> }> = {
    'page queues': ({ system }) => system.uvm.pageqLock,
    'free list': ({ system }) => system.uvm.freeLock,
    amap: ({ amap }) => amap.lock,
    object: ({ vnode }) => vnode.lock,
    'map, misc': ({ map }) => map.miscLock,
    processes: ({ system }) => system.sys.procLock,
  };
  for (const [name, of] of Object.entries(mutexes)) {
    it(name, () => expectTold([name, (subject) => subject.run(() => of(subject).enter())]));
  }
  const locks: Record<string, (subject: Subject) => { enter(mode: 'read' | 'write'): Step<void> }> = {
    map: ({ map }) => map.lock,
    vnode: ({ vnode }) => vnode.vnodeLock,
    node: ({ vnode }) => vnode.nodeLock,
  };
  for (const [name, of] of Object.entries(locks)) {
    it(`${name}, for reading and for writing`, () => {
      const [reading, writing] = (['read', 'write'] as const).map((mode) => {
        const subject = new Subject();
        subject.run(() => of(subject).enter(mode));
        return subject.digest;
      });
      expect(new Set([reading, writing, new Subject().digest]).size).toBe(3);
    });
  }
});

function pipeOf({ system }: Subject): { close(end: 'read' | 'write'): Step<void> } {
  for (const { target } of system.sys.openFiles) if (target.kind === 'pipe') return target.pipe;
  throw new Error('there is no pipe');
}
