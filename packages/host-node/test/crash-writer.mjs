/**
 * A process that is going to be killed: writes records to a file of the host through a mapping, and says of each that it is durable once
 * the system has said so. `durability.test.ts` runs it, on either build of the kernel.
 *
 *     crash-writer.mjs FILE        prints the number of each record that is durable
 *
 *     page     0     1     2     3    …    15
 *           [ 17 ][ 18 ][  3 ][  4 ]     [ 16 ]      record n fills page n % 16 (less one) with its number
 */
import { writeSync } from 'node:fs';
import { HostFile } from '@faultline/host-node';
import { bootNetbsd, MAP_SHARED, MS_ASYNC, MS_SYNC, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';

const SLOTS = 16;
const [path = ''] = process.argv.slice(-1);
const system = bootNetbsd({ ram: 64 * PAGE_SIZE });
system.sys.vfs.add('/records', new HostFile(path));

/** @param {import('@faultline/kernel').User} user */
function* main(user) {
  const fd = yield* user.open('/records', O_RDWR);
  const map = yield* user.mmap(0, SLOTS * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (let record = 1; ; record++) {
    const at = ((record - 1) % SLOTS) * PAGE_SIZE;
    const page = new Uint8Array(new Uint32Array(PAGE_SIZE / 4).fill(record).buffer);
    yield* user.storeBytes(map + at, page);
    const answer = yield* durable(user, record, fd, map + at);
    if (answer !== 0) throw new Error(`record ${record} cannot be made durable: ${answer}`);
    writeSync(1, `${record}\n`);
  }
}

/**
 * Makes a record durable, in each of the ways that there are.
 *
 * @param {import('@faultline/kernel').User} user
 * @param {number} record
 * @param {number} fd
 * @param {number} address
 */
function* durable(user, record, fd, address) {
  if (record % 3 === 0) return yield* user.fsync(fd);
  if (record % 3 === 1) yield* user.msync(address, PAGE_SIZE, MS_ASYNC);
  return yield* user.msync(address, PAGE_SIZE, MS_SYNC);
}

system.spawn('writer', { program: main });
system.run();
