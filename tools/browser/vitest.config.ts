/** The tests of replays in a browser. They are apart from the others, since they need Chromium, and a bundle of what was built. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { name: 'browser', include: ['tools/browser/**/*.test.ts'], testTimeout: 120_000, hookTimeout: 600_000 },
});
