/**
 * Short random syzkaller programs that use memory: what a fuzzer would try first.
 *
 *     mmap(&(0x7f0000001000/0x1000)=nil, 0x1000, 0x3, 0x1012, 0xffffffffffffffff, 0x0)
 *     write(0xffffffffffffffff, &(0x7f0000001000)="01", 0x1)                  a store: the data is there before the call fails
 *     mlock(&(0x7f0000001000/0x2000)=nil, 0x0)
 *     fork()
 *     wait4(0xffffffffffffffff, 0x0, 0x0, 0x0)
 *
 * All addresses lie in a few pages, so that calls meet. Lengths are whole pages mostly, sometimes none, a part of a page, or so many
 * that their sum with an address wraps.
 */
import { PLAIN_CALL, SYZ_ADDRESS_BASE, type SyzArg, type SyzCall, type SyzProgram } from '@faultline/formats';
import {
  MADV_DONTNEED,
  MADV_FREE,
  MADV_NORMAL,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WILLNEED,
  MAP_ANON,
  MAP_FIXED,
  MAP_INHERIT_COPY,
  MAP_INHERIT_NONE,
  MAP_INHERIT_SHARE,
  MAP_INHERIT_ZERO,
  MAP_PRIVATE,
  MAP_SHARED,
  MS_ASYNC,
  MS_INVALIDATE,
  MS_SYNC,
  PAGE_SIZE,
  PROT_EXEC,
  PROT_NONE,
  PROT_READ,
  PROT_WRITE,
  type SeededRandom,
} from '@faultline/kernel';

/** What programs are like. */
export interface GenerateOptions {
  /** Calls that a program has at most. Default 16. */
  readonly calls?: number;
  /** Pages in which all addresses lie. Default 4. */
  readonly pages?: number;
}

/** Something that is drawn, and how often. */
type Weighted<T> = readonly (readonly [weight: number, value: T])[];

/** Makes the next calls of a program. */
type Maker = (draw: Draw) => SyzCall[];

const READ_WRITE = PROT_READ | PROT_WRITE;
const WORD = 2n ** 64n;
const NO_FILE = WORD - 1n;

const PROTECTIONS: Weighted<number> = [
  [12, READ_WRITE],
  [2, PROT_READ],
  [1, PROT_NONE],
  [1, READ_WRITE | PROT_EXEC],
];
const MAP_FLAGS: Weighted<number> = [
  [8, MAP_ANON | MAP_PRIVATE | MAP_FIXED],
  [3, MAP_ANON | MAP_SHARED | MAP_FIXED],
  [1, MAP_ANON | MAP_PRIVATE],
];
const ADVICE = evenly(MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE);
const INHERITANCE = evenly(MAP_INHERIT_SHARE, MAP_INHERIT_COPY, MAP_INHERIT_NONE, MAP_INHERIT_ZERO);
const MSYNC_FLAGS = evenly(MS_ASYNC, MS_SYNC, MS_INVALIDATE, MS_SYNC | MS_INVALIDATE);
const MREMAP_FLAGS = evenly(0, MAP_FIXED);

/** How often which call is made. */
const CALLS: Weighted<Maker> = [
  [10, (draw) => [call('mmap', ...draw.range(), draw.protection(), draw.mapFlags(), NO_FILE, 0)]],
  [6, (draw) => [store(draw.page())]],
  [3, (draw) => [call('munmap', ...draw.range())]],
  [4, (draw) => [call('mlock', ...draw.range())]],
  [3, (draw) => [call('munlock', ...draw.range())]],
  [2, (draw) => [call('mprotect', ...draw.range(), draw.protection())]],
  [2, (draw) => [call('madvise', ...draw.range(), draw.one(ADVICE))]],
  [1, (draw) => [call('minherit', ...draw.range(), draw.one(INHERITANCE))]],
  [1, (draw) => [call('msync', ...draw.range(), draw.one(MSYNC_FLAGS))]],
  [1, (draw) => [call('mremap', ...draw.range(), ...draw.range(), draw.one(MREMAP_FLAGS))]],
  [3, (draw) => (draw.mayFork() ? [call('fork'), call('wait4', NO_FILE, 0, 0, 0)] : [])],
];

