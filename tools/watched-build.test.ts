import { describe, expect, it } from 'vitest';
import { toWatched } from '../packages/cli/watch/transform.mjs';

/** The watched form, without the import in front and with the places left out. */
function watched(source: string): string {
  return toWatched(source, 'map.ts')
    .code.replace(/^import \{[^}]*\} from '@faultline\/kernel\/watched\/frames'; /, '')
    .replaceAll(/'map\.ts:\d+:\d+'/g, 'AT');
}

/** What is told where a generator waits for `wait()`, first to last. */
function told(body: string, parameters = ''): string[] {
  const code = watched(`function* f(${parameters}) { ${body} }`);
  return [...code.matchAll(/\(\$d, wait\(.*?\), \(\) => \[AT(?:, )?(.*?)\]\)/g)].map(([, names]) => names ?? '');
}

describe('a generator that waits', () => {
  it('tells its frame, whose depth it learns as it begins', () => {
    expect(watched('function* f(a) { yield* g(); return a; }')).toBe(
      'function* f(a) { const $d = $depth(); yield* $frame($d, g(), () => [AT, a]); return a; }',
    );
  });

  it('names the place by file, line and column, and keeps the lines', () => {
    const { code } = toWatched('/** Doc. */\nfunction* f() {\n  yield* g();\n}\n', '/somewhere/map.ts', {
      name: 'kernel/uvm/map.ts',
    });
    expect(code.split('\n')[2]).toBe("  yield* $frame($d, g(), () => ['kernel/uvm/map.ts:3:3']);");
  });

  it('is told by the functions of the place that it is given', () => {
    const { code } = toWatched('function* f() { yield* g(); }', 'map.ts', { runtime: '../kern/frames.js' });
    expect(code).toMatch(/^import \{ depth as \$depth, frame as \$frame \} from '\.\.\/kern\/frames\.js'; /);
  });

  it('tells nothing when it answers what the other one answers: its frame is over', () => {
    expect(watched('function* f(a) { return yield* g(a); }')).toBe('function* f(a) { return yield* g(a); }');
    expect(watched('function* f(a) { yield* h(); return a ? yield* g(a) : 0; }')).toContain(
      'return a ? yield* $tail($d, g(a)) : 0;',
    );
  });

  it.each(['return -(yield* wait());', 'try { return yield* wait(); } catch { return 0; }'])(
    'tells its frame where something is still to be done: %s',
    (statement) => {
      expect(told(statement)).toEqual(['']);
    },
  );

  it('is left alone when it has no place to wait', () => {
    const source = 'function* f() {} const g = () => 1;';
    expect(watched(source)).toBe(source);
  });
});

