/** Conducts an exploration: with threads that help, a journal, signals that interrupt it, and somebody who is told how far it is. */
import {
  type ExhaustiveOptions,
  type ExhaustiveResult,
  type Exploration,
  type ExplorationSnapshot,
  type ExploreOptions,
  explore,
  exploreTogether,
  type Model,
} from '@faultline/explorer';
import { ThreadCrew } from './crew.js';
import type { SubjectNames } from './subject.js';

/** How to conduct it. */
export interface ConductOptions extends Omit<ExploreOptions, 'now' | 'exhaustively' | 'resume'> {
  /** How many threads explore, this one included. */
  readonly workers: number;
  /** Where it was interrupted, to go on from there. */
  readonly resume?: ExplorationSnapshot | null;
}

/** What came of it. */
export interface Conducted {
  readonly exploration: Exploration;
  /** Whether somebody has asked for its end. */
  readonly interrupted: boolean;
}

/** Explores a model that other threads can load by its names. */
export async function conduct(model: Model, names: SubjectNames, options: ConductOptions): Promise<Conducted> {
  const { workers, resume = null, ...rest } = options;
  let interrupted = false;
  const signals = new Signals();
  const exhaustively = async (what: Model, how: ExhaustiveOptions): Promise<ExhaustiveResult> => {
    const crew = new ThreadCrew(names, workers - 1);
    try {
      return await exploreTogether(what, { ...how, shouldStop: () => signals.heard || how.shouldStop?.() === true }, crew);
    } finally {
      interrupted = signals.heard;
      signals.release();
      await crew.close();
    }
  };
  const exploration = await explore(model, {
    ...rest,
    ...(resume !== null && { resume }),
    now: () => performance.now(),
    exhaustively,
    onStage: (stage) => {
      // Before, there is nothing to keep: a signal ends the command at once. Who is told of this stage may interrupt it right away.
      if (stage === 'exhaustive') signals.listen();
      rest.onStage?.(stage);
    },
  });
  return { exploration, interrupted };
}

/** Listens for the signals by which people interrupt a command. The second one ends it at once. */
class Signals {
  heard = false;
  readonly #listener = (signal: NodeJS.Signals): void => {
    if (this.heard) process.exit(signal === 'SIGINT' ? 130 : 143);
    this.heard = true;
  };

  listen(): void {
    process.on('SIGINT', this.#listener);
    process.on('SIGTERM', this.#listener);
  }

  release(): void {
    process.off('SIGINT', this.#listener);
    process.off('SIGTERM', this.#listener);
  }
}
