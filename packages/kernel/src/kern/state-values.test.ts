import { describe, expect, it } from 'vitest';
import { tag } from './frames.js';
import { Kern } from './kern.js';
import { Mutex } from './mutex.js';
import { StateHash, StateText, type StateWriter } from './state.js';

function linesOf(...values: readonly unknown[]): string[] {
  const text = new StateText();
  for (const value of values) text.value('v', value);
  return text.lines;
}

function digestOf(...values: readonly unknown[]): string {
  const hash = new StateHash();
  for (const value of values) hash.value('v', value);
  return hash.digest;
}

class Point {
  readonly x: number;
  constructor(x: number) {
    this.x = x;
  }
}

describe('the value of a variable', () => {
  it.each<[string, unknown, unknown]>([
    ['numbers', 1, 2],
    ['a number and a text', 1, '1'],
    ['null and nothing', null, undefined],
    ['a truth and its name', true, 'true'],
    ['large whole numbers', 1n, 2n],
    ['lists', [1, 2], [2, 1]],
    ['lists of lists', [[1], []], [[], [1]]],
    ['sets', new Set([1]), new Set([2])],
    ['maps', new Map([[1, 2]]), new Map([[1, 3]])],
    ['bytes', new Uint8Array([1]), new Uint8Array([2])],
    ['other arrays of numbers', new Float64Array([1]), new Float64Array([2])],
    ['records', { a: 1 }, { a: 2 }],
    ['names in records', { a: 1 }, { b: 1 }],
    ['objects', new Point(1), new Point(2)],
    ['an object and a record', new Point(1), { x: 1 }],
    ['errors', new Error('a'), new Error('b')],
    ['which of two things it is', [[1], [1]], ((one) => [one, one])([1])],
  ])('tells apart %s', (_, one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other));
    expect(digestOf(one)).toBe(digestOf(one));
  });

  it('tells alike what is alike, whatever it is made of', () => {
    const make = (): unknown => ({ list: [1, new Point(2)], map: new Map([['a', new Set([3])]]), bytes: new Uint8Array(3) });
    expect(linesOf(make())).toEqual(linesOf(make()));
    expect(digestOf(make())).toBe(digestOf(make()));
  });

  it('may lead back to itself', () => {
    const ring: { next: unknown } = { next: null };
    ring.next = ring;
    expect(linesOf(ring)).toEqual(['v #1.class = Object', 'v #1.next = #1']);
  });

  it('refers to what has been told already, and lets things tell themselves', () => {
    const kern = new Kern();
    const lock = new Mutex(kern, kern.lockClass('test'));
    const text = new StateText();
    text.thing('lock', lock);
    text.value('v', lock);
    expect(text.lines).toEqual(['lock #1.owner = null', 'v = #1']);
    expect(linesOf(lock)).toEqual(['v #1.class = Mutex', 'v #1.owner = null']);
  });

  it('does not look into what is known', () => {
    const text = new StateText();
    const thing = { secret: 1 };
    text.known(thing);
    text.value('v', thing);
    expect(text.lines).toEqual(['v = #1']);
  });

  it('that is a function is told by its name, and by what is around it', () => {
    const named = (n: number): (() => number) =>
      tag(
        () => n,
        () => ['here', n],
      );
    expect(linesOf(named(1))).not.toEqual(linesOf(named(2)));
    expect(linesOf(named(1))).toEqual(linesOf(named(1)));
    function first(): void {}
    function second(): void {}
    expect(linesOf(first)).not.toEqual(linesOf(second));
  });

  it('that is an object with methods is told with what is around these', () => {
    const made = (n: number): object => tag({ size: 3, get: () => n }, () => ['here', n]);
    expect(digestOf(made(1))).not.toBe(digestOf(made(2)));
    expect(linesOf(made(1)).join()).toContain('size = 3');
  });
});

describe('page frames', () => {
  const told = (frames: readonly number[], tell: (writer: StateWriter) => void): string[] => {
    const text = new StateText();
    text.interchangeable(1000, 10);
    tell(text);
    expect(text.frames).toEqual(frames);
    return text.lines;
  };

  it('are told by the order in which they come up, in fields and in variables alike', () => {
    const use = (a: number, b: number) =>
      told([a, b], (writer) => {
        writer.frame('first', a);
        writer.value('v', { page: b, again: a });
        expect([writer.hasFrame(a), writer.hasFrame(1009)]).toEqual([true, false]);
      });
    expect(use(1003, 1001)).toEqual(use(1002, 1008));
    expect(use(1003, 1001)).toContain('first = frame #1');
  });

  it('are told apart when it is another one', () => {
    const one = told([1003], (writer) => writer.value('v', [1003, 1003]));
    const two = told([1003, 1004], (writer) => writer.value('v', [1003, 1004]));
    expect(one).not.toEqual(two);
  });

  it('are none when they lie outside of RAM', () => {
    const lines = told([], (writer) => {
      writer.frame('none', -1);
      writer.frame('device', 1010);
      writer.value('v', 999);
      writer.value('v', 1000.5);
    });
    expect(lines).toEqual(['none = -1', 'device = 1010', 'v = 999', 'v = 1000.5']);
  });
});
