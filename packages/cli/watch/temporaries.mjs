/**
 * What an expression has worked out already when it waits in its midst: `a.b + (yield* f())` has `a.b`. Nobody could tell such values, so
 * they are given names: `($t1 = a.b) + (yield* f())`.
 *
 * @typedef {import('./scopes.mjs').Node} Node
 * @typedef {import('./scopes.mjs').Place} Place
 * @typedef {import('./scopes.mjs').Scopes} Scopes
 *
 * @typedef {object} Waits what an expression does in front of the place at which it waits
 * @property {Node[]} before expressions whose values are kept meanwhile, in order
 * @property {string[]} settled names whose values are needed, and do not change meanwhile
 * @property {Node[]} updates assignments such as `x += yield* f()`, which keep the old value
 */

const STATEMENT = /Statement$|^VariableDeclaration$/;
const WRAPPERS = new Set([
  'ParenthesizedExpression',
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
]);
/** Nothing is kept while the rest of these is worked out. */
const KEEPS_NOTHING = new Set([
  ...WRAPPERS,
  'ChainExpression',
  'ConditionalExpression',
  'ExpressionStatement',
  'LogicalExpression',
  'ReturnStatement',
  'SequenceExpression',
  'SpreadElement',
  'ThrowStatement',
  'UnaryExpression',
  'VariableDeclaration',
  'IfStatement',
  'WhileStatement',
  'DoWhileStatement',
  'ForStatement',
  'ForOfStatement',
  'SwitchStatement',
  'YieldExpression',
]);

/**
 * @param {Place} place where it waits
 * @param {Scopes} scopes
 * @param {(offset: number, what: string) => Error} mistake
 * @returns {Waits}
 */
export function waitsAt(place, scopes, mistake) {
  const from = place.path.findLastIndex((node) => STATEMENT.test(node.type));
  const statement = place.path[from];
  if (statement === undefined) throw mistake(place.node.start, 'a default value cannot wait; give it in a statement of its own');
  /** @type {Waits} */
  const waits = { before: [], settled: [], updates: [] };
  const path = place.path.slice(from);
  for (const [i, node] of path.entries()) {
    const child = path[i + 1];
    if (child === undefined) break;
    for (const earlier of before(node, child, waits, mistake)) {
      if (earlier.type === 'SpreadElement')
        throw mistake(earlier.start, 'what is spread in front of a yield* needs a name of its own');
      const name = settledName(earlier, statement, scopes);
      if (name === null) waits.before.push(earlier);
      else if (name !== '') waits.settled.push(name);
    }
  }
  return waits;
}

/**
 * The parts of an expression whose values are there while `child` is worked out.
 *
 * @param {Node} node
 * @param {Node} child
 * @param {Waits} waits
 * @param {(offset: number, what: string) => Error} mistake
 * @returns {Node[]}
 */
function before(node, child, waits, mistake) {
  if (KEEPS_NOTHING.has(node.type)) return [];
  switch (node.type) {
    case 'VariableDeclarator':
      if (child === node.init) return [];
      break;
    case 'BinaryExpression':
      return child === node.right ? [node.left] : [];
    case 'AssignmentExpression':
      return child === node.right ? assigned(node, waits, mistake) : [];
    case 'MemberExpression':
      return child === node.property ? [node.object] : [];
    case 'CallExpression':
    case 'NewExpression': {
      if (child === node.callee) return [];
      return [...called(node.callee), ...node.arguments.slice(0, node.arguments.indexOf(child))];
    }
    case 'ArrayExpression':
      return node.elements.slice(0, node.elements.indexOf(child)).filter(Boolean);
    case 'TemplateLiteral':
      return node.expressions.slice(0, node.expressions.indexOf(child));
    case 'ObjectExpression': {
      const earlier = node.properties.slice(0, node.properties.indexOf(child));
      return earlier.flatMap((/** @type {Node} */ property) =>
        property.type === 'SpreadElement' ? [property] : partsOf(property),
      );
    }
    case 'Property':
      return child === node.value && node.computed ? [node.key] : [];
    default:
  }
  throw mistake(child.start, 'a yield* cannot be here; give what it answers a name of its own');
}

/** @param {Node} property @returns {Node[]} */
function partsOf(property) {
  return property.computed ? [property.key, property.value] : [property.value];
}

/** What a call has of the function that it will call: the object of which it is a method. @param {Node} callee @returns {Node[]} */
function called(callee) {
  if (WRAPPERS.has(callee.type) || callee.type === 'ChainExpression') return called(callee.expression);
  if (callee.type === 'MemberExpression') return callee.computed ? [callee.object, callee.property] : [callee.object];
  return callee.type === 'Super' ? [] : [callee];
}

/**
 * @param {Node} node an assignment of what has been waited for
 * @param {Waits} waits
 * @param {(offset: number, what: string) => Error} mistake
 * @returns {Node[]}
 */
function assigned(node, waits, mistake) {
  const { left, operator } = node;
  const keepsOld = !['=', '&&=', '||=', '??='].includes(operator);
  if (left.type === 'Identifier') {
    if (keepsOld) waits.updates.push(node);
    return [];
  }
  if (left.type !== 'MemberExpression' || keepsOld) {
    throw mistake(node.start, 'what is waited for here needs a name of its own before it is assigned');
  }
  return left.computed ? [left.object, left.property] : [left.object];
}

/**
 * The name of an expression that has the same value after the wait, and so need not be kept.
 *
 * @param {Node} node
 * @param {Node} statement
 * @param {Scopes} scopes
 * @returns {string | null} empty for a constant, null when it may have another value
 */
function settledName(node, statement, scopes) {
  if (WRAPPERS.has(node.type)) return settledName(node.expression, statement, scopes);
  if (node.type === 'Identifier') {
    const binding = scopes.resolved.get(node);
    if (binding === null || binding === undefined) return '';
    const changes = binding.refs.some(
      ({ write, start, scope }) =>
        write && (scope.fn !== binding.scope.fn || (start >= statement.start && start < statement.end)),
    );
    return changes ? null : binding.name;
  }
  if (node.type === 'ThisExpression') return 'this';
  return node.type === 'Literal' ? '' : null;
}
