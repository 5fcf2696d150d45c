import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { directBuildPlugin } from './tools/direct-build.mjs';

const root = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
const source = (name: string) => `${root}/packages/${name}/src/index.ts`;
const alias = [
  { find: /^@faultline\/(kernel|program|catalogue)(\/direct)?$/, replacement: source('$1') },
  { find: /^@faultline\/(formats|host-node)$/, replacement: source('$1') },
];

export default defineConfig({
  test: {
    projects: [
      {
        resolve: { alias },
        test: { name: 'stepped', include: ['packages/*/{src,test}/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        plugins: [directBuildPlugin(root)],
        resolve: { alias },
        test: { name: 'direct', include: ['packages/*/{src,test}/**/*.test.ts'], testTimeout: 120_000 },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'html'],
    },
  },
});