describe('what lives on', () => {
  it.each([
    ['what is read behind the place', 'const a = 1; const b = 2; yield* wait(); use(a);', 'c', 'a'],
    ['a parameter', 'yield* wait(); use(c);', 'c', 'c'],
    ['not what is handed over', 'const a = 1; yield* wait(a);', '', ''],
    ['not what is only written behind it', 'let a = 1; use(a); yield* wait(); a = 2;', '', ''],
    ['what is changed behind it', 'let a = 1; yield* wait(); a += 2;', '', 'a'],
    ['not what is declared behind it', 'yield* wait(); const a = 1; use(a);', '', ''],
    ['not what it is the value of', 'const a = yield* wait(); use(a);', '', ''],
    ['not what is out of sight', '{ const a = 1; use(a); } yield* wait(); { const a = 2; use(a); }', '', ''],
    ['what is in front of it in a loop', 'let a = 1; while (true) { use(a); yield* wait(); }', '', 'a'],
    ['not what each turn of a loop has anew', 'for (;;) { const a = next(); use(a); yield* wait(); }', '', ''],
    ['what a loop counts with', 'for (let i = 0; i < 3; i++) yield* wait();', '', 'i'],
    ['not where a loop began', 'for (let i = a; i < 3; i++) yield* wait();', 'a', 'i'],
    ['what is read on another way', 'if (c) { yield* wait(); } use(b);', 'b, c', 'b'],
    ['what a function has that is called behind it', 'const a = 1; const g = () => a; yield* wait(); g();', '', 'g'],
    ['what a pattern took apart', 'const { a, b: [c] } = d; yield* wait(); use(a, c);', 'd', 'a, c'],
    ['what a default in a pattern reads', 'const { b = a } = yield* wait(); use(b);', 'a', 'a'],
    ['what a handler reads', 'try { yield* wait(); } catch { use(a); }', 'a', 'a'],
    ['the nearest of two of a name', 'const a = 1; { const a = 2; yield* wait(); use(a); }', '', 'a'],
  ])('is %s', (_, body, parameters, names) => {
    expect(told(body, parameters)).toEqual([names]);
  });

  it('is `this`, where it is read', () => {
    expect(told('yield* wait(); this.a();')).toEqual(['this']);
    expect(told('yield* wait(); use(() => this.a);')).toEqual(['this']);
    expect(told('this.a(); yield* wait(); use(function () { return this; });')).toEqual(['']);
  });

  it('is what is around a generator inside of a function', () => {
    const code = watched('function f(a) { return function* () { yield* g(); use(a); }; }');
    expect(code).toContain('yield* $frame($d, g(), () => [AT, a])');
  });

  it('is not of the module', () => {
    expect(watched('const a = 1; function* f() { yield* g(); use(a); }')).toContain('() => [AT])');
  });

  it('of a switch is refused where it may not be there yet', () => {
    const source = 'function* f(n) { switch (n) { case 1: const a = 1; case 2: yield* g(); use(a); } }';
    expect(() => watched(source)).toThrow('map.ts:1: put the case that declares a in braces');
  });
});

describe('what an expression has in hand', () => {
  it.each([
    ['of a sum', 'return a.b + (yield* g());', 'return ($t1 = a.b) + (yield* $frame($d, g(), () => [AT, $t1]));'],
    ['of a call', 'use(a.b, yield* g());', 'use(($t1 = a.b), yield* $frame($d, g(), () => [AT, $t1]));'],
    [
      'of another wait',
      'use(yield* g(), yield* h());',
      'use(($t1 = yield* $frame($d, g(), () => [AT])), yield* $frame($d, h(), () => [AT, $t1]));',
    ],
    ['of a method', 'a.b.use(yield* g());', '($t1 = a.b).use(yield* $frame($d, g(), () => [AT, $t1]));'],
    ['of an assignment', 'a.b.c = yield* g();', '($t1 = a.b).c = yield* $frame($d, g(), () => [AT, $t1]);'],
    ['of an update', 'a += yield* g();', 'a = ($t1 = a) + (yield* $frame($d, g(), () => [AT, $t1]));'],
    ['of a list', 'use([a.b, yield* g()]);', 'use([($t1 = a.b), yield* $frame($d, g(), () => [AT, $t1])]);'],
    ['of a record', 'use({ a: a.b, c: yield* g() });', 'use({ a: ($t1 = a.b), c: yield* $frame($d, g(), () => [AT, $t1]) });'],
  ])('is kept in a variable: %s', (_, statement, expected) => {
    expect(watched(`function* f(a) { ${statement} }`)).toContain(`let $t1; ${expected}`);
  });

  it.each([
    ['a name that does not change meanwhile', 'use(a, yield* g());', 'use(a, yield* $frame($d, g(), () => [AT, a]));'],
    ['a constant', 'use(1, yield* g());', 'use(1, yield* $frame($d, g(), () => [AT]));'],
    ['a method of `this`', 'this.use(yield* g());', 'this.use(yield* $frame($d, g(), () => [AT, this]));'],
    ['a condition', 'use(a.b && (yield* g()));', 'use(a.b && (yield* $frame($d, g(), () => [AT])));'],
  ])('need not be kept when it is %s', (_, statement, expected) => {
    expect(watched(`function* f(a) { ${statement} }`)).toContain(expected);
  });

  it.each([
    ['a default value', 'function* f(a = yield* g()) {}', 'a default value cannot wait'],
    ['a member that is added to', 'function* f(a) { a.b += yield* g(); }', 'needs a name of its own before it is assigned'],
    ['something spread', 'function* f(a) { use(...a, yield* g()); }', 'what is spread in front of a yield* needs a name'],
    ['a list that is taken apart', 'function* f(a) { [a.b] = yield* g(); }', 'needs a name of its own before it is assigned'],
    ['a finally block', 'function* f() { try { g(); } finally { yield* h(); } }', 'a finally block must not wait'],
    ['a for-in loop', 'function* f(a) { for (const b in a) yield* g(b); }', 'a for-in loop must not wait'],
  ])('is refused, with the place, where it cannot be kept: %s', (_, source, message) => {
    expect(() => watched(`\n${source}`)).toThrow(new RegExp(`^map\\.ts:2: .*${message.replace('*', '\\*')}`));
  });
});

