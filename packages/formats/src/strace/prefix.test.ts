import { describe, expect, it } from 'vitest';
import { type LinePrefix, parsePrefix } from './prefix.js';

const none: LinePrefix = { pid: undefined, bracketed: false, time: undefined, instructionPointer: undefined, end: 0 };

describe('a prefix', () => {
  it.each<[string, Partial<LinePrefix>]>([
    ['', {}],
    ['3524  ', { pid: 3524 }],
    ['1 ', { pid: 1 }],
    ['3932<perl> ', { pid: 3932 }],
    ['[pid  3543] ', { pid: 3543, bracketed: true }],
    ['[pid 4194304<sh>] ', { pid: 4194304, bracketed: true }],
    ['14:03:02 ', { time: { since: 'midnight', seconds: 50582, nanoseconds: 0 } }],
    ['3530  02:51:24.942638 ', { pid: 3530, time: { since: 'midnight', seconds: 10284, nanoseconds: 942_638_000 } }],
    [
      '[pid  7394] 1795231454.685272 ',
      { pid: 7394, bracketed: true, time: { since: 'epoch', seconds: 1795231454, nanoseconds: 685_272_000 } },
    ],
    ['1795231454 ', { time: { since: 'epoch', seconds: 1795231454, nanoseconds: 0 } }],
    ['     0.000024 ', { time: { since: 'previous', seconds: 0, nanoseconds: 24_000 } }],
    ['3548       0.000106 ', { pid: 3548, time: { since: 'previous', seconds: 0, nanoseconds: 106_000 } }],
    ['02:57:49.133087 (+     0.001256) ', { time: { since: 'midnight', seconds: 10669, nanoseconds: 133_087_000 } }],
    ['[00007f512de7fad7] ', { instructionPointer: 0x7f512de7fad7 }],
    ['[ffffffffff600000] ', { instructionPointer: 0xffffffffff600000n }],
    ['[????????????????] ', {}],
    ['[ 234] ', {}],
    [
      '3530  02:51:24.942638 [  59] [00007f512de7fad7] ',
      { pid: 3530, time: { since: 'midnight', seconds: 10284, nanoseconds: 942_638_000 }, instructionPointer: 0x7f512de7fad7 },
    ],
  ])('%j', (prefix, parts) => {
    expect(parsePrefix(`${prefix}brk(NULL) = 0`)).toEqual({ ...none, ...parts, end: prefix.length });
  });

  it.each(['brk(NULL) = 0', '+++ exited with 0 +++', '--- SIGINT ---', '[pid x] a', '[pid 99999999] a', ''])(
    'is not seen in %j',
    (line) => {
      expect(parsePrefix(line)).toEqual(none);
    },
  );
});
