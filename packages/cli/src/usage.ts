/** Mistakes of whoever calls the command. */

/** Nothing wrong. */
export const EXIT_CLEAN = 0;
/** Something was found. */
export const EXIT_FOUND = 1;
/** The command line or an input is wrong. */
export const EXIT_USAGE = 2;
/** Nothing was found, but not everything was explored. */
export const EXIT_OPEN = 3;
/** Faultline itself is wrong. */
export const EXIT_BROKEN = 4;

/** The command line or an input is wrong; the message is a sentence that says what, where, and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
