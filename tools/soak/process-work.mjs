/** What workers do about each other: fork, exit, wait. */
import { SoakFailure, succeeded } from './worker.mjs';

/** @typedef {import('./soak.mjs').Soak} Soak */
/** @typedef {import('./worker.mjs').Work} Work */
/** @typedef {import('./worker.mjs').Worker} Worker */

/** Makes a child, when there is room for one. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* fork(soak, worker) {
  if (!soak.mayFork()) return;
  const pid = succeeded('fork', yield (user) => user.fork());
  soak.forked(worker, pid);
}

/** Checks all that it has, and ends. @param {Soak} soak @param {Worker} worker @returns {Work} */
export function* exit(soak, worker) {
  if (!soak.mayExit()) return;
  for (const region of worker.regions) {
    if (soak.claim(region.bytes, region.firstChunk, region.chunks, 'read')) yield* worker.check(region, 0, region.chunks);
  }
  soak.exits(worker);
  yield (user) => user.exit(worker.process.pid % 100);
}

/** Asks how a child has ended, if one has. @param {Soak} _soak @param {Worker} worker @returns {Work} */
export function* reap(_soak, worker) {
  const { children } = worker.process;
  const ended = [...children].find(({ zombie }) => zombie);
  if (ended === undefined) return;
  const result = yield (user) => user.wait(ended.pid);
  if (typeof result === 'number' || result.reason.kind !== 'exited' || result.reason.status !== ended.pid % 100) {
    throw new SoakFailure(
      `process ${ended.pid} exited with ${ended.pid % 100}, and its parent was told ${JSON.stringify(result)}`,
    );
  }
}
