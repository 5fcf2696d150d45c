import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { directBuildPlugin, toDirect, toPlainNames, twinOf, writeDirectSource, writePlainNames } from './direct-build.mjs';
import { PlantedTree } from './planted-tree.js';

const direct = (source: string): string => toDirect(source, 'uvm/map.ts').code;

describe('the direct form of a generator', () => {
  it.each([
    ['a function', 'function* f(a: number): Step<void> {}', 'function f(a: number): Step<void> {}'],
    ['an exported one', 'export function* f() {}', 'export function f() {}'],
    ['one with the star at its name', 'function *f() {}', 'function f() {}'],
    ['one without a name', 'const f = function* () {};', 'const f = function () {};'],
    ['one of any type', 'const f = function* <T>(a: T) {};', 'const f = function <T>(a: T) {};'],
    ['one that is a property', 'const o = { f: function* () {} };', 'const o = { f: function () {} };'],
    ['a method of an object', 'const o = { *f() {} };', 'const o = { f() {} };'],
    ['a method of a class', 'class C { *f(): Step<void> {} }', 'class C { f(): Step<void> {} }'],
    ['one with modifiers', 'class C { static override *f<T>() {} }', 'class C { static override f<T>() {} }'],
    ['a private one', 'class C { *#f() {} }', 'class C { private $f() {} }'],
    ['one with a computed name', "class C { *['a' + b * 2]() {} }", "class C { ['a' + b * 2]() {} }"],
    ['one inside another', 'function* f() { return function* () {}; }', 'function f() { return function () {}; }'],
  ])('is plain: %s', (_, stepped, plain) => {
    expect(direct(stepped)).toBe(plain);
  });

  it.each([
    ['function /* a * b */* f() {}', 'function /* a * b */ f() {}'],
    ['class C { static /* two * stars * */ *f() {} }', 'class C { static /* two * stars * */ f() {} }'],
    ['/** Doc * comment. */\nfunction* f() { /* * */ }', '/** Doc * comment. */\nfunction f() { /* * */ }'],
    ['class C {\n  /** => may * sleep */\n  *f() {}\n}', 'class C {\n  /** => may * sleep */\n  f() {}\n}'],
  ])('keeps the stars of comments: %s', (stepped, plain) => {
    expect(direct(stepped)).toBe(plain);
  });

  it('leaves everything else as it is', () => {
    const source = `const product = (a: number, b = 2) => a * b ** 2;
class C { f() { return 'yield* f()'; } get star() { return '*'; } async g() { await this.f(); } }
export * as stars from './stars.js';
`;
    expect(direct(source)).toBe(source);
  });
});

describe('the direct form of a call that may sleep', () => {
  it.each([
    ['as a statement', 'yield* g();', 'g();'],
    ['as a value', 'const a = 2 * (yield* g(1)) * 3;', 'const a = 2 * (g(1)) * 3;'],
    ['as an argument of another', 'return yield* g(yield* h(), yield* i());', 'return g(h(), i());'],
    ['in a condition', 'while ((yield* g()) !== 0) yield* h();', 'while ((g()) !== 0) h();'],
    ['in a template', `return \`\${yield* g()} * 2\`;`, `return \`\${g()} * 2\`;`],
    ['of a method', 'yield* this.map.lock();', 'this.map.lock();'],
    // A return must not be parted from its value by the end of a line.
    ['on the next line', 'return yield* // why\n  g();', 'return g();'],
  ])('is plain: %s', (_, stepped, plain) => {
    expect(direct(`function* f() { ${stepped} }`)).toBe(`function f() { ${plain} }`);
  });

  it.each(['yield;', 'yield 3;', 'const a = yield;', 'yield yield* g();'])(
    'does not exist for a plain yield: %s',
    (statement) => {
      expect(() => direct(`\nfunction* f() {\n  ${statement}\n}\n`)).toThrow(
        'uvm/map.ts:3: a plain yield has no direct form; only kern/switch.ts parks a thread',
      );
    },
  );

  it('does not exist for text that is no TypeScript, which is said with file and line', () => {
    expect(() => direct('const a = 1;\nfunction* f( {\n')).toThrow(/^uvm\/map\.ts:\d+: /);
  });
});

