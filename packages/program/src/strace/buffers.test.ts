import { describe, expect, it } from 'vitest';
import { loggedCall, mapsOf, processOf, replayLines, residentPages } from '../../test/strace-log.js';
import { touchesOf } from './buffers.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';
const MMAP = (place: string, pages: number, protection = 'PROT_READ|PROT_WRITE') =>
  `7 mmap(NULL, ${pages * 4096}, ${protection}, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ${place}`;

describe('what a call touches', () => {
  it.each<[string, [address: number, length: number, access: string][]]>([
    ['read(3, 0x1000, 4096) = 10', [[0x1000, 10, 'store']]],
    ['write(1, 0x1000, 4096) = 4096', [[0x1000, 4096, 'load']]],
    ['pread64(3, 0x1000, 100, 0) = 100', [[0x1000, 100, 'store']]],
    ['getcwd(0x1000, 128) = 5', [[0x1000, 5, 'store']]],
    ['readlinkat(3, "x", 0x1000, 128) = 5', [[0x1000, 5, 'store']]],
    ['read(3, 0x1000, 4096) = 0', []],
    ['read(3, 0x1000, 4096) = -1 EFAULT (Bad address)', []],
    ['read(3, 0x1000, 4096) = ?', []],
    ['read(3, NULL, 4096) = 10', []],
    ['read(3, "text", 4096) = 4', []],
    ['close(3) = 0', []],
    // As many bytes as the result says, one part after another.
    [
      'writev(1, [{iov_base=0x1000, iov_len=8}, {iov_base=0x2000, iov_len=8}, {iov_base=0x3000, iov_len=8}], 3) = 10',
      [
        [0x1000, 8, 'load'],
        [0x2000, 2, 'load'],
      ],
    ],
    ['recvmsg(3, {msg_name=NULL, msg_iov=[{iov_base=0x1000, iov_len=8}], msg_iovlen=1}, 0) = 8', [[0x1000, 8, 'store']]],
    ['futex(0x1000, FUTEX_WAIT_PRIVATE, 0, NULL) = 0', [[0x1000, 4, 'load']]],
    ['rseq(0x1000, 0x20, 0, 0x53053053) = 0', [[0x1000, 32, 'store']]],
    ['rseq(0x1000, 0x20, RSEQ_FLAG_UNREGISTER, 0x53053053) = 0', []],
  ])('%s', (line, expected) => {
    const { touches } = touchesOf(loggedCall(line));
    expect(touches.map(({ address, length, access }) => [address, length, access])).toEqual(expected);
  });

  it.each<[string, number]>([
    ['read(3, "text", 4096) = 4', 1],
    ['read(3, NULL, 4096) = 4', 0],
    ['writev(1, [{iov_base="a", iov_len=1}, {iov_base=0x1000, iov_len=8}], 2) = 9', 1],
    ['writev(1, 0x1000, 2) = 9', 1],
    ['recvmsg(3, 0x1000, 0) = 9', 1],
  ])('counts what it does not show: %s', (line, hidden) => expect(touchesOf(loggedCall(line)).hidden).toBe(hidden));
});

describe('buffers', () => {
  it('touches the pages of a buffer whose address the log shows, for as many bytes as the call moved', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 8),
      '7 read(3, 0x7f0000001000, 65536) = 8193',
      '7 read(3, 0x7f0000006000, 4096) = 0',
    ]);
    expect(residentPages(replayed, 7)).toBe(3);
    expect(replayed.replay.tally.of('touchedBuffers')).toBe(1);
  });

  it('takes a buffer on the stack for memory that was there from the start', () => {
    const replayed = replayLines([EXECVE, '7 read(0x3, 0x7ffcad154758, 0x340) = 0x340']);
    expect(mapsOf(replayed, 7)).toEqual(['0x7ffcad154000+1 rw-']);
    expect(replayed.replay.tally.of('initialPages')).toBe(1);
  });

  it('touches the parts of a vector, and counts those that the log does not place', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 8),
      '7 readv(3, [{iov_base=0x7f0000000000, iov_len=10}, {iov_base="abc", iov_len=3}, {iov_base=0x7f0000004000, iov_len=9000}], 3) = 5013',
      '7 write(1, "abc"..., 4096) = 4096',
    ]);
    expect(residentPages(replayed, 7)).toBe(3);
    expect(replayed.replay.tally.of('hiddenBuffers')).toBe(2);
  });

  it('counts a buffer that cannot be touched', () => {
    const replayed = replayLines([EXECVE, MMAP('0x7f0000000000', 1, 'PROT_NONE'), '7 read(3, 0x7f0000000000, 16) = 16']);
    expect(replayed.replay.tally.of('failedTouches')).toBe(1);
    expect(processOf(replayed, 7).ending).toBeNull();
  });
});

describe('futex and rseq', () => {
  it('touch the word that the kernel looks at, and the area that it writes to', () => {
    const replayed = replayLines([
      EXECVE,
      MMAP('0x7f0000000000', 2),
      '7 futex(0x7f0000000004, FUTEX_WAKE_PRIVATE, 1) = 0',
      '7 rseq(0x7f0000001060, 0x20, 0, 0x53053053) = 0',
    ]);
    expect(residentPages(replayed, 7)).toBe(2);
  });
});
