/** What is kept of an explanation in a finding: a few sentences for whoever comes upon the file. */
import type { FoundExplanation } from '../explain/found.js';
import { raceText } from '../explain/found-text.js';

/** Why it goes wrong, in a few sentences. */
export function findingSummary(explanation: FoundExplanation): string[] {
  const { threads, letters, first, pointOfNoReturn, race } = explanation;
  const lines: string[] = [];
  if (threads.length > 1) lines.push(`${threads.map((thread) => `${letters.of(thread)} is lwp ${thread.name}`).join(', ')}.`);
  if (first !== null) {
    const [violation] = first.violations;
    const step = `step ${first.step.number}, ${letters.actor(first.step)} ${letters.does(first.step)}`;
    lines.push(`What went wrong first: ${step}: ${violation?.finding ?? ''}.`);
  }
  if (pointOfNoReturn !== null) {
    const { number } = pointOfNoReturn;
    lines.push(`Point of no return: step ${number}, ${letters.actor(pointOfNoReturn)} ${letters.does(pointOfNoReturn)}.`);
  }
  if (race !== null) lines.push(`It ends well when ${raceText(race, letters)}.`);
  return lines;
}