describe('private names in the direct form', () => {
  it.each([
    ['class C { #a = 1; f() { return this.#a; } }', 'class C { private $a = 1; f() { return this.$a; } }'],
    ['class C { readonly #a: number; static #b = 2; }', 'class C { private readonly $a: number; private static $b = 2; }'],
    ['class C { get #a() { return 1; } }', 'class C { private get $a() { return 1; } }'],
    [
      'class C { #a = 1; f(o: C) { return o.#a + this?.#a; } }',
      'class C { private $a = 1; f(o: C) { return o.$a + this?.$a; } }',
    ],
  ])('are private to the compiler alone: %s', (stepped, plain) => {
    expect(direct(stepped)).toBe(plain);
  });
});

describe('imports in the direct form', () => {
  it.each([
    ["import { a } from '@faultline/kernel';", "import { a } from '@faultline/kernel/direct';"],
    ["import type { A } from '@faultline/program';", "import type { A } from '@faultline/program/direct';"],
    ["export * from '@faultline/catalogue';", "export * from '@faultline/catalogue/direct';"],
    ["export { a } from '@faultline/kernel';", "export { a } from '@faultline/kernel/direct';"],
    ["const a = await import('@faultline/kernel');", "const a = await import('@faultline/kernel/direct');"],
    ["let a: import('@faultline/kernel').Kern;", "let a: import('@faultline/kernel/direct').Kern;"],
  ])('lead to the direct build of packages that have one: %s', (stepped, plain) => {
    expect(direct(stepped)).toBe(plain);
  });

  it.each([
    "import { a } from '@faultline/formats';",
    "import { a } from '@faultline/kernel/direct';",
    "import { a } from '@faultline/kernel-tools';",
    "import { a } from './map.js';",
    "const a = '@faultline/kernel';",
  ])('are left alone otherwise: %s', (source) => {
    expect(direct(source)).toBe(source);
  });

  it('make constants the own ones of the module, under the names that they have there', () => {
    const source = "import { B_C as D, type E, f } from './a.js';\nimport { PAGE_SIZE } from './b.js';\nf(D, PAGE_SIZE);\n";
    expect(direct(source)).toBe(
      "import { B_C as D$, type E, f } from './a.js';\nimport { PAGE_SIZE as PAGE_SIZE$ } from './b.js'; const D = D$; const PAGE_SIZE = PAGE_SIZE$;\nf(D, PAGE_SIZE);\n",
    );
  });

  it('of types, whole modules and other names make no constants', () => {
    const source = "import type { A } from './a.js';\nimport * as B from './b.js';\nimport { Cd, type E } from './c.js';\n";
    expect(direct(source)).toBe(source);
  });
});

describe('the source map', () => {
  it('leads from a line to the same line', () => {
    const { code, map } = toDirect('function* f() {\n  yield* g();\n}\n', 'map.ts');
    expect(code.split('\n')).toHaveLength(4);
    expect(map.sources).toEqual(['map.ts']);
    expect(map.mappings.split(';')).toHaveLength(4);
  });
});

