import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { directBuildPlugin } from './tools/direct-build.mjs';

const root = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
const source = (name: string) => `${root}/packages/${name}/src/index.ts`;
const alias = [
  { find: /^@faultline\/(kernel|program|catalogue)(\/direct)?$/, replacement: source('$1') },
  { find: /^@faultline\/(formats|host-node|explorer)$/, replacement: source('$1') },
];

/** What is done before each file of tests. */
const SETUP = [`${root}/tools/vitest.setup.ts`];
/** What both builds must do alike: everything but the command. */
const BOTH_BUILDS = ['packages/!(cli|explorer)/{src,test}/**/*.test.ts'];
/** What needs threads that can be switched at each step. */
const STEPPED_ONLY = ['packages/explorer/{src,test}/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: 'stepped', include: [...BOTH_BUILDS, ...STEPPED_ONLY], setupFiles: SETUP, testTimeout: 120_000 },
      },
      {
        plugins: [directBuildPlugin(root)],
        resolve: { alias },
        test: { name: 'direct', include: BOTH_BUILDS, setupFiles: SETUP, testTimeout: 120_000 },
      },
      {
        // The command and the tools are tried as they are: there is one build of them.
        test: { name: 'command', include: ['packages/cli/**/*.test.ts', 'tools/**/*.test.ts'], testTimeout: 120_000 },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      // The coverage is that of the stepped build, in which the twins do not run.
      exclude: ['**/*.test.ts', '**/*.direct.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 92, statements: 91, functions: 88, branches: 86 },
    },
  },
});
