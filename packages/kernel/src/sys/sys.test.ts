import { describe, expect, it } from 'vitest';
import { makeFile, mapFile, open, PAGE } from '../../test/cases/support.js';
import { act, boot, bootProcess, expectNoLeak } from '../../test/harness.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIMIT_NOFILE, RLIMIT_STACK } from '../kern/limits.js';
import { MAP_SHARED } from '../vm/mman.js';
import { O_RDONLY } from './file.js';
import { MAXSSIZ } from './param.js';

describe('the limits of a first process', () => {
  it('are those of an amd64; a third of RAM may be wired', () => {
    const { process } = bootProcess({ ram: 300 * PAGE });
    const limits = [RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NOFILE, RLIMIT_MEMLOCK].map((which) => process.limits.get(which));
    expect(limits).toEqual([
      { current: 256 * 2 ** 20, maximum: 8 * 2 ** 30 },
      { current: 4 * 2 ** 20, maximum: MAXSSIZ },
      { current: 1024, maximum: 1024 },
      { current: 100 * PAGE, maximum: 300 * PAGE },
    ]);
    expect(process.limits.soft(RLIMIT_AS)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('processes and threads', () => {
  it('are numbered from 1, and no number is used again', () => {
    const system = boot();
    const first = system.spawn('a');
    expect([first.pid, system.spawn('b').pid]).toEqual([1, 2]);
    system.perform(first, (user) => user.exit(0));
    expect(system.spawn('c').pid).toBe(3);
  });

  it('run on the processors in turn', () => {
    const system = boot({ cpus: 2 });
    const cpus = ['a', 'b', 'c'].map((name) => system.spawn(name).lwps[0]?.cpu);
    // The kernel's own first thread is on processor 0.
    expect(cpus).toEqual([1, 0, 1]);
  });
});

describe('the place of a mapping that asks for none', () => {
  it('is right below where the stack may grow', () => {
    const { system, process } = bootProcess();
    const at = act(system, process, (user) => user.mmap(0, 3 * PAGE, 3, 0x1002));
    expect(at).toBe(process.layout.stackLimit - 3 * PAGE);
  });
});

describe('references to a file', () => {
  it('are its name and the open files, not the descriptors', () => {
    const { system, process } = bootProcess();
    makeFile(system, '/file', PAGE);
    const vnode = system.sys.vfs.lookup('/file');
    if (vnode === null) throw new Error('there is no file');
    const held = (): number => system.sys.heldReferences(vnode);
    expect(held()).toBe(1);
    act(system, process, function* (user) {
      const fd = yield* open(user, '/file', O_RDONLY);
      yield* user.dup(fd);
      expect(held()).toBe(2);
      yield* open(user, '/file', O_RDONLY);
      yield* mapFile(user, fd, PAGE, 1, MAP_SHARED);
      expect(held()).toBe(3);
      yield* user.unlink('/file');
      expect(held()).toBe(2);
    });
    expectNoLeak(system);
  });
});

describe('the processor of a thread', () => {
  it('is in the space of its process', () => {
    const system = boot();
    const [a, b] = [system.spawn('a'), system.spawn('b')];
    const [first, second] = [a.lwps[0], b.lwps[0]];
    if (first === undefined || second === undefined) throw new Error('there are no threads');
    expect(system.sys.activeCpu(first).pmap).toBe(a.space?.pmap);
    expect(system.sys.activeCpu(second).pmap).toBe(b.space?.pmap);
  });
});
