/** The core of a small emulator: enough of RV32I for the programs of the examples. Whatever its memory is, it has these methods. */
export class Core {
  pc = 0;
  x = new Int32Array(32);
  instructions = 0;

  /** @param {Pick<import('@faultline/kernel/direct').User, 'fetch32' | 'load8' | 'load32' | 'store8' | 'store32'>} memory */
  constructor(memory, pc) {
    this.memory = memory;
    this.pc = pc;
  }

  /** Runs up to an `ecall`, and answers what is in a0. */
  run() {
    const { memory, x } = this;
    for (;;) {
      const word = memory.fetch32(this.pc);
      const rd = (word >>> 7) & 31;
      const a = x[(word >>> 15) & 31];
      const b = x[(word >>> 20) & 31];
      const funct = (word >>> 12) & 7;
      let next = this.pc + 4;
      this.instructions++;
      switch (word & 0x7f) {
        case 0x03: // lw, lbu
          x[rd] = funct === 2 ? memory.load32((a + (word >> 20)) >>> 0) : memory.load8((a + (word >> 20)) >>> 0);
          break;
        case 0x23: {
          const at = (a + ((word >> 25) << 5) + ((word >>> 7) & 31)) >>> 0; // sw, sb
          if (funct === 2) memory.store32(at, b);
          else memory.store8(at, b);
          break;
        }
        case 0x13: // addi, slli
          x[rd] = funct === 0 ? a + (word >> 20) : a << ((word >>> 20) & 31);
          break;
        case 0x33: // add
          x[rd] = a + b;
          break;
        case 0x37: // lui
          x[rd] = word & 0xfffff000;
          break;
        case 0x63: // beq, bne, blt
          if (funct === 0 ? a === b : funct === 1 ? a !== b : a < b) next = this.pc + branchOffset(word);
          break;
        case 0x73: // ecall
          return x[10];
        default:
          throw new Error(`no instruction: 0x${word.toString(16)} at 0x${this.pc.toString(16)}`);
      }
      x[0] = 0;
      this.pc = next;
    }
  }
}

function branchOffset(word) {
  return ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e);
}

const i = (op, funct, rd, rs, n) => op | (rd << 7) | (funct << 12) | (rs << 15) | (n << 20);
const branch = (funct, a, b, n) =>
  0x63 |
  (((n >> 11) & 1) << 7) |
  (((n >> 1) & 15) << 8) |
  (funct << 12) |
  (a << 15) |
  (b << 20) |
  (((n >> 5) & 63) << 25) |
  ((n >> 12) << 31);
const addi = (rd, rs, n) => i(0x13, 0, rd, rs, n);
const lui = (rd, n) => 0x37 | (rd << 7) | (n & 0xfffff000);
const lbu = (rd, rs) => i(0x03, 4, rd, rs, 0);
const sb = (from, to) => 0x23 | (to << 15) | (from << 20);
const add = (rd, a, b) => 0x33 | (rd << 7) | (a << 15) | (b << 20);
const beq = (a, b, n) => branch(0, a, b, 4 * n);
const bne = (a, b, n) => branch(1, a, b, 4 * n);
const blt = (a, b, n) => branch(4, a, b, 4 * n);

/** Counts the primes below `limit` in a0, with a sieve of bytes from `data` on that are 0 at first. Both are whole pages. */
// biome-ignore format: an instruction is a column
export const sieve = (data, limit) =>
  Int32Array.from([
    lui(8, data), lui(9, limit), addi(5, 0, 2), addi(10, 0, 0), addi(11, 0, 1),
    add(7, 8, 5), lbu(12, 7), bne(12, 0, 8), // a number that is marked is no prime
    addi(10, 10, 1), add(6, 5, 5), beq(0, 0, 4),
    add(7, 8, 6), sb(11, 7), add(6, 6, 5), blt(6, 9, -3), // its multiples are marked
    addi(5, 5, 1), blt(5, 9, -11), i(0x73, 0, 0, 0, 0),
  ]);
