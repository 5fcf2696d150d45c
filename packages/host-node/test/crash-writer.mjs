/**
 * A process that is going to be killed: writes records to a file of the host through a mapping, and says of each that it is durable once
 * the system has said so. `durability.test.ts` runs it, on either build of the kernel.
 *
 *     crash-writer.mjs FILE SEED NUMBER        prints the number of each record that is durable, from NUMBER on
 *
 *     page     0     1     2     3    …    15
 *           [ 17 ][ 17 ][  3 ][  4 ]     [ 16 ]      record n fills one to three pages with its number
 */
import { writeSync } from 'node:fs';
import { HostFile } from '@faultline/host-node';
import { bootNetbsd, MAP_SHARED, MS_ASYNC, MS_SYNC, O_RDWR, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel';
import { PAGES, recordOf } from './crash-plan.mjs';

const [path = '', seed, number] = process.argv.slice(-3);
const system = bootNetbsd({ ram: 64 * PAGE_SIZE });
system.sys.vfs.add('/records', new HostFile(path));

/** @param {import('@faultline/kernel').User} user */
function* main(user) {
  const fd = yield* user.open('/records', O_RDWR);
  const map = yield* user.mmap(0, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (let record = Number(number); ; record++) {
    const { first, count, way } = recordOf(Number(seed), record);
    const [at, length] = [map + first * PAGE_SIZE, count * PAGE_SIZE];
    yield* user.storeBytes(at, new Uint8Array(new Uint32Array(length / 4).fill(record).buffer));
    if (way === 'msync later') yield* user.msync(at, length, MS_ASYNC);
    const all = way === 'msync all';
    const answer =
      way === 'fsync' ? yield* user.fsync(fd) : yield* user.msync(all ? map : at, all ? PAGES * PAGE_SIZE : length, MS_SYNC);
    if (answer !== 0) throw new Error(`record ${record} cannot be made durable: ${answer}`);
    writeSync(1, `${record}\n`);
  }
}

system.spawn('writer', { program: main });
system.run();