/** Makes a program. Equal numbers make equal programs. */
export function generateSyz(random: SeededRandom, options: GenerateOptions = {}): SyzProgram {
  const { calls: most = 16, pages = 4 } = options;
  const draw = new Draw(random, pages);
  const length = 1 + random.below(most);
  const calls: SyzCall[] = [];
  while (calls.length < length) calls.push(...draw.one(CALLS)(draw));
  return {
    options: new Map(),
    comments: [],
    trailingComments: [],
    calls: calls.map((made, index) => ({ ...made, line: index + 1 })),
  };
}

/** Children that a program makes at most: each of them runs the rest of it as well. */
const MOST_FORKS = 2;

/** Draws addresses, lengths and flags. */
class Draw {
  readonly #random: SeededRandom;
  readonly #pages: number;
  /** What most mappings of this program are like: those that are alike can become one entry. */
  readonly #usual: { readonly protection: number; readonly mapFlags: number };
  #forks = 0;

  constructor(random: SeededRandom, pages: number) {
    this.#random = random;
    this.#pages = pages;
    this.#usual = { protection: this.one(PROTECTIONS), mapFlags: this.one(MAP_FLAGS) };
  }

  protection(): number {
    return this.#random.below(4) === 0 ? this.one(PROTECTIONS) : this.#usual.protection;
  }

  mapFlags(): number {
    return this.#random.below(4) === 0 ? this.one(MAP_FLAGS) : this.#usual.mapFlags;
  }

  one<T>(choices: Weighted<T>): T {
    let left = this.#random.below(choices.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, value] of choices) {
      if (left < weight) return value;
      left -= weight;
    }
    throw new RangeError('there is nothing to choose from');
  }

  /** The number of a page. */
  page(): number {
    return this.#random.below(this.#pages);
  }

  /** An address and a length. */
  range(): [SyzArg, bigint] {
    const page = this.page();
    const room = this.#pages - page;
    const whole = 1 + this.#random.below(room);
    const pages = this.#random.below(3) === 0 ? whole : 1;
    const length = BigInt(this.#length(page, pages));
    return [space(page, pages), length < 0n ? length + WORD : length];
  }

  mayFork(): boolean {
    return this.#forks++ < MOST_FORKS;
  }

  #length(page: number, pages: number): number {
    switch (this.#random.below(16)) {
      case 0:
        return 0;
      case 1:
        return pages * PAGE_SIZE - 1024 * (1 + this.#random.below(3));
      case 2:
        return -PAGE_SIZE * (1 + this.#random.below(page + 1));
      default:
        return pages * PAGE_SIZE;
    }
  }
}

function evenly<T>(...values: T[]): Weighted<T> {
  return values.map((value) => [1, value]);
}

function call(name: string, ...args: (SyzArg | number | bigint)[]): SyzCall {
  const told = args.map((arg): SyzArg => (typeof arg === 'object' ? arg : { kind: 'const', value: BigInt(arg) }));
  return { line: 0, comments: [], result: undefined, name, variant: undefined, args: told, props: PLAIN_CALL, remark: undefined };
}

/** A store of one byte: data for a call that fails. */
function store(page: number): SyzCall {
  const data: SyzArg = { kind: 'data', form: 'hex', bytes: Uint8Array.of(1), size: undefined };
  const to: SyzArg = { kind: 'pointer', address: addressOf(page), size: undefined, any: false, pointee: data };
  return call('write', NO_FILE, to, 1);
}

/** A piece of address space. */
function space(page: number, pages: number): SyzArg {
  const size = BigInt(pages * PAGE_SIZE);
  return { kind: 'pointer', address: addressOf(page), size, any: false, pointee: { kind: 'nil' } };
}

function addressOf(page: number): bigint {
  return SYZ_ADDRESS_BASE + BigInt(page * PAGE_SIZE);
}
