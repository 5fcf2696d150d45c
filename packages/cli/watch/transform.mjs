/**
 * Turns the stepped source into the watched source (docs/decisions/0010-watched-build.md): the same generators, each of which tells, while
 * it waits, where it stands and what is in the variables that live on from there.
 *
 *     function* f(…) {             ->  function* f(…) { const $d = $depth();
 *     yield* call(…)               ->  yield* $frame($d, call(…), () => ['uvm/map.ts:12:7', entry, start])
 *     return yield* call(…)        ->  return yield* call(…)                 nothing is left of this frame while it waits
 *     for (const x of list) { … }  ->  for (const $w = $walk(list); $w.next(); ) { const x = $w.value; … }       if it waits in there
 *     a.b + (yield* call(…))       ->  ($t1 = a.b) + (yield* …)
 *     (x) => x + y                 ->  $tag((x) => x + y, () => ['uvm/map.ts:14:3', y])
 *     #name                        ->  private $name
 *     '@faultline/kernel'          ->  '@faultline/kernel/watched'           (and the other packages that have builds)
 *
 * The functions with a dollar are those of kern/frames.ts. A file keeps its lines.
 */
import MagicString from 'magic-string';
import { parseSync, Visitor } from 'oxc-parser';
import { livesAt, reads } from './liveness.mjs';
import { analyse } from './scopes.mjs';
import { waitsAt } from './temporaries.mjs';

/**
 * @typedef {import('./scopes.mjs').Node} Node
 * @typedef {import('./scopes.mjs').Place} Place
 * @typedef {import('./scopes.mjs').Fn} Fn
 */

const BUILDS_IMPORT = /^@faultline\/(kernel|program|catalogue)$/;
/** Methods that call what they are given before they return. */
const CALLS_AT_ONCE = new Set(
  'map filter some every find findIndex findLast findLastIndex forEach sort toSorted reduce flatMap from replace forEachIn'.split(
    ' ',
  ),
);

/**
 * The watched form of one source file.
 *
 * @param {string} source the text of a TypeScript or JavaScript module
 * @param {string} file its name, for error messages and the source map
 * @param {{ name?: string, runtime?: string }} [options] `name`: what the places in it are called, the same wherever it lies; `runtime`:
 *   where `kern/frames.ts` is to be imported from
 * @returns {{ code: string, map: import('magic-string').SourceMap }}
 * @throws {Error} when the file does not parse, or waits where nobody could tell what it has in hand
 */
export function toWatched(source, file, options = {}) {
  const { program, errors } = parseSync(file, source);
  const lineOf = (/** @type {number} */ offset) => source.slice(0, offset).split('\n').length;
  const mistake = (/** @type {number} */ offset, /** @type {string} */ what) => new Error(`${file}:${lineOf(offset)}: ${what}`);
  const [error] = errors;
  if (error) throw mistake(error.labels[0]?.start ?? 0, error.message);
  const module = new Watched(source, /** @type {any} */ (program), mistake, options.name ?? file);
  plainNames(/** @type {any} */ (program), module.text, { typed: /\.[cm]?tsx?$/.test(file) });
  module.rewrite();
  const { used } = module;
  if (used.size > 0) {
    const names = [...used].sort().map((name) => `${name} as $${name}`);
    module.text.prepend(`import { ${names.join(', ')} } from '${options.runtime ?? '@faultline/kernel/watched/frames'}'; `);
  }
  return { code: module.text.toString(), map: module.text.generateMap({ source: file, includeContent: true, hires: true }) };
}

/**
 * Private names become plain ones, so that anything can be read; imports lead to the watched builds.
 *
 * @param {any} program
 * @param {MagicString} text
 * @param {{ typed: boolean }} options
 */
function plainNames(program, text, { typed }) {
  const hide = (/** @type {any} */ node) => {
    if (typed && node.key.type === 'PrivateIdentifier') text.appendLeft(node.start, 'private ');
  };
  const redirect = (/** @type {any} */ specifier) => {
    if (typeof specifier?.value === 'string' && BUILDS_IMPORT.test(specifier.value))
      text.appendLeft(specifier.end - 1, '/watched');
  };
  const from = (/** @type {any} */ node) => redirect(node.source);
  new Visitor({
    PrivateIdentifier: (node) => text.overwrite(node.start, node.start + 1, '$'),
    PropertyDefinition: hide,
    MethodDefinition: hide,
    ImportDeclaration: from,
    ExportNamedDeclaration: from,
    ExportAllDeclaration: from,
    ImportExpression: from,
    TSImportType: from,
  }).visit(program);
}

