/** Folders of the host. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Makes a folder, and those it lies in. Step by step: in some places, such as /proc, Node's own way of doing so never ends. */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(resolve(path));
  makeFolder(parent);
  mkdirSync(path);
}
