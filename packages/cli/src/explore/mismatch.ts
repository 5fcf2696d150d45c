/** Two executions that should be alike and are not: whose mistake it is, in a sentence. */
import { StateMismatch } from '@faultline/explorer';
import { isModule } from '../modules.js';
import { UsageError } from '../usage.js';

/**
 * Does something that executes a program again and again.
 *
 * @param journal the one that is gone on with, null for none
 * @throws {UsageError} when executions differ because of whoever wrote the program, or kept the journal
 */
export async function mismatchesTold<T>(input: string, journal: string | null, job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    if (!(error instanceof StateMismatch)) throw error;
    if (journal !== null) {
      throw new UsageError(
        `${journal}: this journal does not fit the program or the kernel of today (${error.message}); name another file, or remove this one to begin again.`,
      );
    }
    if (!isModule(input)) throw error;
    throw new UsageError(
      `${input}: two runs under one schedule went on differently (${error.message}). What a program does must depend on nothing but ` +
        'the schedule: no clock, no randomness, no variable that outlives a run.',
    );
  }
}
