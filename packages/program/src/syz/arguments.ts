/**
 * The arguments of a call: words for the kernel, and what is to be stored into memory before it.
 *
 *     write(r0, &(0x7f0000000040)="6869", 0x2)
 *             │          └── stores: 2 bytes at 0x20000040
 *             └── words:   3, 0x20000040, 2
 *
 * The text does not say how large an integer in memory is: that is the `Shape` of what a pointer leads to, which belongs to the
 * call. Blobs marked `ANY` say it themselves.
 */
import { inflateSyzData, type SyzArg, type SyzData, type SyzPointer, type SyzResult, type SyzUnion } from '@faultline/formats';
import { type AutoAddresses, addressInMemory, DATA_SIZE } from './data-area.js';
import { Pointee } from './pointee.js';

/** What lies where a pointer leads. */
export type Shape =
  /** Bytes that the call reads. */
  | { readonly kind: 'bytes' }
  /** Bytes that the call writes: nothing is stored before. */
  | { readonly kind: 'room' }
  | { readonly kind: 'integer'; readonly size: 2 | 4 | 8; readonly absent?: bigint }
  | { readonly kind: 'pointer'; readonly to: Shape }
  | { readonly kind: 'struct'; readonly fields: readonly Shape[] }
  | { readonly kind: 'array'; readonly of: Shape };

/** An argument of a call. */
export type Parameter =
  /** `int` and `long`: 32 and 64 bits, of which `absent` is there when the text, or the variable, has none. */
  | { readonly kind: 'integer'; readonly bits: 32 | 64; readonly absent?: bigint }
  | { readonly kind: 'pointer'; readonly to: Shape };

/** Bytes to be stored before a call. */
interface Store {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A variable that is to be loaded from memory after a call. */
interface Load {
  readonly variable: string;
  readonly address: number;
  readonly size: number;
}

/** What comes of the arguments of a call. */
export interface Arguments {
  /** As decision 8 has them: a word of 2^63 and more is a number below zero. */
  readonly words: readonly number[];
  readonly stores: readonly Store[];
  readonly loads: readonly Load[];
  /** Whether data was cut off because there was more than the data area could hold. */
  readonly cut: boolean;
}

/** The variables that have a value, `r0` and so on. */
export type Variables = Map<string, bigint>;

const BYTES: Shape = { kind: 'bytes' };
const INTEGERS: ReadonlyMap<string, Shape> = new Map([
  ['ANYRES16', { kind: 'integer', size: 2 }],
  ['ANYRES32', { kind: 'integer', size: 4 }],
  ['ANYRES64', { kind: 'integer', size: 8 }],
]);
/** A variable as text, in so many digits with such a prefix. */
const NUMERALS: ReadonlyMap<string, { radix: number; prefix: string; digits: number }> = new Map([
  ['ANYRESDEC', { radix: 10, prefix: '', digits: 20 }],
  ['ANYRESHEX', { radix: 16, prefix: '0x', digits: 16 }],
  ['ANYRESOCT', { radix: 8, prefix: '0', digits: 22 }],
]);

/**
 * Evaluates the arguments of a call.
 *
 * => throws what `inflateSyzData` throws for data that is no zlib stream.
 */
export function evaluate(
  parameters: readonly Parameter[],
  args: readonly SyzArg[],
  variables: Variables,
  auto: AutoAddresses,
): Arguments {
  const evaluation = new Evaluation(variables, auto);
  const words = parameters.map((parameter, index) => evaluation.word(parameter, args, index));
  return { words, stores: evaluation.stores, loads: evaluation.loads, cut: evaluation.cut };
}

class Evaluation {
  readonly stores: Store[] = [];
  readonly loads: Load[] = [];
  cut = false;
  readonly #variables: Variables;
  readonly #auto: AutoAddresses;
  /** What may still be stored: no more than there is memory for. */
  #room = DATA_SIZE;

  constructor(variables: Variables, auto: AutoAddresses) {
    this.#variables = variables;
    this.#auto = auto;
  }

  word(parameter: Parameter, args: readonly SyzArg[], index: number): number {
    const arg = args[index];
    if (parameter.kind === 'pointer') {
      const address = arg?.kind === 'pointer' ? this.#point(arg, parameter.to) : this.#value(arg, 0n);
      return Number(BigInt.asIntN(64, address));
    }
    const value = arg?.kind === 'auto' ? lengthOf(args[index - 1]) : this.#value(arg, parameter.absent ?? 0n);
    return Number(BigInt.asIntN(parameter.bits, value));
  }

