/**
 * The layers (docs/architecture.md). Arrows point down only:
 *
 *     cli -> catalogue -> program -> formats, kernel        host-node -> kernel
 *     kernel: boot -> sys -> vm (the contract); uvm -> vm, machine, kern; machine -> kern
 */
const kernel = '^packages/kernel/src';

/** @param {string} name @param {string} from @param {string} to @param {string} comment */
const forbid = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from, pathNot: '\\.test\\.ts$' },
  to: { path: to },
});

/** @type {import('dependency-cruiser').IConfiguration} */
const configuration = {
  forbidden: [
    forbid(
      'kern-stands-alone',
      `${kernel}/kern/`,
      `${kernel}/(machine|vm|uvm|freebsd|sys|kpi)/`,
      'kern/ knows threads and locks, and nothing of memory',
    ),
    forbid(
      'machine-on-kern',
      `${kernel}/machine/`,
      `${kernel}/(vm|uvm|freebsd|sys|kpi)/`,
      'machine/ knows nothing of the systems that run on it',
    ),
    forbid(
      'vm-is-a-contract',
      `${kernel}/vm/`,
      `${kernel}/(uvm|freebsd|sys|kpi)/`,
      'vm/ says what a virtual memory system is, not which',
    ),
    forbid('uvm-below-sys', `${kernel}/uvm/`, `${kernel}/(freebsd|sys|kpi)/`, 'UVM knows neither FreeBSD nor the system calls'),
    forbid('freebsd-below-sys', `${kernel}/freebsd/`, `${kernel}/(uvm|sys|kpi)/`, 'the two designs never import each other'),
    forbid(
      'sys-on-the-contract',
      `${kernel}/sys/`,
      `${kernel}/(uvm|freebsd|kpi)/`,
      'system calls speak to the contract in vm/, not to one of its keepers',
    ),
    forbid(
      'kernel-alone',
      '^packages/kernel/',
      '^(packages/(?!kernel/)|node_modules/(?!vitest|fast-check))',
      'the kernel has no dependency',
    ),
    forbid(
      'formats-alone',
      '^packages/formats/',
      '^packages/(?!formats/)',
      'formats reads other people’s text, and knows nothing of the kernel',
    ),
    forbid(
      'program-below-catalogue',
      '^packages/program/',
      '^packages/(catalogue|host-node|cli)/',
      'programs know neither the catalogue nor the command',
    ),
    forbid(
      'catalogue-below-cli',
      '^packages/catalogue/',
      '^packages/(host-node|cli|formats)/',
      'the catalogue is data and patches',
    ),
    forbid(
      'host-node-on-kernel',
      '^packages/host-node/',
      '^packages/(?!host-node/|kernel/)',
      'host-node brings host files to the kernel',
    ),
    {
      name: 'no-node-below-the-command',
      comment: 'only host-node and cli know Node',
      severity: 'error',
      from: { path: '^packages/(kernel|program|formats|catalogue)/src', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-circles-between-files-at-run-time',
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
