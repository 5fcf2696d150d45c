/** What runs in each of the other threads that explore: loads the program, then explores level by level as it is told. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Assignment, ExplorationWorker, type WorkerReport } from '@faultline/explorer';
import { watchedBuild } from '../build.js';
import { loadSubject, type SubjectNames } from './subject.js';

/** What a thread is told: to work on the present level, of what it has or of something else. */
export interface Order {
  readonly assignment: Assignment | null;
}

/** What a thread says: it has loaded the program, or is through with the level. */
export type Answer = { readonly kind: 'ready' } | { readonly kind: 'report'; readonly report: WorkerReport };

const port = parentPort;
if (port !== null) {
  const { model } = await loadSubject(workerData as SubjectNames, await watchedBuild());
  let worker: ExplorationWorker | null = null;
  const answer = (message: Answer): void => port.postMessage(message);
  port.on('message', ({ assignment }: Order) => {
    if (assignment !== null) worker = new ExplorationWorker(model, assignment);
    if (worker === null) return;
    worker.workThrough();
    answer({ kind: 'report', report: worker.report() });
  });
  answer({ kind: 'ready' });
}
