import { O_RDWR, O_WRONLY } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { actorOf, replayLines } from '../../test/strace-log.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';

/** What a descriptor of process 7 leads to after some calls of its: `path +offset of size`, null for nothing, `-` for no file. */
function leadsTo(calls: readonly string[], fd: number): string | null {
  const replayed = replayLines([EXECVE, ...calls.map((call) => `7 ${call}`)]);
  const description = actorOf(replayed, 7).task.files.get(fd);
  if (description === undefined) return null;
  const { file, offset } = description;
  return file === null ? '-' : `${file.path} +${offset} of ${file.size}`;
}

const OPEN = 'open("/tmp/f", O_RDWR|O_CREAT, 0666) = 3';

describe('opening', () => {
  it.each<[string, string | null]>([
    ['open("/tmp/f", O_RDONLY) = 3', '/tmp/f +0 of 0'],
    ['openat(AT_FDCWD, "/tmp/f", O_RDONLY|O_CLOEXEC) = 3', '/tmp/f +0 of 0'],
    ['openat(AT_FDCWD</home>, "f", O_RDONLY) = 3</home/f>', '/home/f +0 of 0'],
    ['openat2(AT_FDCWD, "/tmp/f", {flags=O_RDONLY, resolve=0}, 24) = 3', '/tmp/f +0 of 0'],
    ['creat("/tmp/f", 0666) = 3', '/tmp/f +0 of 0'],
    ['memfd_create("x", MFD_CLOEXEC) = 3', 'memfd:x +0 of 0'],
    ['open("/tmp/f", O_RDONLY) = -1 ENOENT (No such file or directory)', null],
    ['socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3', '-'],
    ['pipe2([3, 4], O_CLOEXEC) = 0', '-'],
    ['socketpair(AF_UNIX, SOCK_STREAM, 0, [3, 4]) = 0', '-'],
    ['eventfd2(0, EFD_CLOEXEC) = 3', '-'],
  ])('%s', (call, expected) => expect(leadsTo([call], 3)).toBe(expected));

  it('below a directory that was opened before gives the whole path', () => {
    expect(leadsTo(['open("/tmp", O_RDONLY|O_DIRECTORY) = 4', 'openat(4, "f", O_RDONLY) = 3'], 3)).toBe('/tmp/f +0 of 0');
  });

  it('takes what a path had away with O_TRUNC, and leads elsewhere with O_EXCL and O_TMPFILE', () => {
    const calls = [OPEN, 'ftruncate(3, 100) = 0'];
    expect(leadsTo([...calls, 'open("/tmp/f", O_WRONLY|O_TRUNC) = 4'], 4)).toBe('/tmp/f +0 of 0');
    expect(leadsTo([...calls, 'open("/tmp/f", O_RDONLY) = 4'], 4)).toBe('/tmp/f +0 of 100');
    expect(leadsTo([...calls, 'open("/tmp/f", O_RDONLY|O_TRUNC) = 4'], 4)).toBe('/tmp/f +0 of 100');
    expect(leadsTo([...calls, 'open("/tmp/f", O_RDWR|O_CREAT|O_EXCL, 0666) = 4'], 4)).toBe('/tmp/f +0 of 0');
    expect(leadsTo([...calls, 'open("/tmp/f", O_RDWR|O_TMPFILE, 0666) = 4'], 4)).toBe('/tmp/f +0 of 0');
  });

  it('notes what for, in NetBSD’s flags', () => {
    const replayed = replayLines([EXECVE, `7 ${OPEN}`, '7 creat("/tmp/g", 0666) = 4']);
    const { files } = actorOf(replayed, 7).task;
    expect((files.get(3)?.flags ?? 0) & 3).toBe(O_RDWR);
    expect((files.get(4)?.flags ?? 0) & 3).toBe(O_WRONLY);
  });
});

describe('duplicating', () => {
  it.each<[string, number]>([
    ['dup(3) = 5', 5],
    ['dup2(3, 5) = 5', 5],
    ['dup3(3, 5, O_CLOEXEC) = 5', 5],
    ['fcntl(3, F_DUPFD, 5) = 5', 5],
    ['fcntl(3, F_DUPFD_CLOEXEC, 5) = 5', 5],
  ])('%s gives another number to the same open file', (call, fd) => {
    expect(leadsTo([OPEN, call, 'write(3, "abc", 3) = 3'], fd)).toBe('/tmp/f +3 of 3');
  });

  it('of what is not known leads nowhere that is known', () => {
    expect(leadsTo(['open("/tmp/f", O_RDONLY) = 5', 'dup2(9, 5) = 5'], 5)).toBeNull();
  });

  it('leaves everything as it was when it failed, or when both numbers are one', () => {
    expect(leadsTo([OPEN, 'dup2(3, 5) = -1 EBADF'], 5)).toBeNull();
    expect(leadsTo([OPEN, 'dup2(3, 3) = 3'], 3)).toBe('/tmp/f +0 of 0');
  });
});

