/** The builds of the kernel and of what stands on it, of which the command uses two. */
import { relative } from 'node:path';
import * as catalogue from '@faultline/catalogue';
import * as program from '@faultline/program';

/** A build: the packages that have several, and what modules of users must be made to suit it. */
export interface Build {
  readonly program: typeof program;
  readonly catalogue: typeof catalogue;
  /** What stands behind the names of its packages. */
  readonly suffix: '' | '/watched';
  /** Turns a module of a user's into one of this build, null when it need not be. */
  readonly transform: ((source: string, file: string) => string) | null;
}

/** The build that runs and replays. */
export const STEPPED: Build = { program, catalogue, suffix: '', transform: null };

/** The build that explores: it tells the states of threads exactly. Loaded when it is needed. */
export async function watchedBuild(): Promise<Build> {
  const [watchedProgram, watchedCatalogue, { toWatched }] = await Promise.all([
    import('@faultline/program/watched'),
    import('@faultline/catalogue/watched'),
    import('../watch/transform.mjs'),
  ]);
  return {
    program: watchedProgram,
    catalogue: watchedCatalogue,
    suffix: '/watched',
    // The state tells where threads are by these names: they must not depend on where the user's folder lies.
    transform: (source, file) => toWatched(source, file, { name: relative('', file) }).code,
  };
}
