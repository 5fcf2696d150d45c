import { describe, expect, it } from 'vitest';
import { actorOf, type Replayed, replayLines } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';

/** A process, and the files of its log. */
function started(): { replayed: Replayed; actor: ReturnType<typeof actorOf>; files: Replayed['replay']['files'] } {
  const replayed = replayLines([EXECVE]);
  return { replayed, actor: actorOf(replayed, 7), files: replayed.replay.files };
}

/** The size of the file of that name in the system. */
const sizeOf = ({ system }: Replayed, name: string) => system.sys.vfs.lookup(name)?.size;

describe('a file of the log', () => {
  it('is the same for all who open its path, and has nothing in the system until it is mapped', () => {
    const { replayed, actor, files } = started();
    const file = files.open('/tmp/f');
    files.tell(actor, file, 10_000);
    expect(files.open('/tmp/f')).toBe(file);
    expect(replayed.system.sys.vfs.lookup('/tmp/f')).toBeNull();
    expect(files.nameOf(actor, file)).toBe('/tmp/f');
    expect(sizeOf(replayed, '/tmp/f')).toBe(10_000);
  });

  it('grows with what the log shows, and shrinks only when the log says so', () => {
    const { replayed, actor, files } = started();
    const file = files.open('/tmp/f');
    files.nameOf(actor, file);
    files.grow(actor, file, 5000);
    files.grow(actor, file, 100);
    expect(sizeOf(replayed, '/tmp/f')).toBe(5000);
    files.tell(actor, file, 100);
    expect(sizeOf(replayed, '/tmp/f')).toBe(100);
    expect(file.sizeTold).toBe(true);
  });

  it('has a size that this machine can have', () => {
    const { actor, files } = started();
    const file = files.open('/tmp/f');
    files.tell(actor, file, -5);
    expect(file.size).toBe(0);
    files.grow(actor, file, 2 ** 62);
    expect(file.size).toBe(2 ** 52);
  });

  it('gets another name when its own is taken', () => {
    const { actor, files } = started();
    const first = files.open('/tmp/f');
    files.nameOf(actor, first);
    files.rename(actor, '/tmp/f', '/tmp/g');
    const second = files.open('/tmp/f');
    expect(files.nameOf(actor, second)).not.toBe(files.nameOf(actor, first));
  });

  it('keeps its path when it is renamed to it', () => {
    const { files, actor } = started();
    const file = files.open('/tmp/f');
    files.rename(actor, '/tmp/f', '/tmp/f');
    expect(files.open('/tmp/f')).toBe(file);
  });

  it('leaves the system when it is removed, and comes back when somebody maps it who has it open', () => {
    const { replayed, actor, files } = started();
    const file = files.open('/tmp/f');
    files.nameOf(actor, file);
    files.remove(actor, '/tmp/f');
    expect(replayed.system.sys.vfs.lookup('/tmp/f')).toBeNull();
    expect(files.open('/tmp/f')).not.toBe(file);
    expect(files.nameOf(actor, file)).toBe('/tmp/f');
  });
});

it('remembers as many files as a host can bear: those that were opened and mapped last', () => {
  const { replayed, actor, files } = started();
  const first = files.open('/tmp/0');
  files.nameOf(actor, first);
  for (let i = 1; i <= 4096; i++) files.nameOf(actor, files.open(`/tmp/${i}`));
  expect(replayed.system.sys.vfs.lookup('/tmp/0')).toBeNull();
  expect(replayed.system.sys.vfs.lookup('/tmp/1')).not.toBeNull();
  expect(files.open('/tmp/0')).not.toBe(first);
});
