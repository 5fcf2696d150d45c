/** The one operation of the stepped build that has a budget by now: a small execution of two threads, boot included. */
import { bootNetbsd, MAP_ANON, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE, RoundRobin } from '@faultline/kernel';

const RAM = 64 * PAGE_SIZE;

/**
 * Boots a small machine as the explorer does, whose budget it is: without the stacks of lock orders, and in the RAM of the machine before. On it two threads of a process map, lock, unlock and unmap a page each, switched at every fourth step.
 *
 * @returns {import('./measure.mjs').Operation}
 */
export function twoThreads() {
  const memory = new ArrayBuffer(RAM);
  return {
    count: 1,
    batch: () => {
      const system = bootNetbsd({ ram: RAM, memory, witnessStacks: false, strategy: new RoundRobin(4) });
      /** @type {import('@faultline/kernel').UserProgram} */
      const work = function* (user) {
        const at = yield* user.mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
        yield* user.mlock(at, PAGE_SIZE);
        yield* user.munlock(at, PAGE_SIZE);
        yield* user.munmap(at, PAGE_SIZE);
      };
      system.spawn('bench', {
        *program(user) {
          yield* user.lwpCreate(work);
          yield* work(user);
        },
      });
      system.run();
    },
  };
}