/** One module on its way. */
class Watched {
  /** What is needed of kern/frames.ts. @type {Set<string>} */
  used = new Set();
  text;
  #source;
  #scopes;
  #mistake;
  #name;
  /** Texts to put around pieces of source. @type {{ start: number, end: number, before: string, after: string }[]} */
  #around = [];
  /** Names of what is kept while an expression waits. @type {Map<Node, string>} */
  #kept = new Map();
  /** Names of what goes over the items of a loop. @type {Map<Node, string>} */
  #walks = new Map();
  /** Classes inside of functions that have been seen to. @type {Set<Node>} */
  #classes = new Set();
  /** What is declared at the start of a generator. @type {Map<Fn, string[]>} */
  #names = new Map();
  #count = 0;

  /**
   * @param {string} source
   * @param {Node} program
   * @param {(offset: number, what: string) => Error} mistake
   * @param {string} name
   */
  constructor(source, program, mistake, name) {
    this.#source = source;
    this.text = new MagicString(source);
    this.#scopes = analyse(program);
    this.#mistake = mistake;
    this.#name = name;
  }

  rewrite() {
    for (const place of this.#scopes.yields) if (place.node.delegate) this.#yield(place);
    for (const place of this.#scopes.functions) this.#function(place);
    for (const [fn, names] of this.#names) {
      const declared = names.length === 0 ? '' : ` let ${names.join(', ')};`;
      this.text.appendLeft(fn.node.body.start + 1, ` const $d = ${this.#use('depth')}();${declared}`);
    }
    // What is around goes first where two begin together, and last where they end together.
    const inward = this.#around.toSorted((a, b) => a.start - b.start || b.end - a.end);
    for (const { start, before } of inward) this.text.appendRight(start, before);
    for (const { end, after } of inward.toReversed()) this.text.appendLeft(end, after);
    for (const [loop, name] of this.#walks) this.#loop(loop, name);
  }

  /** @param {string} name of a function of kern/frames.ts */
  #use(name) {
    this.used.add(name);
    return `$${name}`;
  }

  /** @param {number} offset */
  #site(offset) {
    const lines = this.#source.slice(0, offset).split('\n');
    return `'${this.#name}:${lines.length}:${(lines.at(-1) ?? '').length + 1}'`;
  }

  /** @param {Place} place of a `yield*` */
  #yield(place) {
    const { node, fn, path } = place;
    const { argument } = node;
    if (isLast(path)) {
      // Its frame is the caller's from now on.
      if (this.#waitsElsewhere(place)) {
        this.#begin(fn);
        this.#around.push({ start: argument.start, end: argument.end, before: `${this.#use('tail')}($d, `, after: ')' });
      }
      return;
    }
    this.#refuse(path);
    const { before, settled, updates } = waitsAt(place, this.#scopes, this.#mistake);
    const kept = [...before.map((earlier) => this.#keep(fn, earlier)), ...updates.map((update) => this.#update(fn, update))];
    const walks = path
      .filter((outer, i) => outer.type === 'ForOfStatement' && path[i + 1] === outer.body)
      .map((loop) => this.#walk(loop));
    const lives = new Set([...livesAt(place, this.#mistake), ...settled]);
    this.#begin(fn);
    const told = [this.#site(node.start), ...kept, ...walks, ...lives].join(', ');
    this.#around.push({
      start: argument.start,
      end: argument.end,
      before: `${this.#use('frame')}($d, `,
      after: `, () => [${told}])`,
    });
  }

  /** Whether a function waits at another place, too, where it has a frame of its own. @param {Place} last */
  #waitsElsewhere(last) {
    return this.#scopes.yields.some(({ fn, node, path }) => fn === last.fn && node.delegate && !isLast(path));
  }

  /** @param {Fn} fn @returns {string[]} the names that it declares at its start */
  #begin(fn) {
    const names = this.#names.get(fn) ?? [];
    this.#names.set(fn, names);
    return names;
  }

  /** @param {Fn} fn @param {Node} earlier @returns {string} what its value is kept in */
  #keep(fn, earlier) {
    const known = this.#kept.get(earlier);
    if (known !== undefined) return known;
    const name = this.#temporary(fn);
    this.#kept.set(earlier, name);
    this.#around.push({ start: earlier.start, end: earlier.end, before: `(${name} = `, after: ')' });
    return name;
  }

  /** `x += y` becomes `x = ($t1 = x) + (y)`. @param {Fn} fn @param {Node} update @returns {string} */
  #update(fn, update) {
    const known = this.#kept.get(update);
    if (known !== undefined) return known;
    const name = this.#temporary(fn);
    this.#kept.set(update, name);
    const { left, right, operator } = update;
    this.text.overwrite(left.end, right.start, ` = (${name} = ${left.name}) ${operator.slice(0, -1)} `);
    this.#around.push({ start: right.start, end: right.end, before: '(', after: ')' });
    return name;
  }

  /** @param {Fn} fn */
  #temporary(fn) {
    const name = `$t${++this.#count}`;
    this.#begin(fn).push(name);
    return name;
  }

  /** @param {Node} loop @returns {string} */
  #walk(loop) {
    const known = this.#walks.get(loop);
    if (known !== undefined) return known;
    if (loop.await) throw this.#mistake(loop.start, 'a kernel has no promises to wait for');
    const name = `$w${++this.#count}`;
    this.#walks.set(loop, name);
    return name;
  }

