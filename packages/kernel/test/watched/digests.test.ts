/** Digests of page frames are kept until somebody writes to the frame, in whichever way. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAP_ANON, MAP_FIXED, MAP_PRIVATE, type Step, type User } from '../../src/index.js';
import { Digest } from '../../src/kern/digest.js';
import { asPfn, FIRST_FRAME, PAGE_SIZE } from '../../src/machine/address.js';
import { act, bootProcess } from '../harness.js';

const AT = 0x10_0000;
const PAGES = 3;

type Write = (user: User, address: number, value: number) => Step<unknown>;

const WRITES: readonly Write[] = [
  (user, address, value) => user.store8(address, value),
  (user, address, value) => user.store16(address, value),
  (user, address, value) => user.store32(address, value),
  (user, address, value) => user.store64(address, BigInt(value)),
  (user, address, value) => user.storeBytes(address, new Uint8Array(100).fill(value)),
  (user, address) => user.munmap(address - (address % PAGE_SIZE), PAGE_SIZE),
  (user, address) => user.mmap(address - (address % PAGE_SIZE), PAGE_SIZE, 3, MAP_ANON | MAP_PRIVATE | MAP_FIXED),
  (user) => user.fork((child) => child.store8(AT, 9)),
];

it('the digest of a frame is that of what is in it, however it was written to', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(...WRITES), fc.nat(PAGES * PAGE_SIZE - 200), fc.nat(0xffff)), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(steps, (writes) => {
      const { system, process } = bootProcess();
      const { ram } = system.machine;
      act(system, process, function* (user) {
        for (let i = 0; i < PAGES; i++) {
          yield* user.mmap(AT + i * PAGE_SIZE, PAGE_SIZE, 3, MAP_ANON | MAP_PRIVATE | MAP_FIXED);
        }
        user.sigaction(11, skip);
        for (const [write, offset, value] of writes) {
          yield* write(user, AT + offset, value);
          for (let frame = 0; frame < ram.pages; frame++) {
            const fresh = new Digest();
            fresh.words(ram.words, (frame * PAGE_SIZE) / 4, ((frame + 1) * PAGE_SIZE) / 4);
            const { high, low } = ram.digest(asPfn(FIRST_FRAME + frame));
            expect([high, low], `frame ${frame}`).toEqual([fresh.high, fresh.low]);
          }
        }
      });
    }),
    { numRuns: 30 },
  );
});

// biome-ignore lint/correctness/useYield: a handler may sleep, but this one does not
function* skip(): Step<'skip'> {
  return 'skip';
}
