/** Where an exploration is kept when it ends before everything is explored, and whose it is. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorsOf } from '@faultline/host-node';
import { isModule } from '../modules.js';
import { VERSION } from '../version.js';
import type { Identity } from './journal.js';
import { type ExploreFlags, faultsOf } from './options.js';
import type { SubjectNames } from './subject.js';

/**
 * What must be equal for a journal to be gone on with. How many preemptions are wanted, how much time there is, how many threads
 * explore and how much room there is need not be.
 */
export function identityOf({ input, flags }: SubjectNames, how: ExploreFlags): Identity {
  const { ram, cpus, diagnostic, counterWidth, design, os, strict, defect, patch } = flags;
  return {
    'the version of Faultline': VERSION,
    'the program': nameAndDigest(input),
    'the list of patches': patch.map(nameAndDigest).join(', '),
    'the kernel': JSON.stringify({ design, defect, diagnostic, counterWidth }),
    'the machine': JSON.stringify({ ram, cpus }),
    'how the program is read': JSON.stringify({ os, strict }),
    'the number of faults': String(faultsOf(how)),
    'the use of timeouts': String(how.timeouts === true),
    'the width of keys': how.wide === true ? '128 bits' : '64 bits',
  };
}

/** The place for a journal when none was named: in the user's cache, a file for each exploration. */
export function usualJournal(names: SubjectNames, how: ExploreFlags): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const name = names.input.replace(/[^\w.-]+/g, '-').slice(-60);
  return join(cache, 'faultline', `${name}-${digest(JSON.stringify(identityOf(names, how)))}.journal`);
}

function nameAndDigest(name: string): string {
  const isFile = isModule(name) || /\.syz$/.test(name);
  return isFile ? `${name} (${digest(errorsOf(name, () => readFileSync(name)))})` : name;
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 12);
}
