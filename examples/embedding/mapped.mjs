/** After: the same emulator, whose memory is a process's. */
import { boot, MAP_ANON, MAP_FIXED, MAP_PRIVATE, MIB, PROT_EXEC, PROT_READ, PROT_WRITE } from '@faultline/kernel/direct';
import { Core, sieve } from './rv32.mjs';

const TEXT = 0x10000;
const DATA = 0x100000;
const LIMIT = 0x80000;
const PRIVATE = MAP_ANON | MAP_PRIVATE | MAP_FIXED;

export function prepare() {
  const system = boot({ ram: 4 * MIB, diagnostic: false });
  const memory = system.spawn('guest');
  memory.mmap(TEXT, 4096, PROT_READ | PROT_WRITE, PRIVATE);
  memory.storeBytes(TEXT, new Uint8Array(sieve(DATA, LIMIT).buffer));
  memory.mprotect(TEXT, 4096, PROT_READ | PROT_EXEC);
  const clear = () => memory.mmap(DATA, LIMIT, PROT_READ | PROT_WRITE, PRIVATE);
  clear();
  return { core: () => new Core(memory, TEXT), clear };
}