describe('the direct source of a package', () => {
  let tree: PlantedTree;
  const built = (): string[] =>
    readdirSync(join(tree.path, 'build/direct'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .sort();
  const text = (name: string): string => readFileSync(join(tree.path, 'build/direct', name), 'utf8');

  beforeEach(() => {
    tree = new PlantedTree();
    tree.write('src/index.ts', "export * from './kern/switch.js';\n");
    tree.write('src/kern/switch.ts', 'export function* park() {\n  yield;\n}\n');
    tree.write('src/kern/switch.direct.ts', 'export function park() {}\n');
    tree.write('src/kern/lock.ts', 'export function* lock() {\n  yield* park();\n}\n');
    tree.write('src/kern/lock.test.ts', 'nothing but a test');
    tree.write('src/kern/notes.md', 'no source');
    writeDirectSource(tree.path);
  });

  afterEach(() => tree.remove());

  it('has every module, with the hand-written twins in the place of what they stand for, and no test', () => {
    expect(built()).toEqual(['index.ts', 'kern/lock.ts', 'kern/switch.ts']);
    expect(text('kern/lock.ts')).toBe('export function lock() {\n  park();\n}\n');
    expect(text('kern/switch.ts')).toBe('export function park() {}\n');
  });

  it('is not touched where nothing changed, so that the compiler has nothing to do', () => {
    const file = join(tree.path, 'build/direct/kern/lock.ts');
    const longAgo = new Date(0);
    utimesSync(file, longAgo, longAgo);
    writeDirectSource(tree.path);
    expect(statSync(file).mtime).toEqual(longAgo);
    tree.write('src/kern/lock.ts', 'export const more = 1;\n');
    writeDirectSource(tree.path);
    expect(text('kern/lock.ts')).toContain('more');
  });

  it('loses the modules that are gone', () => {
    rmSync(join(tree.path, 'src/kern/lock.ts'));
    writeDirectSource(tree.path);
    expect(built()).toEqual(['index.ts', 'kern/switch.ts']);
  });

  it('cannot be written when a file without a twin yields by itself', () => {
    tree.write('src/kern/lock.ts', 'export function* f() { yield; }\n');
    expect(() => writeDirectSource(tree.path)).toThrow(/lock\.ts:4: a plain yield/);
    expect(existsSync(join(tree.path, 'build/direct/kern/lock.ts'))).toBe(true);
  });

  it('knows the twin of a module, and no twin of a twin', () => {
    const twin = join(tree.path, 'src/kern/switch.direct.ts');
    expect(twinOf(join(tree.path, 'src/kern/switch.ts'), 'direct')).toBe(twin);
    expect(twinOf(join(tree.path, 'src/kern/lock.ts'), 'direct')).toBeUndefined();
    expect(twinOf(twin, 'direct')).toBeUndefined();
  });
});

describe('the plugin of the test runner', () => {
  // A folder whose name means something in a regular expression.
  const root = '/home/c++/(faultline)';
  const plugin = directBuildPlugin(root);
  const transformed = (file: string, code = 'function* f() {}'): boolean => {
    const { transform } = plugin as { transform: (code: string, id: string) => { code: string } | undefined };
    return transform(code, `${root}/packages/${file}`) !== undefined;
  };

  it.each([
    'kernel/src/uvm/map.ts',
    'kernel/src/uvm/map.test.ts',
    'kernel/test/harness.ts',
    'program/src/run.ts',
    'catalogue/src/index.ts',
  ])('transforms packages that have two builds: %s', (file) => {
    expect(transformed(file)).toBe(true);
  });

  it.each(['formats/src/index.ts', 'host-node/src/index.ts', 'cli/src/main.ts', 'kernel/README.md'])(
    'leaves others alone: %s',
    (file) => {
      expect(transformed(file)).toBe(false);
    },
  );

  it.each(['cli/src/main.test.ts', 'cli/test/support.ts', 'host-node/src/store.test.ts'])(
    'transforms tests of other packages when they hold programs: %s',
    (file) => {
      expect(transformed(file, "import { run } from '@faultline/kernel';\nfunction* f() {}")).toBe(true);
      expect(transformed(file, 'function* numbers() { yield 1; }')).toBe(false);
    },
  );
});

describe('plain names', () => {
  it('take the place of private ones, a letter for a letter, and of nothing else', () => {
    const source = "class C { #a = 1; *#f() { return this.#a + '#a'; } /* #a */ static #b = /#a/; }";
    const plain = "class C { $a = 1; *$f() { return this.$a + '#a'; } /* #a */ static $b = /#a/; }";
    expect(toPlainNames(source, 'a.js')).toBe(plain);
    expect(toPlainNames(plain, 'a.js')).toBe(plain);
    expect(() => toPlainNames('class { #', 'a.js')).toThrow('a.js');
  });

  it('are written where they change something', () => {
    const tree = new PlantedTree();
    tree.write('dist/stepped/a.js', 'class C { #a = 1; }');
    tree.write('dist/stepped/kern/b.js', 'class C { a = 1; }');
    const dir = join(tree.path, 'dist/stepped');
    utimesSync(join(dir, 'kern/b.js'), 1, 1);
    writePlainNames(dir);
    expect(readFileSync(join(dir, 'a.js'), 'utf8')).toBe('class C { $a = 1; }');
    expect(statSync(join(dir, 'kern/b.js')).mtimeMs).toBe(1000);
    writePlainNames(join(tree.path, 'nothing'));
    tree.remove();
  });
});
