/**
 * Other people's formats: readers of syzkaller programs and strace logs, and a writer of JUnit reports.
 *
 * Text goes in, typed data comes out, and a mistake in the text is a `FormatError` with file, line, column and what was expected.
 * Nothing here knows what a call does.
 */
export * from './junit.js';
export * from './strace/forks.js';
export * from './strace/reader.js';
export * from './strace/records.js';
export type * from './strace/value.js';
export { exactValue, namedValue, smallValue } from './strace/value.js';
export { type InflateLimit, inflateSyzData } from './syz/data.js';
export * from './syz/format.js';
export * from './syz/parse.js';
export { MAX_SYZ_NESTING } from './syz/parse-arg.js';
export * from './syz/program.js';
export { utf8Text } from './text/bytes.js';
export { FormatError, type FormatProblem } from './text/format-error.js';
