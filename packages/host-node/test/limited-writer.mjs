/**
 * A process whose files the host keeps small: stores to both ends of a file through a mapping, and prints what msync answers.
 * `host-limit.test.ts` runs it, on either build of the kernel.
 *
 *     limited-writer.mjs FILE
 */
import { writeSync } from 'node:fs';
import { HostFile } from '@faultline/host-node';
import { bootNetbsd, errnoName, MAP_SHARED, MS_SYNC, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';

const [path = ''] = process.argv.slice(-1);
const store = new HostFile(path);
const system = bootNetbsd({ ram: 64 * PAGE_SIZE });
system.sys.vfs.add('/data', store);

/** @param {import('@faultline/kernel').User} user */
function* main(user) {
  const fd = yield* user.open('/data', O_RDWR);
  const map = yield* user.mmap(0, store.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (const at of [0, store.size - PAGE_SIZE]) {
    yield* user.store32(map + at, 0x6c6c6c6c);
    const errno = -(yield* user.msync(map + at, PAGE_SIZE, MS_SYNC));
    writeSync(1, `${errnoName(errno)}\n`);
  }
}

system.spawn('writer', { program: main });
system.run();
