/** What is done with an exploration when it is over: exit status, words of the build that replays, finding files. */
import { type Exploration, execute } from '@faultline/explorer';
import { HostFileError } from '@faultline/host-node';
import { Replay } from '@faultline/kernel';
import { FindingError, type FoundExplanation, findingSummary, makeFinding } from '@faultline/program';
import { findingPatches, findingProgram, saveFinding } from '../findings.js';
import { EXIT_CLEAN, EXIT_FOUND, EXIT_OPEN } from '../usage.js';
import { VERSION } from '../version.js';
import type { Subject, SubjectNames } from './subject.js';

/** The exit status that says what an exploration came to. */
export function exitStatusOf({ found, coverage }: Exploration): number {
  if (found.length > 0) return EXIT_FOUND;
  return coverage === 'exhausted' ? EXIT_CLEAN : EXIT_OPEN;
}

/** An exploration as it would have been on another build: the words of failures have numbers of pages in them, which differ. */
export function onBuildOf({ model }: Subject, explored: Exploration): Exploration {
  const found = explored.found.map((each) => {
    const { failure } = execute(model, new Replay(each.schedule), { maxSteps: each.steps + 1 });
    return failure?.signature === each.failure.signature ? { ...each, failure } : each;
  });
  return { ...explored, model, found };
}

/** Writes a finding for each thing that was found. */
export async function saveFindings(
  names: SubjectNames,
  folder: string,
  subject: Subject,
  { found }: Exploration,
  explanations: readonly FoundExplanation[],
): Promise<string[]> {
  const { input, flags: of } = names;
  const patches = await findingPatches([...subject.defects.map(({ id }) => id), ...of.patch], folder);
  const files: string[] = [];
  for (const [index, each] of found.entries()) {
    const explanation = explanations[index];
    try {
      const finding = makeFinding({
        model: subject.model,
        found: each,
        program: findingProgram(input, folder, { os: of.os }),
        patches,
        machine: subject.machine,
        ...(explanation !== undefined && { summary: findingSummary(explanation) }),
        version: VERSION,
      });
      files.push(saveFinding(folder, finding));
    } catch (error) {
      if (!(error instanceof FindingError || error instanceof HostFileError)) throw error;
      process.stderr.write(`faultline: a finding was not written: ${error.message.replace(/\.$/, '')}.\n`);
    }
  }
  return files;
}
