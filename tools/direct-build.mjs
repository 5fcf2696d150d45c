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
 * code; it sees that a plain field never changes, and does not see it of a `#private` one. The last one is made in every build, so
 * that a snapshot can be taken of every object (docs/decisions/0019-embedding.md); in the stepped build it is all that is changed.
 *
 * A plain `yield` has no direct meaning; only a file with a `.direct.ts` twin may hold one, and the twin replaces the file whole.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import MagicString from 'magic-string';
import { parseSync, Visitor } from 'oxc-parser';

/** The packages that have several builds. */
export const BUILT_PACKAGES = ['kernel', 'program', 'catalogue'];

/** Constants are written so, and nothing else is. */
const CONSTANT_NAME = /^[A-Z][A-Z0-9_]*$/;

const BUILT_IMPORT = new RegExp(`^@faultline/(${BUILT_PACKAGES.join('|')})$`);

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
    if (typeof specifier?.value === 'string' && BUILT_IMPORT.test(specifier.value)) {
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
 * Makes private names plain ones, one letter for one letter: what a source map says of the file stays right.
 *
 * @param {string} source the text of a module, in TypeScript or JavaScript
 * @param {string} file its name, for error messages
 * @returns {string}
 * @throws {Error} when it does not parse
 */
export function toPlainNames(source, file) {
  if (!source.includes('#')) return source;
  const { program, errors } = parseSync(file, source);
  const [error] = errors;
  if (error) throw new Error(`${file}: ${error.message}`);
  /** @type {number[]} */
  const names = [];
  new Visitor({ PrivateIdentifier: (node) => void names.push(node.start) }).visit(program);
  let plain = '';
  let done = 0;
  for (const at of names.sort((a, b) => a - b)) {
    plain += `${source.slice(done, at)}$`;
    done = at + 1;
  }
  return plain + source.slice(done);
}

/**
 * Makes private names plain ones in what the compiler has made of a package. Writes only what it changes.
 *
 * @param {string} dir
 */
export function writePlainNames(dir) {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    const file = join(dir, name);
    if (!file.endsWith('.js')) continue;
    const source = readFileSync(file, 'utf8');
    const plain = toPlainNames(source, file);
    if (plain !== source) writeFileSync(file, plain);
  }
}

/**
 * The file that stands for `file` in a build when it has a hand-written twin there.
 *
 * @param {string} file
 * @param {'direct' | 'watched'} build
 */
export function twinOf(file, build) {
  const twin = file.replace(/\.ts$/, `.${build}.ts`);
  return !isTwin(file) && existsSync(twin) ? twin : undefined;
}

/** @param {string} file */
const isTwin = (file) => /\.(direct|watched)\.ts$/.test(file);
/** @param {string} file */
const isTest = (file) => file.endsWith('.test.ts');

/**
 * Writes the source of a package for a build to its `build/` folder, touching only the files that changed.
 *
 * @param {string} packageDir
 * @param {'direct' | 'watched'} build
 * @param {(source: string, file: string) => string} transform
 */
export function writeSource(packageDir, build, transform) {
  const from = join(packageDir, 'src');
  const to = join(packageDir, 'build', build);
  /** @type {Set<string>} */
  const written = new Set();
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !file.endsWith('.ts') || isTwin(file) || isTest(file)) continue;
    const twin = twinOf(file, build);
    const code = twin ? readFileSync(twin, 'utf8') : transform(readFileSync(file, 'utf8'), file);
    const target = join(to, relative(from, file));
    written.add(target);
    if (existsSync(target) && readFileSync(target, 'utf8') === code) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
  removeStale(to, written);
}

/**
 * Writes the direct source of a package to its `build/direct/` folder, touching only the files that changed.
 *
 * @param {string} packageDir
 */
export function writeDirectSource(packageDir) {
  writeSource(packageDir, 'direct', (source, file) => toDirect(source, file).code);
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
 * Whether a file belongs to a package that has builds.
 *
 * @param {string} root the workspace's root
 * @param {string} id
 */
export function inBuiltPackage(root, id) {
  return new RegExp(`^packages/(${BUILT_PACKAGES.join('|')})/.*\\.ts$`).test(relative(root, id));
}

/**
 * Whether a file is a test of another package, or what such tests share in `test/`, and imports a package that has builds: then it holds
 * programs for it.
 *
 * @param {string} root the workspace's root
 * @param {string} code
 * @param {string} id
 */
export function isTransformedTest(root, code, id) {
  const inTests = /^packages\/[^/]+\/(test\/.*|src\/.*\.test)\.ts$/;
  return inTests.test(relative(root, id)) && new RegExp(`from '@faultline/(${BUILT_PACKAGES.join('|')})'`).test(code);
}

/**
 * Plain names for the stepped build, as a Vite plugin.
 *
 * @param {string} root the workspace's root
 * @returns {import('vite').Plugin}
 */
export function steppedBuildPlugin(root) {
  return {
    name: 'faultline-stepped-build',
    enforce: 'pre',
    transform(code, id) {
      return inBuiltPackage(root, id) ? { code: toPlainNames(code, id), map: null } : undefined;
    },
  };
}

/**
 * The same transform as a Vite plugin, so that one test-suite runs on both builds.
 *
 * @param {string} root the workspace's root
 * @returns {import('vite').Plugin}
 */
export function directBuildPlugin(root) {
  return {
    name: 'faultline-direct-build',
    enforce: 'pre',
    load(id) {
      const twin = inBuiltPackage(root, id) ? twinOf(id, 'direct') : undefined;
      return twin ? readFileSync(twin, 'utf8') : undefined;
    },
    transform(code, id) {
      const transformed = inBuiltPackage(root, id) ? !twinOf(id, 'direct') : isTransformedTest(root, code, id);
      return transformed ? toDirect(code, id) : undefined;
    },
  };
}
