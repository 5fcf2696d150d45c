/**
 * A system that swaps to a file of the host which the host keeps smaller than it is: what it cannot be given room for stays in memory.
 * `host-swap.test.ts` runs it, on either build of the kernel.
 *
 *     limited-swap.mjs FILE
 */
import { writeSync } from 'node:fs';
import { HostFile } from '@faultline/host-node';
import { bootNetbsd, MAP_ANON, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';

const RAM_PAGES = 64;
const [path = ''] = process.argv.slice(-1);
const system = bootNetbsd({ ram: RAM_PAGES * PAGE_SIZE, swap: [{ name: '/swap', store: new HostFile(path) }] });
/** @param {string} text */
const print = (text) => writeSync(1, `${text}\n`);

/**
 * Stores to so many pages, and looks whether all is there.
 *
 * @param {number} pages
 */
function storing(pages) {
  /** @param {import('@faultline/kernel').User} user */
  return function* (user) {
    const map = yield* user.mmap(0, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
    for (let page = 0; page < pages; page++) yield* user.store32(map + page * PAGE_SIZE, 1000 + page);
    for (let round = 0; round < 3; round++) {
      for (let page = 0; page < pages; page++) {
        const found = yield* user.load32(map + page * PAGE_SIZE);
        if (found !== 1000 + page) print(`page ${page} has ${found}`);
      }
    }
    print(`${pages} pages are right`);
  };
}

for (const pages of [RAM_PAGES - 4, 4 * RAM_PAGES]) {
  const program = system.spawn('program', { program: storing(pages) });
  system.run();
  const { ending } = program;
  print(ending?.kind === 'signaled' ? `killed by signal ${ending.signal}` : 'came to its end');
}
const { bad, inUse, pages } = system.vm.describeSwap()[0] ?? { bad: 0, inUse: 0, pages: 0 };
print(`${pages} slots, ${bad > 0 ? 'some' : 'none'} of them bad, ${inUse - bad} others in use`);
print(`${system.audit().length} invariants are broken`);
