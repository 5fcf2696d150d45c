/** What `show` in the debugger asks for: the arguments of `faultline show`, or a number as ddb takes it. */
import { VIEW_KINDS, type ViewRequest, type ViewSelector } from '@faultline/kernel';
import { UsageError } from '../usage.js';

/** The view that some words ask for. @throws {UsageError} when they ask for none */
export function viewRequest(words: readonly string[]): ViewRequest {
  const [name = '', ...rest] = words;
  // As in ddb: show map/f
  const [kind = '', modifier] = name.split('/');
  const known = VIEW_KINDS.find((candidate) => candidate.kind === kind);
  if (known === undefined) {
    const kinds = [...VIEW_KINDS.map((candidate) => candidate.kind), 'breaks', 'decisions', 'events'];
    throw new UsageError(`there is no view "${name}"; there are ${kinds.join(', ')}`);
  }
  let full = modifier === 'f';
  const selected: Partial<Record<ViewSelector, number>> = {};
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    const [flag = '', value] = word.split('=');
    if (flag === '--full') full = true;
    else if (flag === '--id' || flag === '--pid' || flag === '--page') {
      selected[selectorOf(flag)] = numberOf(flag, value ?? rest[++at]);
    } else if (/^\d+$/.test(word) && known.selectors[0] !== undefined) selected[known.selectors[0]] = Number(word);
    else throw new UsageError(`show ${kind} does not know what to do with "${word}"; it takes ${argumentsOf(known.selectors)}`);
  }
  return { kind: known.kind, ...selected, ...(full && { full }) };
}

function selectorOf(flag: '--id' | '--pid' | '--page'): ViewSelector {
  return flag === '--id' ? 'id' : flag === '--pid' ? 'pid' : 'page';
}

function numberOf(flag: string, text: string | undefined): number {
  if (text === undefined || !/^\d+$/.test(text)) throw new UsageError(`${flag} wants a number, not "${text ?? ''}"`);
  return Number(text);
}

function argumentsOf(selectors: readonly ViewSelector[]): string {
  return [...selectors.map((selector) => `--${selector} NUMBER`), '--full'].join(', ');
}
