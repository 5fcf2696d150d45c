/** Which build this is (docs/decisions/0001-two-builds.md, 0010-watched-build.md). Each build has a file like this one. */

/** Which build this is. */
export type Build = 'stepped' | 'direct' | 'watched';

/** Which build this is: `stepped` can switch threads at each step, `watched` can tell where each of them stands too, `direct` runs plain calls. */
export const BUILD: Build = 'stepped';