describe('closing', () => {
  it.each<[string, string | null]>([
    ['close(3) = 0', null],
    ['close(3) = -1 EIO', '/tmp/f +0 of 0'],
    ['close_range(3, 4294967295, 0) = 0', null],
    ['close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC) = 0', '/tmp/f +0 of 0'],
    ['close_range(4, 4294967295, 0) = 0', '/tmp/f +0 of 0'],
    ['fcntl(3, F_SETFD, FD_CLOEXEC) = 0', '/tmp/f +0 of 0'],
  ])('%s', (call, expected) => expect(leadsTo([OPEN, call], 3)).toBe(expected));

  it('comes with exec for what was opened or marked for it', () => {
    const exec = 'execve("/bin/y", ["y"], 0x7ffe00001000 /* 0 vars */) = 0';
    expect(leadsTo([OPEN, exec], 3)).not.toBeNull();
    expect(leadsTo([OPEN, 'fcntl(3, F_SETFD, FD_CLOEXEC) = 0', exec], 3)).toBeNull();
    expect(leadsTo(['open("/tmp/f", O_RDONLY|O_CLOEXEC) = 3', exec], 3)).toBeNull();
    expect(leadsTo(['open("/tmp/f", O_RDONLY|O_CLOEXEC) = 3', 'fcntl(3, F_SETFD, 0) = 0', exec], 3)).not.toBeNull();
  });
});

describe('the size of a file', () => {
  it.each<[string[], string]>([
    [['fstat(3, {st_mode=S_IFREG|0644, st_size=100, ...}) = 0'], '/tmp/f +0 of 100'],
    [['newfstatat(3, "", {st_mode=S_IFREG|0644, st_size=100, ...}, AT_EMPTY_PATH) = 0'], '/tmp/f +0 of 100'],
    [['newfstatat(3, "g", {st_mode=S_IFREG|0644, st_size=100, ...}, 0) = 0'], '/tmp/f +0 of 0'],
    [['statx(3, "", AT_EMPTY_PATH, STATX_ALL, {stx_mask=STATX_ALL, stx_size=100, ...}) = 0'], '/tmp/f +0 of 100'],
    [['fstat(3, 0x7ffe00001000) = -1 EIO'], '/tmp/f +0 of 0'],
    [['read(3, "abc"..., 50) = 50', 'read(3, "abc"..., 50) = 10'], '/tmp/f +60 of 60'],
    [['write(3, "abc", 3) = -1 ENOSPC'], '/tmp/f +0 of 0'],
    [['pwrite64(3, "abc", 3, 97) = 3'], '/tmp/f +0 of 100'],
    [['pread64(3, "abc", 3, 97) = 3'], '/tmp/f +0 of 100'],
    [['lseek(3, 0, SEEK_END) = 100'], '/tmp/f +100 of 100'],
    [['lseek(3, 500, SEEK_SET) = 500'], '/tmp/f +500 of 0'],
    [['lseek(3, -10, SEEK_END) = 90'], '/tmp/f +90 of 0'],
    [['fallocate(3, 0, 50, 50) = 0'], '/tmp/f +0 of 100'],
    [['fallocate(3, FALLOC_FL_KEEP_SIZE, 50, 50) = 0'], '/tmp/f +0 of 0'],
    [['ftruncate(3, 100) = 0', 'ftruncate(3, 40) = 0'], '/tmp/f +0 of 40'],
    [['ftruncate(3, 100) = -1 EPERM'], '/tmp/f +0 of 0'],
  ])('%j', (calls, expected) => expect(leadsTo([OPEN, ...calls], 3)).toBe(expected));
});

describe('paths', () => {
  const SIZED = [OPEN, 'ftruncate(3, 100) = 0'];
  const OPEN_AGAIN = (path: string) => `open("${path}", O_RDONLY) = 4`;

  it('are taken away', () => {
    expect(leadsTo([...SIZED, 'unlink("/tmp/f") = 0', OPEN_AGAIN('/tmp/f')], 4)).toBe('/tmp/f +0 of 0');
    expect(leadsTo([...SIZED, 'unlink("/tmp/f") = -1 EACCES', OPEN_AGAIN('/tmp/f')], 4)).toBe('/tmp/f +0 of 100');
    const unlinkat = ['open("/tmp", O_RDONLY) = 5', 'unlinkat(5, "f", 0) = 0'];
    expect(leadsTo([...SIZED, ...unlinkat, OPEN_AGAIN('/tmp/f')], 4)).toBe('/tmp/f +0 of 0');
  });

  it.each(['rename("/tmp/f", "/tmp/g") = 0', 'renameat2(AT_FDCWD, "/tmp/f", AT_FDCWD, "/tmp/g", 0) = 0'])(
    'are given to another: %s',
    (call) => {
      expect(leadsTo([...SIZED, call, OPEN_AGAIN('/tmp/g')], 4)).toBe('/tmp/f +0 of 100');
      expect(leadsTo([...SIZED, call, OPEN_AGAIN('/tmp/f')], 4)).toBe('/tmp/f +0 of 0');
    },
  );
});
