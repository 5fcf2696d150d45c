/**
 * Scopes of a module, as far as the watched build has to know them: which variable a name means, where it is read and written, and
 * from where on it has a value.
 *
 * @typedef {any} Node a node of the syntax tree, as oxc-parser makes it
 *
 * @typedef {object} Fn a function, or a field or static block of a class, which runs as one
 * @property {Node} node
 * @property {Fn | null} parent
 * @property {boolean} generator
 * @property {boolean} arrow
 * @property {number[]} thisReads where it reads `this`, its arrows included
 *
 * @typedef {{ name: string, scope: Scope, ready: number, refs: Ref[] }} Binding a variable; it has a value from `ready` on
 * @typedef {{ name: string, scope: Scope, start: number, read: boolean, write: boolean }} Ref
 * @typedef {{ node: Node, parent: Scope | null, fn: Fn | null, bindings: Map<string, Binding> }} Scope
 *
 * @typedef {{ node: Node, fn: Fn, scope: Scope, path: Node[] }} Place a node with the nodes around it, outermost first, from its function on
 *
 * @typedef {object} Scopes
 * @property {Place[]} yields
 * @property {Place[]} functions function values and declarations inside of functions; `path` is that of the function around
 * @property {Binding[]} bindings variables of functions; what belongs to the module is no thread's own
 * @property {Map<Node, Binding | null>} resolved which variable an identifier means, null for one of the module or a global
 */

