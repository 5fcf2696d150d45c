/** Tries the thread interleavings of a program. */
export * from './execution.js';
export * from './failure.js';
export * from './model.js';