  /** Has what a pointer leads to stored; answers the address. */
  #point(pointer: SyzPointer, shape: Shape): bigint {
    const { pointee, any, address: written, size = 0n } = pointer;
    const given = any && shape.kind === 'room' ? BYTES : shape;
    const place = new Pointee(given.kind === 'room' ? 0 : this.#room);
    if (pointee !== undefined && pointee.kind !== 'nil') this.#fill(place, pointee, given);
    const { bytes, marks } = place;
    const address = written === 'auto' ? BigInt(this.#auto.take(Math.max(place.length, Number(size)))) : addressInMemory(written);
    const at = Number(BigInt.asIntN(64, address));
    if (given.kind !== 'room' && place.length > 0) {
      this.#room -= bytes.length;
      this.cut ||= bytes.length < place.length;
      this.stores.push({ address: at, bytes });
    }
    for (const { variable, offset, length } of marks) this.loads.push({ variable, address: at + offset, size: length });
    return address;
  }

  /** Puts an argument where it belongs, behind what is there already. @param before the argument in front of it */
  #fill(place: Pointee, arg: SyzArg, shape: Shape, before?: SyzArg): void {
    switch (arg.kind) {
      case 'data':
        fillData(place, arg, shape);
        break;
      case 'declare': {
        const offset = place.length;
        this.#fill(place, arg.value, shape, before);
        place.mark(arg.name, offset);
        break;
      }
      case 'union':
        this.#fillUnion(place, arg, shape);
        break;
      case 'struct':
        this.#fillFields(place, arg.fields, shape);
        break;
      case 'array':
        for (const item of arg.items) this.#fill(place, item, shape.kind === 'array' ? shape.of : shape);
        break;
      case 'pointer':
        place.integer(this.#point(arg, shape.kind === 'pointer' ? shape.to : BYTES), sizeOf(shape));
        break;
      case 'auto':
        place.integer(lengthOf(before), sizeOf(shape));
        break;
      case 'nil':
        if (shape.kind === 'struct') this.#fillFields(place, [], shape);
        else if (shape.kind === 'integer' || shape.kind === 'pointer') place.integer(absentValue(shape), sizeOf(shape));
        break;
      default:
        place.integer(this.#value(arg, absentValue(shape)), sizeOf(shape));
    }
  }

  #fillUnion(place: Pointee, { option, value }: SyzUnion, shape: Shape): void {
    const numeral = NUMERALS.get(option);
    if (numeral !== undefined) {
      const { prefix, radix, digits } = numeral;
      place.text(prefix + this.#value(value, 0n).toString(radix).padStart(digits, '0'));
    } else {
      this.#fill(place, value ?? { kind: 'nil' }, INTEGERS.get(option) ?? shape);
    }
  }

  #fillFields(place: Pointee, fields: readonly SyzArg[], shape: Shape): void {
    const shapes = shape.kind === 'struct' ? shape.fields : fields.map(() => shape);
    for (const [index, field] of shapes.entries()) {
      this.#fill(place, fields[index] ?? { kind: 'nil' }, field, fields[index - 1]);
    }
  }

  /** An argument as a number of 64 bits. @param absent what a variable without a value stands for */
  #value(arg: SyzArg | undefined, absent: bigint): bigint {
    switch (arg?.kind) {
      case undefined:
        return absent;
      case 'const':
        return arg.value;
      case 'result':
        return this.#result(arg, absent);
      case 'declare':
      case 'union':
        return this.#value(arg.value, absent);
      case 'pointer':
        return this.#point(arg, BYTES);
      default:
        return 0n;
    }
  }

  #result({ name, div, add }: SyzResult, absent: bigint): bigint {
    // A call that failed, or was left out, has set nothing: then it is the value that the resource has before anybody makes one.
    const value = BigInt.asUintN(64, this.#variables.get(name) ?? absent);
    return BigInt.asUintN(64, (div === 0n ? value : value / div) + add);
  }
}

function fillData(place: Pointee, data: SyzData, shape: Shape): void {
  const size = data.size === undefined ? undefined : Number(data.size);
  // Whoever reads into a buffer says only how large it is.
  if (shape.kind === 'room') place.skip(size ?? data.bytes.length);
  else place.data(inflateSyzData(data, { maxBytes: DATA_SIZE }), size);
}

/** What syzkaller fills in: how long the thing is that the argument before points to; of an array, how many it has. */
function lengthOf(arg: SyzArg | undefined): bigint {
  if (arg?.kind !== 'pointer') return 0n;
  const { pointee, size } = arg;
  if (pointee?.kind === 'array') return BigInt(pointee.items.length);
  if (pointee?.kind !== 'data') return size ?? 0n;
  return pointee.size ?? BigInt(inflateSyzData(pointee, { maxBytes: DATA_SIZE }).length);
}

/** Bytes of a number that lies in such a place; of one in the midst of bytes nobody knows, so it is a word. */
function sizeOf(shape: Shape): number {
  return shape.kind === 'integer' ? shape.size : 8;
}

function absentValue(shape: Shape): bigint {
  return shape.kind === 'integer' ? (shape.absent ?? 0n) : 0n;
}
