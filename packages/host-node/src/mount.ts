/** Which files of the host a system is to have, as an option of a command says it. */
import { HostFileError } from './host-error.js';
import type { HostFileOptions } from './host-file.js';

/** A file of the host, and what it is called in the system: `vfs.add(mount.name, new HostFile(mount.path, mount))`. */
export interface HostMount extends Required<HostFileOptions> {
  readonly path: string;
}

/**
 * Reads `HOSTPATH[:NAME][:ro]`, the value of an option that brings a file of the host into a system. A name begins with a slash; without
 * one, the file has the same name in the system as on the host.
 *
 *     pages.bin            data/pages.bin:/etc/table        /etc/services:ro
 *
 * @throws {HostFileError} when there is no path in it
 */
export function parseHostMount(text: string): HostMount {
  const readOnly = text.endsWith(':ro');
  const rest = readOnly ? text.slice(0, -':ro'.length) : text;
  const colon = rest.lastIndexOf(':/');
  // On Windows, a colon behind a single letter is a drive's.
  const named = colon > 1 || (colon === 1 && process.platform !== 'win32');
  const path = named ? rest.slice(0, colon) : rest;
  if (path === '' || colon === 0) throw new HostFileError(text, 'there is no path in this; write HOSTPATH, or HOSTPATH:/NAME.');
  return { path, name: named ? rest.slice(colon + 1) : path, access: readOnly ? 'read-only' : 'read-write' };
}