describe('a loop over items in which something is waited for', () => {
  it('can be seen where it is', () => {
    expect(watched('function* f(a) { for (const b of a) yield* g(b); }')).toBe(
      'function* f(a) { const $d = $depth(); for (const $w1 = $walk(a); $w1.next(); ) { const b = $w1.value; yield* $frame($d, g(b), () => [AT, $w1]); } }',
    );
  });

  it('takes items apart as before, and may be left and gone on with', () => {
    const code = watched('function* f(a) { out: for (const [b, c] of a) { if (b) continue out; yield* g(); use(c); } }');
    expect(code).toContain('out: for (const $w1 = $walk(a); $w1.next(); ) { const [b, c] = $w1.value; { if (b) continue out;');
    expect(code).toContain('() => [AT, $w1, c]');
  });

  it('is as it was when nothing waits in it', () => {
    const loop = 'for (const b of a) { use(b); use(function* () { yield* g(); }); }';
    expect(watched(`function* f(a) { ${loop} yield* g(); }`)).toContain('for (const b of a) {');
  });
});

describe('a function that others are given', () => {
  it('tells what is around it', () => {
    expect(watched('function f(a) { later(() => a); }')).toBe('function f(a) { later($tag(() => a, () => [AT, a])); }');
    expect(watched('class C { f() { later(() => this.a); } }')).toContain('later($tag(() => this.a, () => [AT, this]))');
    expect(watched('function f(a) { function g() { return a; } return g; }')).toContain('{ return a; } $tag(g, () => [AT, a]);');
  });

  it('is left alone when there is nothing around it, or it is called at once', () => {
    for (const source of ['function f() { later((a) => a); }', 'function f(a) { return b.filter((c) => c === a); }']) {
      expect(watched(source)).toBe(source);
    }
  });

  it('tells it through the object or the class of which it is a method', () => {
    expect(watched('function f(a) { return { g() { return a; } }; }')).toBe(
      'function f(a) { return $tag({ g() { return a; } }, () => [AT, a]); }',
    );
    expect(watched('function f(a) { class C { g() { return a; } } return new C(); }')).toContain(
      '} $tag(C.prototype, () => [AT, a]);',
    );
  });
});

describe('the rest of a file', () => {
  it('has plain names for private ones, and imports from the watched builds', () => {
    expect(watched("import { PAGE_SIZE } from '@faultline/kernel'; class C { #a = 1; *#b() { return this.#a; } }")).toBe(
      "import { PAGE_SIZE } from '@faultline/kernel/watched'; class C { private $a = 1; private *$b() { return this.$a; } }",
    );
  });

  it('stays JavaScript when it is', () => {
    expect(toWatched('class C { #a = 1; }', 'map.mjs').code).toBe('class C { $a = 1; }');
  });

  it('that is no TypeScript is refused, with file and line', () => {
    expect(() => watched('const a = 1;\nfunction* f( {\n')).toThrow(/^map\.ts:\d+: /);
  });
});