/** What holds types only. */
const TYPE_KEYS = new Set([
  'typeAnnotation',
  'typeParameters',
  'typeArguments',
  'returnType',
  'superTypeArguments',
  'implements',
]);
const TYPE_WRAPPERS = new Set(['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'TSTypeAssertion']);
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const OWN_SCOPE = new Set([
  'BlockStatement',
  'ForStatement',
  'ForInStatement',
  'ForOfStatement',
  'SwitchStatement',
  'CatchClause',
]);

/**
 * Finds out which variables a module has, and who uses them.
 *
 * @param {Node} program
 * @returns {Scopes}
 */
export function analyse(program) {
  const walk = new Walk(program);
  return walk.run();
}

/** @param {Node} node @returns {Node[]} what it is made of, types left out */
function childrenOf(node) {
  /** @type {Node[]} */
  const children = [];
  for (const key in node) {
    if (TYPE_KEYS.has(key)) continue;
    const value = node[key];
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** @param {unknown} value */
const isNode = (value) => value !== null && typeof value === 'object' && typeof (/** @type {any} */ (value).type) === 'string';

class Walk {
  /** @type {Ref[]} */
  #refs = [];
  /** @type {Map<Node, Ref>} */
  #refOf = new Map();
  /** @type {Binding[]} */
  #bindings = [];
  /** @type {Place[]} */
  #yields = [];
  /** @type {Place[]} */
  #functions = [];
  /** @type {Node[]} */
  #path = [];
  /** @type {Fn | null} */
  #fn = null;
  /** @type {Scope} */
  #scope;
  #program;

  /** @param {Node} program */
  constructor(program) {
    this.#program = program;
    this.#scope = { node: program, parent: null, fn: null, bindings: new Map() };
  }

  /** @returns {Scopes} */
  run() {
    for (const child of childrenOf(this.#program)) this.#visit(child);
    /** @type {Map<Ref, Binding | null>} */
    const meant = new Map();
    for (const ref of this.#refs) {
      /** @type {Scope | null} */
      let scope = ref.scope;
      while (scope !== null && !scope.bindings.has(ref.name)) scope = scope.parent;
      const binding = scope?.fn ? (scope.bindings.get(ref.name) ?? null) : null;
      binding?.refs.push(ref);
      meant.set(ref, binding);
    }
    const resolved = new Map([...this.#refOf].map(([node, ref]) => [node, meant.get(ref) ?? null]));
    return { yields: this.#yields, functions: this.#functions, bindings: this.#bindings, resolved };
  }

  /** @param {Node} node */
  #visit(node) {
    if (node.type.startsWith('TS') && !TYPE_WRAPPERS.has(node.type)) return;
    if (node.type === 'ImportDeclaration') {
      for (const specifier of node.specifiers ?? []) this.#declare(specifier.local, node.end);
      return;
    }
    if (FUNCTIONS.has(node.type)) {
      this.#function(node);
      return;
    }
    this.#path.push(node);
    if (OWN_SCOPE.has(node.type)) this.#within(node, () => this.#special(node));
    else this.#special(node);
    this.#path.pop();
  }

  /** @param {Node} node @param {() => void} inside */
  #within(node, inside) {
    const outer = this.#scope;
    this.#scope = { node, parent: outer, fn: this.#fn, bindings: new Map() };
    inside();
    this.#scope = outer;
  }

  /** @param {Node} node */
  #special(node) {
    switch (node.type) {
      case 'Identifier':
        this.#refer(node, { read: true, write: false });
        break;
      case 'ThisExpression':
      case 'Super':
        this.#readThis(node.start);
        break;
      case 'YieldExpression':
        this.#yields.push(this.#place(node));
        this.#children(node);
        break;
      case 'VariableDeclaration':
        this.#variables(node);
        break;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.#class(node);
        break;
      case 'CatchClause':
        if (node.param !== null) this.#pattern(node.param, node.param.end);
        this.#visit(node.body);
        break;
      case 'AssignmentExpression':
        this.#assigned(node.left, { read: node.operator !== '=' });
        this.#visit(node.right);
        break;
      case 'UpdateExpression':
        this.#assigned(node.argument, { read: true });
        break;
      case 'ForInStatement':
      case 'ForOfStatement':
        if (node.left.type !== 'VariableDeclaration') this.#assigned(node.left, { read: false });
        else this.#variables(node.left, node.body.start);
        this.#visit(node.right);
        this.#visit(node.body);
        break;
      case 'MemberExpression':
        this.#visit(node.object);
        if (node.computed) this.#visit(node.property);
        break;
      case 'Property':
      case 'MethodDefinition':
      case 'PropertyDefinition':
      case 'AccessorProperty':
        this.#property(node);
        break;
      case 'LabeledStatement':
        this.#visit(node.body);
        break;
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'MetaProperty':
      case 'PrivateIdentifier':
      case 'ExportAllDeclaration':
        break;
      case 'ExportNamedDeclaration':
        if (node.declaration !== null) this.#visit(node.declaration);
        break;
      default:
        this.#children(node);
    }
  }

  /** @param {Node} node */
  #children(node) {
    for (const child of childrenOf(node)) this.#visit(child);
  }

  /** @param {Node} node */
  #property(node) {
    if (node.computed) this.#visit(node.key);
    const { value } = node;
    if (value === null || value === undefined) return;
    // A field of a class is set by a function of its own; a method is one.
    if (node.type === 'PropertyDefinition')
      this.#inside({ node: value, generator: false, arrow: false }, () => this.#visit(value));
    else this.#visit(value);
  }

  /** @param {Node} node */
  #class(node) {
    if (node.id !== null && node.type === 'ClassDeclaration') this.#declare(node.id, node.end);
    if (node.superClass !== null) this.#visit(node.superClass);
    for (const member of node.body.body) {
      if (member.type === 'StaticBlock')
        this.#inside({ node: member, generator: false, arrow: false }, () => this.#children(member));
      else this.#visit(member);
    }
  }

  /** @param {Node} node @param {number} [ready] */
  #variables(node, ready) {
    for (const declarator of node.declarations) {
      this.#path.push(declarator);
      this.#pattern(declarator.id, ready ?? declarator.end);
      if (declarator.init !== null) this.#visit(declarator.init);
      this.#path.pop();
    }
  }

  /** @param {Node} node a function */
  #function(node) {
    if (node.type === 'FunctionDeclaration' && node.id !== null) this.#declare(node.id, this.#scope.node.start);
    if (node.body === null) return;
    if (this.#fn !== null) this.#functions.push(this.#place(node));
    const arrow = node.type === 'ArrowFunctionExpression';
    this.#inside({ node, generator: node.generator === true, arrow }, () => {
      for (const param of node.params) this.#pattern(param, node.body.start);
      this.#visit(node.body);
    });
  }

  /** @param {{ node: Node, generator: boolean, arrow: boolean }} what @param {() => void} visit */
  #inside(what, visit) {
    const outer = this.#fn;
    const path = this.#path;
    this.#fn = { ...what, parent: outer, thisReads: [] };
    this.#path = [];
    this.#within(what.node, visit);
    this.#path = path;
    this.#fn = outer;
  }

  /** @param {Node} node @returns {Place} */
  #place(node) {
    return { node, fn: /** @type {Fn} */ (this.#fn), scope: this.#scope, path: [...this.#path] };
  }

  /** @param {number} start */
  #readThis(start) {
    for (let fn = this.#fn; fn !== null; fn = fn.arrow ? fn.parent : null) fn.thisReads.push(start);
  }

  /** What is declared: a name or a pattern of names. @param {Node} node @param {number} ready */
  #pattern(node, ready) {
    switch (node.type) {
      case 'Identifier':
        this.#declare(node, ready);
        break;
      case 'ObjectPattern':
        for (const property of node.properties) this.#pattern(property, ready);
        break;
      case 'Property':
        if (node.computed) this.#visit(node.key);
        this.#pattern(node.value, ready);
        break;
      case 'ArrayPattern':
        for (const element of node.elements) if (element !== null) this.#pattern(element, ready);
        break;
      case 'AssignmentPattern':
        this.#pattern(node.left, ready);
        this.#path.push(node);
        this.#visit(node.right);
        this.#path.pop();
        break;
      case 'RestElement':
        this.#pattern(node.argument, ready);
        break;
      default:
        throw new Error(`a pattern of kind ${node.type} is not known`);
    }
  }

  /** @param {Node} id @param {number} ready */
  #declare(id, ready) {
    if (id.name === 'this') return;
    const binding = { name: id.name, scope: this.#scope, ready, refs: [] };
    if (this.#scope.bindings.has(binding.name)) return;
    this.#scope.bindings.set(binding.name, binding);
    if (this.#scope.fn !== null) this.#bindings.push(binding);
  }

  /** What is assigned to. @param {Node} node @param {{ read: boolean }} how */
  #assigned(node, { read }) {
    if (node.type === 'Identifier') this.#refer(node, { read, write: true });
    else if (
      node.type === 'ObjectPattern' ||
      node.type === 'ArrayPattern' ||
      node.type === 'Property' ||
      node.type === 'RestElement'
    ) {
      for (const part of node.properties ?? node.elements ?? [node.value ?? node.argument]) {
        if (part !== null) this.#assigned(part, { read });
      }
    } else if (node.type === 'AssignmentPattern') {
      this.#assigned(node.left, { read });
      this.#visit(node.right);
    } else this.#visit(node);
  }

  /** @param {Node} node @param {{ read: boolean, write: boolean }} how */
  #refer(node, { read, write }) {
    const ref = { name: node.name, scope: this.#scope, start: node.start, read, write };
    this.#refs.push(ref);
    this.#refOf.set(node, ref);
  }
}
