/** Before: the memory of an emulator as most have it, a flat buffer. */
import { Core, sieve } from './rv32.mjs';

const TEXT = 0x10000;
const DATA = 0x100000;
const LIMIT = 0x80000;

class FlatMemory {
  view = new DataView(new ArrayBuffer(4 * 2 ** 20));

  load8(address) {
    return this.view.getUint8(address);
  }

  load32(address) {
    return this.view.getInt32(address, true);
  }

  fetch32(address) {
    return this.view.getUint32(address, true);
  }

  store8(address, value) {
    this.view.setUint8(address, value);
  }

  store32(address, value) {
    this.view.setInt32(address, value, true);
  }
}

export function prepare() {
  const memory = new FlatMemory();
  new Int32Array(memory.view.buffer, TEXT).set(sieve(DATA, LIMIT));
  return {
    core: () => new Core(memory, TEXT),
    clear: () => new Uint8Array(memory.view.buffer, DATA, LIMIT).fill(0),
  };
}
