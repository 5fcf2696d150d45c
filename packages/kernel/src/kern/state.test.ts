import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { act, bootProcess } from '../../test/harness.js';
import { MAP_ANON, MAP_PRIVATE } from '../index.js';
import { StateHash, StateText, type StateWriter } from './state.js';

type Value = number | string | boolean | null;
/** A structure that tells its state: fields, and parts with fields of their own. */
type Tree = readonly (readonly [name: string, value: Value | Tree])[];

function tell(writer: StateWriter, tree: Tree): void {
  for (const [name, value] of tree) {
    if (value !== null && typeof value === 'object') writer.part(name, (inner) => tell(inner, value));
    else writer.field(name, value);
  }
}

function textOf(tree: Tree): string[] {
  const text = new StateText();
  tell(text, tree);
  return text.lines;
}

function digestOf(tree: Tree): string {
  const hash = new StateHash();
  tell(hash, tree);
  return hash.digest;
}

const name = fc.constantFrom('a', 'b', 'start', 'end');
const value: fc.Arbitrary<Value> = fc.oneof(fc.maxSafeInteger(), fc.double(), fc.string(), fc.boolean(), fc.constant(null));
const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.array(fc.tuple(name, fc.oneof({ maxDepth: 3 }, value, tie('tree'))), { maxLength: 5 }),
})).tree;

describe('the text of a state', () => {
  it('is a line for each field, under the path of its parts', () => {
    const tree: Tree = [
      ['size', 3],
      [
        'entry 1',
        [
          ['start', 4096],
          ['amap', [['references', 2]]],
        ],
      ],
      ['name', 'init'],
      ['zombie', false],
      ['parent', null],
    ];
    expect(textOf(tree)).toEqual([
      'size = 3',
      'entry 1.start = 4096',
      'entry 1.amap.references = 2',
      'name = init',
      'zombie = false',
      'parent = null',
    ]);
  });
});

describe('the hash of a state', () => {
  it('is 16 hexadecimal digits, and the same on every machine', () => {
    expect(digestOf([])).toBe('9e3779b985ebca6b');
    expect(digestOf([['pages', 3]])).toBe('53526038c2cb1a5c');
  });

  it('is equal for equal states', () => {
    fc.assert(
      fc.property(trees, (tree) => {
        expect(digestOf(structuredClone(tree))).toBe(digestOf(tree));
      }),
    );
  });

  it('is another one for another state', () => {
    fc.assert(
      fc.property(trees, trees, (one, other) => {
        fc.pre(textOf(one).join('\n') !== textOf(other).join('\n'));
        expect(digestOf(one)).not.toBe(digestOf(other));
      }),
      { numRuns: 1000 },
    );
  });

  it('is another one when any one field has another value or another name', () => {
    const base: Tree = [
      ['a', 1],
      [
        'b',
        [
          ['start', 'x'],
          ['end', null],
        ],
      ],
      ['c', true],
    ];
    const changed: Tree[] = [
      [['a', 2], ...base.slice(1)],
      [['A', 1], ...base.slice(1)],
      [
        ['a', 1],
        [
          'b',
          [
            ['start', 'y'],
            ['end', null],
          ],
        ],
        ['c', true],
      ],
      [
        ['a', 1],
        [
          'b',
          [
            ['start', 'x'],
            ['end', 0],
          ],
        ],
        ['c', true],
      ],
      [
        ['a', 1],
        ['b', [['start', 'x']]],
        ['end', null],
        ['c', true],
      ],
      [
        ['a', 1],
        ['start', 'x'],
        ['end', null],
        ['c', true],
      ],
      [...base.slice(0, 2), ['c', false]],
      base.slice(0, 2),
      base.toReversed(),
    ];
    expect(new Set([base, ...changed].map(digestOf)).size).toBe(changed.length + 1);
  });

  it.each([
    [0, 1],
    [0, -1],
    [0, 2 ** 32],
    [-1, 2 ** 32 - 1],
    [2 ** 52, 2 ** 52 + 1],
    [0, 2 ** 64],
    [0, 0.5],
    [0, Number.POSITIVE_INFINITY],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    [1, '1'],
    [0, null],
    [0, false],
    [0, ''],
  ])('tells %s from %s', (one, other) => {
    expect(digestOf([['field', one]])).not.toBe(digestOf([['field', other]]));
  });

  it('does not tell zero from minus zero, which are the same number', () => {
    expect(digestOf([['field', -0]])).toBe(digestOf([['field', 0]]));
  });
});

describe('the state of a booted system', () => {
  /** A process maps two pages and stores to one of them. */
  function digest(stored: number, protection = 3): string {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const address = yield* user.mmap(0, 8192, 3, MAP_ANON | MAP_PRIVATE);
      yield* user.store32(address + 4096 * stored, 1);
      yield* user.mprotect(address, 4096, protection);
    });
    const hash = new StateHash();
    system.writeState(hash);
    return hash.digest;
  }

  it('has the same hash after the same calls, and another after others', () => {
    expect(digest(0)).toBe(digest(0));
    expect(new Set([digest(0), digest(1), digest(0, 1)]).size).toBe(3);
  });
});
