/**
 * Turns the stepped source into the direct source (decision D1, docs/decisions/0001-two-builds.md).
 *
 *     function* name(…)      ->  function name(…)
 *     *method(…)             ->  method(…)
 *     yield* call(…)         ->  call(…)
 *     '@faultline/kernel'    ->  '@faultline/kernel/direct'     (and the other packages that have two builds)
 *     import { PAGE_SIZE }   ->  import { PAGE_SIZE as PAGE_SIZE$ } and const PAGE_SIZE = PAGE_SIZE$
 *
 *     #name                  ->  private $name
 *
 * The last two are for speed: V8 reads an imported binding from memory at each use, and folds a module's own constant into the
 * code; it sees that a plain field never changes, and does not see it of a `#private` one.
 *
 * A plain `yield` has no direct meaning; only a file with a `.direct.ts` twin may hold one, and the twin replaces the file whole.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import MagicString from 'magic-string';
import { parseSync, Visitor } from 'oxc-parser';

/** The packages that are built twice. */
export const TWO_BUILD_PACKAGES = ['kernel', 'program', 'catalogue'];

/** Constants are written so, and nothing else is. */
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]*$/;

const TWO_BUILD_IMPORT = new RegExp(`^@faultline/(${TWO_BUILD_PACKAGES.join('|')})$`);

/**
 * The direct form of one stepped source file.
 *
 * @param {string} source the text of a TypeScript module
 * @param {string} file its name, for error messages and the source map
 * @returns {{ code: string, map: import('magic-string').SourceMap }}
 * @throws {Error} when the file does not parse, or yields by itself
 */
export function toDirect(source, file) {
  const { program, comments, errors } = parseSync(file, source);
  const place = (/** @type {number} */ offset) => `${file}:${source.slice(0, offset).split('\n').length}`;
  const [error] = errors;
  if (error) throw new Error(`${place(error.labels[0]?.start ?? 0)}: ${error.message}`);

  const text = new MagicString(source);
  const dropStar = (/** @type {number} */ from, /** @type {number} */ to) => {
    let star = source.indexOf('*', from);
    for (const comment of comments) if (comment.start < star && star < comment.end) star = source.indexOf('*', comment.end);
    if (star < 0 || star >= to) throw new Error(`${place(from)}: this generator has no star`);
    text.remove(star, star + 1);
  };
  let lastImportEnd = 0;
  /** @type {string[]} */
  const constants = [];
  const redirect = (/** @type {{ value: unknown, end: number } | null | undefined} */ specifier) => {
    if (typeof specifier?.value === 'string' && TWO_BUILD_IMPORT.test(specifier.value)) {
      text.appendLeft(specifier.end - 1, '/direct');
    }
  };
  const functionStar = (/** @type {any} */ node) => {
    if (!node.generator || methods.has(node.start)) return;
    dropStar(source.indexOf('function', node.start), node.id ? node.id.start : source.indexOf('(', node.start));
  };
  /** Offsets of function values whose star stands before a method's name. */
  const methods = new Set();
  const methodStar = (/** @type {any} */ node) => {
    if (!node.value?.generator || !(node.method || node.type === 'MethodDefinition')) return;
    methods.add(node.value.start);
    dropStar(node.decorators?.at(-1)?.end ?? node.start, node.key.start);
  };

  const hideName = (/** @type {{ key: { type: string }, start: number }} */ node) => {
    if (node.key.type === 'PrivateIdentifier') text.appendLeft(node.start, 'private ');
  };

  new Visitor({
    PrivateIdentifier: (node) => text.overwrite(node.start, node.start + 1, '$'),
    PropertyDefinition: hideName,
    MethodDefinition(node) {
      hideName(node);
      methodStar(node);
    },
    Property: methodStar,
    FunctionDeclaration: functionStar,
    FunctionExpression: functionStar,
    YieldExpression(node) {
      if (!node.delegate || !node.argument) {
        throw new Error(`${place(node.start)}: a plain yield has no direct form; only kern/switch.ts parks a thread`);
      }
      text.remove(node.start, node.argument.start);
    },
    ImportDeclaration(node) {
      redirect(node.source);
      lastImportEnd = node.end;
      if (node.importKind === 'type') return;
      for (const specifier of node.specifiers) {
        if (specifier.type !== 'ImportSpecifier' || specifier.importKind === 'type') continue;
        const { name } = specifier.local;
        if (!CONSTANT_NAME.test(name)) continue;
        text.overwrite(
          specifier.start,
          specifier.end,
          `${source.slice(specifier.imported.start, specifier.imported.end)} as ${name}$`,
        );
        constants.push(name);
      }
    },
    ExportNamedDeclaration: (node) => redirect(node.source),
    ExportAllDeclaration: (node) => redirect(node.source),
    ImportExpression: (node) => redirect(/** @type {any} */ (node.source)),
    TSImportType: (node) => redirect(node.source),
  }).visit(program);

  if (constants.length > 0) text.appendLeft(lastImportEnd, constants.map((name) => ` const ${name} = ${name}$;`).join(''));
  return { code: text.toString(), map: text.generateMap({ source: file, includeContent: true, hires: true }) };
}

