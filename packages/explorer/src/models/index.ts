/** Programs to try the explorer on. */
export * from './counters.js';
export * from './locking.js';
export * from './mini-vm.js';
export * from './program.js';
export * from './sctbench.js';
export * from './sharing.js';
export * from './work-stealing-queue.js';
