/**
 * The memory that a syzkaller program has for its arguments.
 *
 *     text of the program     0x7f0000000000 + offset      an offset, written so that it looks like an address
 *     memory                      0x20000000 + offset      what the calls are given, and where the data is stored
 *
 * Texts of every age have the first form, and nothing else: syzkaller's reader refuses a pointer below its base. The second one is
 * where syz-executor, and a C program made by syz-prog2c, map the data area; constants that somebody copied from such a C program
 * (`0x20ffc000`) are addresses there already, and stay as they are.
 */
import { SYZ_ADDRESS_BASE } from '@faultline/formats';

/** Where the data area is mapped. */
export const DATA_START = 0x20000000;
/** Bytes in the data area. */
export const DATA_SIZE = 16 * 2 ** 20;

const WORD_BITS = 64;

/** Where the address of a pointer, as the text has it, is in memory. */
export function addressInMemory(written: bigint): bigint {
  return BigInt.asUintN(WORD_BITS, written - SYZ_ADDRESS_BASE + BigInt(DATA_START));
}

/** Where `&AUTO` pointers go: the last part of the area, which programs of syzkaller's own making seldom reach. */
const AUTO_START = DATA_START + DATA_SIZE - 2 ** 20;
/** Addresses that are handed out are multiples of it, as syzkaller's are. */
const AUTO_ALIGNMENT = 64;

/** Hands out addresses for pointers that leave the choice to syzkaller. */
export class AutoAddresses {
  #next = AUTO_START;

  /** Room for so many bytes. When the end is reached, it begins again: calls before have had their data. */
  take(size: number): number {
    const length = Math.max(1, Math.ceil(size / AUTO_ALIGNMENT)) * AUTO_ALIGNMENT;
    if (this.#next + length > DATA_START + DATA_SIZE) this.#next = AUTO_START;
    const address = this.#next;
    this.#next += length;
    return address;
  }
}
