/** Faults of disks and files as they stand on the command line. */
import { errnoName, IO_KINDS, type IoFault, type IoFaults } from '@faultline/kernel';
import { InvalidArgumentError } from 'commander';

const HOW =
  'Give PATH:KIND[:N[+]]:FAULT, as in /data:write:3:EIO, /data:sync:1+:ENOSPC, /data:read:short=512 or /dev/wd0:read:delay=100.';
/** Beyond it there are no errno values. */
const MOST_ERRNO = 256;

/** For an option that may be repeated: what all its values say, by path. */
export function collectIoFault(text: string, before: IoFaults): IoFaults {
  const [path = '', kind = '', ...more] = text.split(':');
  const [what, which] = more.reverse();
  const on = IO_KINDS.find((each) => each === kind);
  if (!path.startsWith('/') || on === undefined || what === undefined || more.length > 2) throw new InvalidArgumentError(HOW);
  const fault: IoFault = { on, ...parseWhich(which), ...parseFault(what, on) };
  return { ...before, [path]: [...(before[path] ?? []), fault] };
}

/** `3`: the third; `3+`: the third and all after it. */
function parseWhich(text: string | undefined): Pick<IoFault, 'nth' | 'times'> {
  if (text === undefined) return {};
  const match = /^([1-9]\d*)(\+?)$/.exec(text);
  if (match === null) throw new InvalidArgumentError(HOW);
  return { nth: Number(match[1]), ...(match[2] === '+' && { times: 'all' }) };
}

function parseFault(text: string, on: IoFault['on']): Pick<IoFault, 'errno' | 'bytes' | 'delay'> {
  const match = /^(short|delay)=(\d+)$/.exec(text);
  const number = Number(match?.[2]);
  if (match?.[1] === 'delay' && number > 0) return { delay: number };
  if (match?.[1] === 'short' && (on === 'read' || on === 'write')) return { bytes: number };
  for (let errno = 1; errno < MOST_ERRNO; errno++) if (errnoName(errno) === text) return { errno };
  throw new InvalidArgumentError(HOW);
}
