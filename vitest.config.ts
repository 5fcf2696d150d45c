import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { directBuildPlugin, steppedBuildPlugin } from './tools/direct-build.mjs';
import { watchedBuildPlugin } from './tools/watched-build.mjs';

const root = fileURLToPath(new URL('.', import.meta.url)).replace(/\/$/, '');
const source = (name: string) => `${root}/packages/${name}/src/index.ts`;
const alias = [
  { find: /^@faultline\/kernel\/watched\/frames$/, replacement: `${root}/packages/kernel/src/kern/frames.ts` },
  { find: /^@faultline\/(kernel|program|catalogue)(\/direct|\/watched)?$/, replacement: source('$1') },
  { find: /^@faultline\/(formats|host-node|explorer)$/, replacement: source('$1') },
];

/** What is done before each file of tests. */
const SETUP = [`${root}/tools/vitest.setup.ts`];
/** What both builds must do alike: everything but the command, and what knows nothing of the kernel. */
const BOTH_BUILDS = ['packages/!(cli|explorer|formats)/{src,test}/**/*.test.ts'];
/** What only the watched build can do. */
const WATCHED_ONLY = 'packages/*/test/watched/**/*.test.ts';
/** What takes minutes by itself: `npm run test:long`. */
const LONG = 'packages/cli/test/long/**/*.test.ts';
/** What the watched build must do as the stepped one does: whatever is about threads, and a bit of all the rest. */
const WATCHED = [
  WATCHED_ONLY,
  'packages/kernel/src/{kern,sys}/**/*.test.ts',
  'packages/kernel/test/{state*,replay,smoke,regressions}.test.ts',
  'packages/kernel/test/cases/concurrency.test.ts',
  'packages/program/test/random-threads.test.ts',
  'packages/program/src/explain/explore.test.ts',
];
/** What needs threads that can be switched at each step, and what needs no kernel. */
const STEPPED_ONLY = ['packages/{explorer,formats}/{src,test}/**/*.test.ts'];
/** What is about schedules, of which the direct build has no choice: a thread is only switched where it waits. */
const SCHEDULES = [
  'packages/program/src/explain/explore.test.ts',
  'packages/program/src/finding/switches.test.ts',
  'packages/program/test/data-races.test.ts',
];
/** What puts something else in the place of a module, and so must not share its modules with others. */
const MOCKING = ['packages/host-node/src/host-error.test.ts'];
/** What the stepped and the direct build leave to others. */
const exclude = [...configDefaults.exclude, WATCHED_ONLY, ...MOCKING];

/** Milliseconds after which a test hangs. The longest takes half a minute, on a machine that others keep busy twice as long. */
const PATIENT = { testTimeout: 300_000, hookTimeout: 300_000 };

export default defineConfig({
  test: {
    maxWorkers: '100%',
    // Kernels come and go by the thousand: with room for them to die young, they cost a sixth less.
    execArgv: ['--max-semi-space-size=64'],
    // No module has state that a test could leave behind: one load of them serves all files, in a third of the time.
    projects: [
      {
        plugins: [steppedBuildPlugin(root)],
        resolve: { alias },
        test: {
          name: 'stepped',
          include: [...BOTH_BUILDS, ...STEPPED_ONLY],
          exclude,
          setupFiles: SETUP,
          isolate: false,
          ...PATIENT,
        },
      },
      {
        plugins: [steppedBuildPlugin(root)],
        resolve: { alias },
        test: { name: 'mocking', include: MOCKING, setupFiles: SETUP, ...PATIENT },
      },
      {
        plugins: [directBuildPlugin(root)],
        resolve: { alias },
        test: {
          name: 'direct',
          include: BOTH_BUILDS,
          exclude: [...exclude, ...SCHEDULES],
          setupFiles: SETUP,
          isolate: false,
          ...PATIENT,
        },
      },
      {
        plugins: [watchedBuildPlugin(root)],
        resolve: { alias },
        test: { name: 'watched', include: WATCHED, setupFiles: SETUP, isolate: false, ...PATIENT },
      },
      {
        // The command and the tools are tried as they are: there is one build of them. What needs a browser has a command of its own.
        test: {
          name: 'command',
          include: ['packages/cli/**/*.test.ts', 'tools/!(browser)/**/*.test.ts', 'tools/*.test.ts'],
          exclude: [...configDefaults.exclude, LONG],
          isolate: false,
          ...PATIENT,
        },
      },
      ...(process.env['FAULTLINE_LONG'] ? [{ test: { name: 'long', include: [LONG], ...PATIENT } }] : []),
      {
        // What `faultline export` has written, as somebody keeps it who tries Faultline here.
        test: { name: 'findings', include: ['findings/**/*.test.ts'], ...PATIENT },
      },
    ],
    coverage: {
      provider: 'v8',
      include: ['packages/*/src/**/*.ts'],
      // The coverage is that of the stepped build, in which the twins do not run.
      exclude: ['**/*.test.ts', '**/*.direct.ts', '**/*.watched.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 92, statements: 91, functions: 88, branches: 86 },
    },
  },
});
