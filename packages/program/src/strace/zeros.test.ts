import { PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { expect, it } from 'vitest';
import { actorOf, mapsOf, replayLines } from '../../test/strace-log.js';
import { mapZeros } from './zeros.js';

const EXECVE = '7 execve("/bin/x", ["x"], 0x7ffe00001000 /* 0 vars */) = 0';

it.each([[EXECVE], [EXECVE, '7 mlockall(MCL_FUTURE) = 0']])(
  'maps more than may be locked, at a place or anywhere',
  (...lines) => {
    const replayed = replayLines(lines);
    const actor = actorOf(replayed, 7);
    const length = 2 ** 23;
    expect(replayed.replay.quietly(actor, (user) => mapZeros(user, 0x7f0000000000, length, PROT_READ))).toBe(0x7f0000000000);
    const anywhere = replayed.replay.quietly(actor, (user) => mapZeros(user, null, length, PROT_READ | PROT_WRITE));
    expect(mapsOf(replayed, 7)).toEqual(['0x7f0000000000+2048 r--', `0x${anywhere?.toString(16)}+2048 rw-`]);
    expect(replayed.system.uvm.uvmexp.wired).toBe(0);
  },
);

it('says why it could not', () => {
  const replayed = replayLines([EXECVE]);
  const answer = replayed.replay.quietly(actorOf(replayed, 7), (user) => mapZeros(user, -4096, 4096, PROT_READ));
  expect(answer).toBeLessThan(0);
  expect(mapsOf(replayed, 7)).toEqual([]);
});
