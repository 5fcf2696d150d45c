/**
 * Which variables live on from a place at which a generator waits.
 *
 * A variable lives on if it is read behind the place, or anywhere in a loop around the place that it outlives. That is more than what
 * is strictly needed, and never less.
 *
 * @typedef {import('./scopes.mjs').Node} Node
 * @typedef {import('./scopes.mjs').Place} Place
 * @typedef {import('./scopes.mjs').Scope} Scope
 * @typedef {import('./scopes.mjs').Scopes} Scopes
 * @typedef {import('./scopes.mjs').Binding} Binding
 */

const LOOPS = new Set(['ForStatement', 'WhileStatement', 'DoWhileStatement', 'ForOfStatement', 'ForInStatement']);

/**
 * @param {Place} place of a `yield*`
 * @param {(offset: number, what: string) => Error} mistake
 * @returns {string[]} the names of what lives on, `this` included
 */
export function livesAt(place, mistake) {
  const { node, fn, path } = place;
  const { start, end } = fn.node;
  const loops = path.filter((outer) => LOOPS.has(outer.type));
  // What is handed to the call has been handed over when it waits.
  // Defaults in a pattern stand in front of what is taken apart, and are worked out behind it.
  const patterns = path.filter((outer) => outer.type === 'VariableDeclarator').map((declarator) => declarator.id);
  const behind = (/** @type {number} */ at) => (at >= node.end && at < end) || patterns.some((pattern) => isIn(pattern, at));

  const lives = visible(place.scope).filter((binding) => {
    if (binding.ready > node.start) return false;
    const outlives = loops.filter((loop) => !isWithin(binding.scope, loop));
    const isRead = binding.refs.some(
      (ref) => ref.read && ref.start >= start && (behind(ref.start) || outlives.some((loop) => repeats(loop, ref.start))),
    );
    if (isRead && binding.scope.node.type === 'SwitchStatement') {
      throw mistake(node.start, `put the case that declares ${binding.name} in braces: it may not be there yet`);
    }
    return isRead;
  });
  const readsThis = fn.thisReads.some((at) => behind(at) || loops.some((loop) => repeats(loop, at)));
  const names = lives.map(({ name }) => name);
  return readsThis ? ['this', ...names] : names;
}

/**
 * The variables of functions around a function that it reads.
 *
 * @param {Node} fn
 * @param {Scopes} scopes
 * @param {{ own?: boolean }} [options] `own`: it is a method, and has a `this` of its own
 * @returns {string[]}
 */
export function reads(fn, scopes, options = {}) {
  const inside = (/** @type {number} */ at) => at >= fn.start && at < fn.end;
  const captured = scopes.bindings.filter(
    ({ scope, refs }) => !isWithin(scope, fn) && refs.some((ref) => ref.read && inside(ref.start)),
  );
  const names = captured.map(({ name }) => name);
  const place = scopes.functions.find(({ node }) => node === fn);
  const isArrow = fn.type === 'ArrowFunctionExpression' && options.own !== true;
  const usesThis = isArrow && place?.fn.thisReads.some(inside) === true;
  return usesThis ? ['this', ...names] : names;
}

/** @param {Scope} from @returns {Binding[]} the variables of functions that can be seen, the nearest of each name */
function visible(from) {
  /** @type {Map<string, Binding>} */
  const seen = new Map();
  for (let scope = /** @type {Scope | null} */ (from); scope !== null && scope.fn !== null; scope = scope.parent) {
    for (const [name, binding] of scope.bindings) if (!seen.has(name)) seen.set(name, binding);
  }
  return [...seen.values()];
}

/** Whether a place is in the part of a loop that is gone through again and again. @param {Node} loop @param {number} at */
function repeats(loop, at) {
  switch (loop.type) {
    case 'ForStatement':
      return [loop.test, loop.update, loop.body].some((part) => part !== null && isIn(part, at));
    case 'ForOfStatement':
    case 'ForInStatement':
      return isIn(loop.left, at) || isIn(loop.body, at);
    default:
      return isIn(loop, at);
  }
}

/** @param {Node} node @param {number} at */
function isIn(node, at) {
  return at >= node.start && at < node.end;
}

/** Whether a scope ends with each turn of a loop, or lies within a function. @param {Scope} scope @param {Node} node */
function isWithin(scope, node) {
  // What the head of a `for` declares lives as long as the loop does; what that of a `for … of` declares, for one turn.
  if (scope.node === node) return node.type !== 'ForStatement';
  return scope.node.start >= node.start && scope.node.end <= node.end;
}
