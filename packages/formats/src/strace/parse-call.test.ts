import { describe, expect, it } from 'vitest';
import { parseCall } from './parse-call.js';
import type { StraceResult } from './records.js';

const plain: StraceResult = { value: 0, radix: 10, errno: undefined, annotation: undefined, notes: [] };

describe('the result of a call', () => {
  it.each<[string, Partial<StraceResult>]>([
    ['close(3)                          = 0', {}],
    ['brk(NULL) = 0x555e3ba82000', { value: 0x555e3ba82000, radix: 16 }],
    [
      'read(-1, NULL, 10)                = -1 EBADF (Bad file descriptor)',
      { value: -1, errno: 'EBADF', notes: ['Bad file descriptor'] },
    ],
    [
      'mmap(NULL, 1, 0, 0, 3, 0) = -1 ENOMEM (Cannot allocate memory) (INJECTED)',
      { value: -1, errno: 'ENOMEM', notes: ['Cannot allocate memory', 'INJECTED'] },
    ],
    ['foo(1) = -1 (errno 524)', { value: -1, notes: ['errno 524'] }],
    ['poll(NULL, 0, 1)                  = 0 (Timeout)', { notes: ['Timeout'] }],
    [
      'fcntl(3, F_GETFL)                 = 0x8002 (flags O_RDWR|O_LARGEFILE)',
      { value: 0x8002, radix: 16, notes: ['flags O_RDWR|O_LARGEFILE'] },
    ],
    ['poll([{fd=3, events=POLLIN}], 1, 10) = 1 ([{fd=3, revents=POLLIN}])', { value: 1, notes: ['[{fd=3, revents=POLLIN}]'] }],
    [
      'openat(AT_FDCWD</usr/lib>, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC) = 3</etc/ld.so.cache>',
      { value: 3, annotation: '/etc/ld.so.cache' },
    ],
    ['exit_group(0)                     = ?', { value: undefined }],
    [
      'pause()                           = ? ERESTARTNOHAND (To be restarted if no handler)',
      { value: undefined, errno: 'ERESTARTNOHAND', notes: ['To be restarted if no handler'] },
    ],
    ['read(3, ) = ? <unavailable>', { value: undefined, notes: ['<unavailable>'] }],
    ['read(0,  <unfinished ...>) = ?', { value: undefined }],
    ['shmat(0, NULL, 0) = 18446744073709551615', { value: 18446744073709551615n }],
  ])('%s', (text, result) => {
    expect(parseCall(text)).toMatchObject({ result: { ...plain, ...result } });
  });

  it('has a duration behind it under -T', () => {
    expect(parseCall('close(3) = 0 <0.000012>')).toMatchObject({ result: plain, durationSeconds: 0.000012 });
    expect(parseCall('dup(3</a b>) = 4</a b> <1.5>')).toMatchObject({
      result: { value: 4, annotation: '/a b' },
      durationSeconds: 1.5,
    });
    expect(parseCall('close(3) = 0')).toMatchObject({ durationSeconds: undefined });
  });

  it('is found behind arguments that make no sense, which are kept as text', () => {
    expect(parseCall('weird("lone quote, [1, 2) = 5 (x)')).toEqual({
      name: 'weird',
      args: [{ kind: 'opaque', text: '"lone quote, [1, 2' }],
      result: { ...plain, value: 5, notes: ['x'] },
      durationSeconds: undefined,
    });
  });

  it('is not mistaken for the like of it in a string', () => {
    const call = parseCall('write(1, ") = 5 <unfinished ...>", 20) = 20');
    expect(call).toMatchObject({ result: { value: 20 } });
  });

  it.each([
    ['close(3)', 8, 'a closing parenthesis and a result, as in ") = 0"'],
    ['close(3', 7, 'a closing parenthesis and a result, as in ") = 0"'],
    ['close(3) = ', 11, 'a number, an address or "?" as the result'],
    ['close(3) = none', 11, 'a number, an address or "?" as the result'],
  ])('is missing from %j', (text, at, expected) => {
    expect(parseCall(text)).toEqual({ at, expected });
  });
});
