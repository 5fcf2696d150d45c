/** Tries the thread interleavings of a program. */
export * from './analysis.js';
export * from './counterexample.js';
export * from './execution.js';
export * from './exhaustive.js';
export { StateMismatch } from './expansion.js';
export * from './explore.js';
export * from './failure.js';
export * from './graph.js';
export * from './model.js';
export type { StepKnowledge } from './visible-steps.js';
