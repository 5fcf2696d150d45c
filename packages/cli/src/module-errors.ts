/** What modules of users throw, told as a mistake of theirs, with its place in their file. */
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from './usage.js';

/** A line of an error's stack. */
interface Frame {
  /** What it is in; empty for the top of a file. */
  readonly name: string;
  readonly file: string;
  readonly line: string;
}

/** The packages that a module may import. */
export const PACKAGES: readonly string[] = ['kernel', 'program', 'catalogue', 'formats', 'host-node'].map(
  (name) => `@faultline/${name}`,
);

/** Where the code of the packages is; what stands in none of these folders is the user's, or a library's. */
const OUR_FOLDERS = PACKAGES.map((name) => builtFolder(fileURLToPath(import.meta.resolve(name))))
  .concat(dirname(fileURLToPath(import.meta.url)))
  .map((folder) => folder + sep);

/**
 * What a module threw, as a sentence: `wire.ts:12: TypeError: x is not a function`.
 *
 * => lines are those of the file; columns are not, since a module is rewritten to be loaded.
 * => the place is the innermost one outside Faultline and the libraries. What Faultline threw, because it was asked for something
 *    impossible or because it is wrong itself, is told with the function that did.
 *
 * @param path the module, for what was thrown without a place
 */
export function moduleError(path: string, error: unknown): UsageError {
  const frames = framesOf(error);
  const place = frames.find(isUsers);
  const where = place === undefined ? (placeInMessage(error) ?? path) : `${nameOf(place.file, path)}:${place.line}`;
  const [innermost] = frames;
  const inside = innermost !== undefined && isOurs(innermost) ? ` (thrown by ${innermost.name})` : '';
  return new UsageError(`${where}: ${describe(error)}${inside}${adviceOn(error)}.`, { cause: error });
}

/** The same for an error that may come from anywhere; null when no code of a user's took part in it. */
export function errorOfSomeModule(error: unknown): UsageError | null {
  const place = framesOf(error).find(isUsers);
  return place === undefined ? null : moduleError(relative('', place.file), error);
}

/** The folder of all builds of a package, by a file of one of them. */
function builtFolder(file: string): string {
  return file.slice(0, file.lastIndexOf(`${sep}dist${sep}`) + `${sep}dist`.length);
}

function framesOf(error: unknown): Frame[] {
  if (!(error instanceof Error)) return [];
  return (error.stack ?? '').split('\n').flatMap((line) => {
    const [, name = '', url = '', lineNumber = ''] =
      /^ +at (?:async )?(?:(.*?) \()?((?:file:\/\/)?[^()]+):(\d+):\d+\)?$/.exec(line) ?? [];
    if (url === '' || url.startsWith('node:')) return [];
    return [{ name: name.replace(/^.*[.#]/, ''), file: url.startsWith('file:') ? fileURLToPath(url) : url, line: lineNumber }];
  });
}

function isOurs({ file }: Frame): boolean {
  return OUR_FOLDERS.some((folder) => file.startsWith(folder));
}

function isUsers(frame: Frame): boolean {
  return !isOurs(frame) && !frame.file.includes(`${sep}node_modules${sep}`);
}

/** A file as the user has named it, or as seen from where the user is. */
function nameOf(file: string, path: string): string {
  return file === resolve(path) ? path : relative('', file);
}

/** A syntax error has its place on the second line of its message: `/home/me/wire.ts:2:53`, with a column from 0. */
function placeInMessage(error: unknown): string | undefined {
  const found = error instanceof Error ? /\n\s*(\/.*|[A-Z]:\\.*):(\d+):(\d+)$/.exec(error.message.trimEnd()) : null;
  return found === null ? undefined : `${relative('', found[1] ?? '')}:${found[2]}:${Number(found[3]) + 1}`;
}

function describe(error: unknown): string {
  if (!(error instanceof Error))
    return `${JSON.stringify(error) ?? String(error)} is thrown; throw an Error, which knows its place`;
  const [line = ''] = error.message.split('\n');
  const message = line
    .replace(/\p{Cc}/gu, '\ufffd')
    .trim()
    .replace(/\.$/, '');
  return error.name === 'Error' ? message : `${error.name}: ${message}`;
}

/** `yield*` of what is no generator is the first mistake that everybody makes. */
function adviceOn(error: unknown): string {
  const notGenerator = error instanceof TypeError && /is not iterable/.test(error.message);
  return notGenerator ? '; main, and whatever is called with yield*, is a generator function: *main(user) { … }' : '';
}
