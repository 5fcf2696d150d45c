/**
 * Making a syzkaller program that fails smaller, as long as it fails.
 *
 *     calls        without each of them, the last first
 *     properties   async, fail_nth, rerun: none
 *     arguments    each number smaller: 0, one page, without one of its bits
 *     pages        addresses at the start of a page, and the pages next to each other from the first on
 *
 * and once more from the start, until nothing can be made smaller. Each step makes something less, so this comes to an end.
 */
import {
  formatSyz,
  PLAIN_CALL,
  SYZ_ADDRESS_BASE,
  type SyzArg,
  type SyzCall,
  type SyzPointer,
  type SyzProgram,
} from '@faultline/formats';
import { PAGE_SIZE } from '@faultline/kernel';

/** What came of it. */
export interface Shrunk {
  readonly program: SyzProgram;
  /** Programs that were tried; none twice. */
  readonly tried: number;
}

/** Whether a program fails, in the way that matters. */
export type StillFails = (program: SyzProgram) => boolean;

/** Makes a program that fails as small as it can be made. */
export function shrinkSyz(program: SyzProgram, stillFails: StillFails): Shrunk {
  const search = new Search(program, stillFails);
  for (;;) {
    const before = search.best;
    search.dropCalls();
    search.improveCalls(withoutProperties);
    search.improveCalls(simplerArguments);
    search.closePages();
    if (search.best === before) return { program: search.best, tried: search.tried };
  }
}

class Search {
  best: SyzProgram;
  readonly #stillFails: StillFails;
  readonly #known = new Set<string>();

  constructor(program: SyzProgram, stillFails: StillFails) {
    this.best = program;
    this.#stillFails = stillFails;
    this.#known.add(formatSyz(program));
  }

  get tried(): number {
    return this.#known.size - 1;
  }

  /** Leaves out each call, the last first. */
  dropCalls(): void {
    for (let at = this.best.calls.length - 1; at >= 0; at--) this.#accept(this.best.calls.filter((_, index) => index !== at));
  }

  /** Replaces each call by the first of its simpler forms that will do, again and again. */
  improveCalls(simpler: (call: SyzCall) => readonly SyzCall[]): void {
    for (let at = this.best.calls.length - 1; at >= 0; at--) {
      while (this.#improveCall(at, simpler)) {
        // The simpler form may have one that is simpler still.
      }
    }
  }

  /** Moves the pages that addresses lie in down, to the first ones. */
  closePages(): void {
    for (const page of [...pagesOf(this.best)].sort((a, b) => (a < b ? -1 : 1))) {
      const used = pagesOf(this.best);
      for (let to = 0n; to < page; to++) {
        if (!used.has(to) && this.#accept(this.best.calls.map((call) => movePage(call, page, to)))) break;
      }
    }
  }

  #improveCall(at: number, simpler: (call: SyzCall) => readonly SyzCall[]): boolean {
    const { calls } = this.best;
    const call = calls[at];
    if (call === undefined) return false;
    for (const instead of simpler(call)) if (this.#accept(calls.with(at, instead))) return true;
    return false;
  }

  #accept(calls: readonly SyzCall[]): boolean {
    const candidate = { ...this.best, calls: calls.map((call, index) => ({ ...call, line: index + 1 })) };
    const text = formatSyz(candidate);
    if (this.#known.has(text)) return false;
    this.#known.add(text);
    if (!this.#stillFails(candidate)) return false;
    this.best = candidate;
    return true;
  }
}

function withoutProperties(call: SyzCall): SyzCall[] {
  const { async, failNth, rerun } = call.props;
  return async || failNth !== 0 || rerun !== 0 ? [{ ...call, props: PLAIN_CALL }] : [];
}

function simplerArguments(call: SyzCall): SyzCall[] {
  return call.args.flatMap((arg, at) => simplerForms(arg).map((instead) => ({ ...call, args: call.args.with(at, instead) })));
}

const PAGE = BigInt(PAGE_SIZE);

function simplerForms(arg: SyzArg): SyzArg[] {
  if (arg.kind === 'const') return smallerNumbers(arg.value).map((value) => ({ kind: 'const', value }));
  return arg.kind === 'pointer' ? simplerPointers(arg) : [];
}

function simplerPointers(pointer: SyzPointer): SyzPointer[] {
  const { address, size, pointee } = pointer;
  const simpler: SyzPointer[] = [];
  if (address !== 'auto' && address % PAGE !== 0n) simpler.push({ ...pointer, address: address - (address % PAGE) });
  if (size !== undefined && size > PAGE) simpler.push({ ...pointer, size: PAGE });
  if (pointee?.kind === 'data' && pointee.form === 'hex' && pointee.bytes.length > 1) {
    simpler.push({ ...pointer, pointee: { ...pointee, bytes: pointee.bytes.slice(0, 1), size: undefined } });
  }
  return simpler;
}

/** Bits of a number beyond which they are not left out one by one: it is no set of flags. */
const MOST_FLAGS = 6;

/** Numbers less than this one, the simplest first. */
function smallerNumbers(value: bigint): bigint[] {
  if (value === 0n) return [];
  const smaller = value > PAGE ? [0n, PAGE] : [0n];
  const digits = [...value.toString(2)].reverse();
  if (digits.filter((digit) => digit === '1').length > MOST_FLAGS) return smaller;
  return [...smaller, ...digits.flatMap((digit, bit) => (digit === '1' ? [value - 2n ** BigInt(bit)] : []))];
}

/** The pages that addresses of a program lie in, by number. */
function pagesOf(program: SyzProgram): Set<bigint> {
  const pages = new Set<bigint>();
  for (const { args } of program.calls) {
    for (const arg of args) {
      const page = pageOf(arg);
      if (page !== null) pages.add(page);
    }
  }
  return pages;
}

function pageOf(arg: SyzArg): bigint | null {
  if (arg.kind !== 'pointer' || arg.address === 'auto') return null;
  return (arg.address - SYZ_ADDRESS_BASE) / PAGE;
}

function movePage(call: SyzCall, from: bigint, to: bigint): SyzCall {
  const moved = (arg: SyzArg): SyzArg => (pageOf(arg) === from ? movedPointer(arg as SyzPointer, (to - from) * PAGE) : arg);
  return { ...call, args: call.args.map(moved) };
}

function movedPointer(pointer: SyzPointer, by: bigint): SyzPointer {
  return pointer.address === 'auto' ? pointer : { ...pointer, address: pointer.address + by };
}
