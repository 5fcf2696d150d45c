/**
 * How many random programs are compared. They are the same each time, unless the environment asks for more of them, or for others:
 *
 *     FAULTLINE_SEQUENCES=100000 FAULTLINE_SEED=7 npm run oracle
 */

/** How many programs to compare: never fewer than `usual`. */
export function programCount(usual: number): number {
  return Math.max(usual, wholeNumber('FAULTLINE_SEQUENCES') ?? 0);
}

/** With which programs to begin. */
export function programSeed(): number {
  return wholeNumber('FAULTLINE_SEED') ?? 1;
}

/** The time that many comparisons may take, in milliseconds: far more than they do. */
export function timeFor(count: number): number {
  return 60_000 + count * 50;
}

function wholeNumber(variable: string): number | null {
  const text = process.env[variable];
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${variable} must be a whole number from 1 up, not ${text}`);
  return value;
}
