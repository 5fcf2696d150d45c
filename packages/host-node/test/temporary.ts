/** What tests of files start with: a directory that is gone afterwards. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A directory for the tests of a file. */
export interface TemporaryDir {
  readonly path: string;
  /** The path of a file that is not there yet, another one each time. */
  readonly fresh: () => string;
  /** Makes a file; answers its path. */
  readonly file: (content: string | Uint8Array) => string;
}

/** Makes a directory that goes when the tests of the file are over. */
export function temporaryDir(): TemporaryDir {
  const path = mkdtempSync(join(tmpdir(), 'faultline-'));
  afterAll(() => rmSync(path, { recursive: true }));
  let made = 0;
  const fresh = (): string => join(path, `file-${++made}`);
  const file = (content: string | Uint8Array): string => {
    const name = fresh();
    writeFileSync(name, content);
    return name;
  };
  return { path, fresh, file };
}