/**
 * The file that stands for `file` in the direct build when it has a hand-written twin.
 *
 * @param {string} file
 */
export function directTwin(file) {
  const twin = file.replace(/\.ts$/, '.direct.ts');
  return !file.endsWith('.direct.ts') && existsSync(twin) ? twin : undefined;
}

/** @param {string} file */
const isTest = (file) => file.endsWith('.test.ts');

/**
 * Writes the direct source of a package to its `build/direct/` folder, touching only the files that changed.
 *
 * @param {string} packageDir
 */
export function writeDirectSource(packageDir) {
  const from = join(packageDir, 'src');
  const to = join(packageDir, 'build', 'direct');
  /** @type {Set<string>} */
  const written = new Set();
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !file.endsWith('.ts') || file.endsWith('.direct.ts') || isTest(file)) continue;
    const twin = directTwin(file);
    const code = twin ? readFileSync(twin, 'utf8') : toDirect(readFileSync(file, 'utf8'), file).code;
    const target = join(to, relative(from, file));
    written.add(target);
    if (existsSync(target) && readFileSync(target, 'utf8') === code) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  removeStale(to, written);
}

/**
 * @param {string} dir
 * @param {Set<string>} keep
 */
function removeStale(dir, keep) {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const file = join(dir, name);
    if (file.endsWith('.ts') && statSync(file).isFile() && !keep.has(file)) rmSync(file);
  }
}

/**
 * The same transform as a Vite plugin, so that one test-suite runs on both builds. Tests of other packages, and what they share in
 * `test/`, are transformed when they import a package that has two builds: then they hold programs for it.
 *
 * @param {string} root the workspace's root
 * @returns {import('vite').Plugin}
 */
export function directBuildPlugin(root) {
  const inTwoBuildPackage = new RegExp(`^packages/(${TWO_BUILD_PACKAGES.join('|')})/.*\\.ts$`);
  const inTests = /^packages\/[^/]+\/(test\/.*|src\/.*\.test)\.ts$/;
  const usesTwoBuilds = new RegExp(`from '@faultline/(${TWO_BUILD_PACKAGES.join('|')})'`);
  const hasTwoBuilds = (/** @type {string} */ id) => inTwoBuildPackage.test(relative(root, id));
  const isTransformed = (/** @type {string} */ code, /** @type {string} */ id) =>
    hasTwoBuilds(id) ? !directTwin(id) : inTests.test(relative(root, id)) && usesTwoBuilds.test(code);
  return {
    name: 'faultline-direct-build',
    enforce: 'pre',
    load(id) {
      const twin = hasTwoBuilds(id) ? directTwin(id) : undefined;
      return twin ? readFileSync(twin, 'utf8') : undefined;
    },
    transform(code, id) {
      return isTransformed(code, id) ? toDirect(code, id) : undefined;
    },
  };
}
