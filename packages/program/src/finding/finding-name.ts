/** What findings are called: the same for the same defect, whatever the schedule. */
import type { Failure } from '@faultline/explorer';
import { digestOf } from './digest.js';
import type { FindingFile, FindingProgram } from './finding-file.js';

/** Digits of the digest in a file name. */
const NAME_DIGITS = 8;

/** The name of a program, for people. */
export function programName(program: FindingProgram): string {
  switch (program.kind) {
    case 'catalogue':
      return program.id;
    case 'syz':
      return program.name;
    case 'module':
      return program.path.slice(program.path.lastIndexOf('/') + 1);
  }
}

/** The title of a finding. */
export function findingTitle(program: FindingProgram, { signature }: Pick<Failure, 'signature'>): string {
  return `${programName(program)}: ${signature}`;
}

/** The name of a finding's file: `netbsd-2019-mlock-zero-1b5e0f2a.json`. */
export function findingFileName({ program, failure, patches }: Pick<FindingFile, 'program' | 'failure' | 'patches'>): string {
  const words = programName(program)
    .replace(/\.\w+$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const name = words.startsWith('netbsd') ? words : `netbsd-${words}`;
  const what = [programName(program), ...patches.map(({ id }) => id), failure.kind, failure.signature].join('\n');
  return `${name}-${digestOf(what).slice(0, NAME_DIGITS)}.json`;
}
