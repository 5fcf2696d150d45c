/** The binary operators in which strace prints masks, sizes and statuses. */
import { compactInteger, exactValue, type StraceNumber, type StraceValue } from './value.js';

/** An operator, and how strongly it binds. */
export interface BinaryOperator {
  readonly symbol: string;
  readonly strength: number;
}

/** Longer symbols come before those that they start with. */
const OPERATORS: readonly BinaryOperator[] = [
  { symbol: '||', strength: 1 },
  { symbol: '&&', strength: 2 },
  { symbol: '==', strength: 3 },
  { symbol: '!=', strength: 3 },
  { symbol: '|', strength: 4 },
  { symbol: '<<', strength: 5 },
  { symbol: '>>', strength: 5 },
  { symbol: '+', strength: 6 },
  { symbol: '-', strength: 6 },
  { symbol: '*', strength: 7 },
  // Two requests may have one number: SNDCTL_TMR_TIMEBASE or TCGETS.
  { symbol: 'or ', strength: 0 },
];

const FIRST_CHARACTERS = new Set(OPERATORS.map(({ symbol }) => symbol.charAt(0)));

/** The operator at an offset, if there is one. */
export function binaryOperatorAt(text: string, at: number): BinaryOperator | undefined {
  if (!FIRST_CHARACTERS.has(text.charAt(at))) return undefined;
  return OPERATORS.find(({ symbol }) => text.startsWith(symbol, at));
}

/** Shifting further than this makes numbers that nobody's kernel has printed. */
const LARGEST_SHIFT = 128n;

const ARITHMETIC: ReadonlyMap<string, (left: bigint, right: bigint) => bigint | undefined> = new Map([
  ['|', (left: bigint, right: bigint) => left | right],
  ['+', (left: bigint, right: bigint) => left + right],
  ['-', (left: bigint, right: bigint) => left - right],
  ['*', (left: bigint, right: bigint) => left * right],
  ['<<', (left: bigint, right: bigint) => (right >= 0n && right <= LARGEST_SHIFT ? left << right : undefined)],
  ['>>', (left: bigint, right: bigint) => (right >= 0n && right <= LARGEST_SHIFT ? left >> right : undefined)],
]);

/**
 * What two operands give: a sum when both are numbers, flags when they are or-ed and one is, else the operation itself. What
 * comments say of the operands (`-X verbose`) is said of the whole.
 */
export function applyOperator(symbol: string, left: StraceValue, right: StraceValue): StraceValue {
  const value = combined(symbol, left, right);
  const { comment: first } = left;
  const { comment: second } = right;
  if (first === undefined && second === undefined) return value;
  return { ...value, comment: [first, second].filter((comment) => comment !== undefined).join(symbol) };
}

function combined(symbol: string, left: StraceValue, right: StraceValue): StraceValue {
  if (left.kind === 'number' && right.kind === 'number') {
    return computed(symbol, left, right) ?? { kind: 'operation', operator: symbol, operands: [left, right] };
  }
  if (symbol === '|' && (left.kind === 'flags' || right.kind === 'flags')) {
    return { kind: 'flags', names: [...namesOf(left), ...namesOf(right)], rest: [...restOf(left), ...restOf(right)] };
  }
  return { kind: 'operation', operator: symbol.trim(), operands: [left, right] };
}

const NOTHING: readonly never[] = [];

function namesOf(value: StraceValue): readonly string[] {
  return value.kind === 'flags' ? value.names : NOTHING;
}

function restOf(value: StraceValue): readonly StraceValue[] {
  return value.kind === 'flags' ? value.rest : [value];
}

/** Products can be chained; what has grown beyond this is left as it was written. */
const LARGEST_BITS = 256n;

function computed(symbol: string, left: StraceNumber, right: StraceNumber): StraceNumber | undefined {
  const value = ARITHMETIC.get(symbol)?.(exactValue(left), exactValue(right));
  if (value === undefined || value >= 1n << LARGEST_BITS || value <= -1n << LARGEST_BITS) return undefined;
  return { kind: 'number', value: compactInteger(value), radix: left.radix };
}
