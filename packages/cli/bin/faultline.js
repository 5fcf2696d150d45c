#!/usr/bin/env node
/** The command `faultline`. It stands here, and not in `dist/`, so that npm finds it before the first build. */
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('faultline: it has not been built yet; run "npm run build" in the project first.\n');
  process.exitCode = 2;
}
