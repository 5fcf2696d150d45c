/** The options header: the comment in which syzkaller notes how it ran a program. */
import type { SyzOptionValue, SyzProgram } from './program.js';

/** Options of the older form whose JSON name is not simply their own in snake case. */
const JSON_NAMES: ReadonlyMap<string, string> = new Map([
  ['EnableTun', 'tun'],
  ['NetInjection', 'tun'],
  ['EnableNetDev', 'netdev'],
  ['NetDevices', 'netdev'],
  ['EnableNetReset', 'resetnet'],
  ['NetReset', 'resetnet'],
  ['EnableCgroups', 'cgroups'],
  ['EnableBinfmtMisc', 'binfmt_misc'],
  ['EnableCloseFds', 'close_fds'],
  ['CloseFDs', 'close_fds'],
  ['EnableKCSAN', 'kcsan'],
  ['KCSAN', 'kcsan'],
  ['EnableDevlinkPCI', 'devlinkpci'],
  ['DevlinkPCI', 'devlinkpci'],
  ['NicVF', 'nicvf'],
  ['USB', 'usb'],
  ['VhciInjection', 'vhci'],
  ['IEEE802154', 'ieee802154'],
  ['UseTmpDir', 'tmpdir'],
  ['HandleSegv', 'segv'],
]);

/**
 * What a comment says if it is an options header, else undefined: any other comment is just that, never a mistake.
 *
 *     {"threaded":true,"procs":1,"sandbox":"none"}
 *     {Threaded:true Collide:true Repeat:true Procs:1 Sandbox: Fault:false}
 */
export function parseOptions(comment: string): SyzProgram['options'] | undefined {
  if (!comment.startsWith('{') || !comment.endsWith('}')) return undefined;
  return parseJsonOptions(comment) ?? parseOldOptions(comment);
}

function parseJsonOptions(comment: string): SyzProgram['options'] | undefined {
  let json: unknown;
  try {
    json = JSON.parse(comment);
  } catch {
    return undefined;
  }
  const options = new Map<string, SyzOptionValue>();
  for (const [name, value] of Object.entries(json as object)) {
    const scalar =
      typeof value === 'boolean' || typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
    if (!scalar) return undefined;
    options.set(name, value);
  }
  return options;
}

const OLD_OPTION = /([A-Za-z0-9]+):([^\s{}]*)/g;

function parseOldOptions(comment: string): SyzProgram['options'] | undefined {
  const options = new Map<string, SyzOptionValue>();
  for (const [, name = '', text = ''] of comment.replace('LegacyOptions:{', ' ').matchAll(OLD_OPTION)) {
    const value = text === 'true' ? true : text === 'false' ? false : /^-?[0-9]{1,15}$/.test(text) ? Number(text) : text;
    options.set(JSON_NAMES.get(name) ?? snakeCase(name), value);
  }
  return options.size > 0 ? options : undefined;
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toLowerCase();
}

/** The header for some options, without the `#`. */
export function formatOptions(options: SyzProgram['options']): string {
  return `{${[...options].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}
