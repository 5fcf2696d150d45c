/** A small tree of files somewhere else, for tests of tools that look at whole trees. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runToEnd } from './child-process.js';

/** The workspace whose tools are tested. */
export const workspace = fileURLToPath(new URL('..', import.meta.url));

/** A tree of planted files. */
export class PlantedTree {
  readonly path = mkdtempSync(join(tmpdir(), 'planted-'));

  /** Writes text at the end of a file, which need not exist before. */
  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.path, file)), { recursive: true });
    appendFileSync(join(this.path, file), text);
  }

  /** Runs one of the workspace's tools in the tree, and answers what it prints. */
  run(tool: string, ...args: readonly string[]): string {
    const script = join(workspace, 'node_modules', tool);
    return runToEnd(process.execPath, [script, ...args], { cwd: this.path }).stdout;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
