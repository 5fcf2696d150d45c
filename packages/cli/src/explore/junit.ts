/** An exploration as test cases. */
import type { Exploration } from '@faultline/explorer';
import { type JunitCase, type JunitSuite, junitText } from '@faultline/formats';

/** The report for a server of continuous integration: a case for each failure, or one for all when there is none. */
export function junitOf(input: string, { found, coverage, graph, interleavings, milliseconds }: Exploration): string {
  const seconds = milliseconds / 1000;
  const name = 'no interleaving goes wrong';
  const clean: JunitCase = {
    name,
    className: input,
    seconds,
    outcome:
      coverage === 'exhausted'
        ? { kind: 'passed' }
        : { kind: 'skipped', message: `nothing was found, but not everything was explored: ${graph.states} states` },
  };
  const failed = found.map(
    ({ failure, preemptions, steps }): JunitCase => ({
      name: failure.signature,
      className: input,
      seconds,
      outcome: {
        kind: 'failed',
        type: failure.kind,
        message: failure.message.split('\n')[0] ?? '',
        details: `${failure.message}\n\npreemptions: ${preemptions}\nsteps: ${steps}`,
      },
    }),
  );
  const suite: JunitSuite = {
    name: `faultline explore ${input}`,
    seconds,
    properties: {
      coverage,
      states: String(graph.states),
      interleavings: interleavings === null ? 'infinite' : String(interleavings),
      levels: String(graph.levelsDone),
    },
    cases: failed.length > 0 ? failed : [clean],
  };
  return junitText(suite);
}
