/** Programs that run on a Faultline machine: what they are, how they run, and what the run says. */
export * from './explain/explain.js';
export * from './explain/report.js';
export type { WalkLine } from './explain/walk.js';
export * from './leaks.js';
export * from './model.js';
export * from './program.js';
export * from './run.js';
export * from './session.js';
export * from './settings.js';
export * from './strace/program.js';
export * from './syz/program.js';
