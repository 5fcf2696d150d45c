/** A schedule as decisions at places that survive edits, instead of at numbers of steps. */
import { type Site, siteText } from './sites.js';

/** Something that was decided in an execution. */
export type LabelledDecision =
  /** Thread `to` goes on instead of the one that run-to-block would take. */
  | { readonly kind: 'switch'; readonly at: Site; readonly to: string }
  /** The environment goes another way than the ordinary one. */
  | { readonly kind: 'choice'; readonly at: Site; readonly site: string; readonly taken: number }
  /** The timeout of thread `lwp` fires although threads could run. */
  | { readonly kind: 'expiry'; readonly at: Site; readonly lwp: string };

/** A decision as part of a sentence: `main.2 runs when main.1 is in mlock#1, in front of "acquire vmmaplk"`. */
export function decisionText(decision: LabelledDecision): string {
  const { at, kind } = decision;
  const where = at.thread === '' ? 'at the start' : at.step === 'end' ? `at ${siteText(at)}` : `with ${siteText(at)}`;
  switch (kind) {
    case 'switch':
      return `${decision.to} runs, ${where}`;
    case 'choice':
      return `the environment goes way ${decision.taken} of ${decision.site}, ${where}`;
    case 'expiry':
      return `the timeout of ${decision.lwp} fires, ${where}`;
  }
}
