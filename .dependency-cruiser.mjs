/**
 * The layers (docs/architecture.md). Arrows point down only:
 *
 *     cli ──> catalogue ──> program ──> formats
 *                               └─────> kernel <── host-node <── cli
 *
 *     kernel:   boot ──> sys ──> vm, the contract ──> machine ──> kern
 *                └─────> uvm, freebsd ──┘
 *
 * Each rule says what may be imported; whatever else is imported, a package or a module of Node included, breaks it.
 */
const TESTS = '\\.test\\.ts$|^packages/[^/]+/test/';

/** @param {string} comment @param {string} name @param {string} from @param {string} allowed */
const only = (comment, name, from, allowed) => ({
  name,
  comment,
  severity: /** @type {const} */ ('error'),
  from: { path: from, pathNot: TESTS },
  to: { pathNot: allowed },
});

/** @param {string} comment @param {string} name of a folder of the kernel @param {string[]} below the folders below it */
const layer = (comment, name, ...below) =>
  only(comment, name, `^packages/kernel/src/${name}/`, `^packages/kernel/src/(${[name, ...below].join('|')})/`);

/** @type {import('dependency-cruiser').IConfiguration} */
const configuration = {
  forbidden: [
    layer('kern/ knows threads and locks, and nothing of memory', 'kern'),
    layer('machine/ knows nothing of the systems that run on it', 'machine', 'kern'),
    layer('vm/ says what a virtual memory system is, not which', 'vm', 'machine', 'kern'),
    layer('UVM knows neither FreeBSD nor the system calls', 'uvm', 'vm', 'machine', 'kern'),
    layer("FreeBSD's VM knows neither UVM nor the system calls", 'freebsd', 'vm', 'machine', 'kern'),
    layer('system calls speak to the contract in vm/, not to one of its keepers', 'sys', 'vm', 'machine', 'kern'),
    only('the kernel has no dependency', 'kernel', '^packages/kernel/src/', '^packages/kernel/src/'),
    only(
      'formats knows nothing of the kernel',
      'formats',
      '^packages/formats/src/',
      '^(packages/formats/src|node_modules/fflate)/',
    ),
    only('programs know no host', 'program', '^packages/program/src/', '^packages/(program|explorer|formats|kernel)/'),
    only('the explorer knows threads and steps', 'explorer', '^packages/explorer/src/', '^packages/(explorer|kernel)/'),
    only('the catalogue is data and patches', 'catalogue', '^packages/catalogue/src/', '^packages/(catalogue|program|kernel)/'),
    {
      name: 'host-node',
      comment: 'host-node brings what Node has to the kernel',
      severity: 'error',
      from: { path: '^packages/host-node/src/', pathNot: TESTS },
      to: { pathNot: '^packages/(host-node|kernel)/', dependencyTypesNot: ['core'] },
    },
    {
      name: 'kernel-tests',
      comment: "the kernel's tests stand on the kernel alone",
      severity: 'error',
      from: { path: '^packages/kernel/' },
      to: { path: '^packages/(?!kernel/)' },
    },
    {
      name: 'circles',
      comment: 'types may refer to each other; code may not',
      severity: 'error',
      from: { path: '^packages/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: '(node_modules|/dist/)' },
    exclude: { path: '/build/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: { conditionNames: ['import', 'types', 'default'], exportsFields: ['exports'] },
  },
};
export default configuration;