  /** @param {Node} loop @param {string} name */
  #loop(loop, name) {
    const { left, right, body } = loop;
    const item = this.#source.slice(left.start, left.end);
    this.text.overwrite(left.start, right.start, `const ${name} = ${this.#use('walk')}(`);
    this.text.appendLeft(right.end, `); ${name}.next(); `);
    this.text.appendLeft(body.start, `{ ${item} = ${name}.value; `);
    this.text.appendLeft(body.end, ' }');
  }

  /** @param {Node[]} path the nodes around a place that waits */
  #refuse(path) {
    for (const [i, node] of path.entries()) {
      const child = path[i + 1];
      if (node.type === 'TryStatement' && child === node.finalizer) {
        throw this.#mistake(node.finalizer.start, 'a finally block must not wait: nobody can tell how it was come to');
      }
      if (node.type === 'ForInStatement' && child === node.body) {
        throw this.#mistake(node.start, 'a for-in loop must not wait; go over Object.keys() instead');
      }
    }
  }

  /** @param {Place} place of a function inside of another one */
  #function({ node, path }) {
    const parent = path.at(-1);
    if (parent?.type === 'CallExpression' && callsAtOnce(parent, node)) return;
    if (parent?.type === 'MethodDefinition') {
      this.#class(/** @type {Node} */ (path.at(-2)), node);
      return;
    }
    const isMethod = parent?.type === 'Property' && (parent.method || parent.kind !== 'init');
    const captured = reads(node, this.#scopes, { own: isMethod });
    if (captured.length === 0) return;
    const tag = this.#use('tag');
    const told = `() => [${[this.#site(node.start), ...captured].join(', ')}]`;
    if (node.type === 'FunctionDeclaration') {
      this.text.appendRight(node.end, ` ${tag}(${node.id.name}, ${told});`);
      return;
    }
    const what = isMethod ? /** @type {Node} */ (path.at(-2)) : node;
    this.#around.push({ start: what.start, end: what.end, before: `${tag}(`, after: `, ${told})` });
  }

  /** @param {Node} node a class inside of a function @param {Node} method */
  #class(node, method) {
    const captured = reads(node, this.#scopes).filter((name) => name !== 'this' && name !== node.id?.name);
    if (captured.length === 0 || this.#classes.has(node)) return;
    if (node.type !== 'ClassDeclaration') {
      throw this.#mistake(method.start, 'a class that uses the variables of a function needs a declaration of its own');
    }
    this.#classes.add(node);
    const told = `() => [${[this.#site(node.start), ...captured].join(', ')}]`;
    this.text.appendRight(node.end, ` ${this.#use('tag')}(${node.id.name}.prototype, ${told});`);
  }
}

/** Whether a function waits for the last time, and answers what it is answered: `return yield* f()`. @param {Node[]} path */
function isLast(path) {
  for (let i = path.length - 1; i >= 0; i--) {
    const node = /** @type {Node} */ (path[i]);
    if (node.type === 'ReturnStatement') return !path.some((outer) => outer.type === 'TryStatement');
    const child = path[i + 1];
    const passes =
      node.type === 'YieldExpression'
        ? child === undefined
        : node.type === 'ParenthesizedExpression' || (node.type === 'ConditionalExpression' && child !== node.test);
    if (!passes) return false;
  }
  return false;
}

/** @param {Node} call @param {Node} fn an argument of it, or what is called */
function callsAtOnce(call, fn) {
  const { callee } = call;
  if (!call.arguments.includes(fn)) return true;
  return callee.type === 'MemberExpression' && !callee.computed && CALLS_AT_ONCE.has(callee.property.name);
}
