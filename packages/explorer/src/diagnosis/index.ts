/** What is known of a failure beyond that it happened, as far as threads, locks and states tell it. */
export * from './livelock.js';
export * from './lock-order.js';
export * from './lost-wakeup.js';
export * from './race.js';
export * from './trace.js';
