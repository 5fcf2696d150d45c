import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CUT_MARK, type KeptLine, LineSplitter } from './line-splitter.js';

function split(pieces: Iterable<string>, maxLength = 1 << 20): KeptLine[] {
  const lines: KeptLine[] = [];
  const splitter = new LineSplitter({ maxLength, onLine: (line) => lines.push(line) });
  for (const piece of pieces) splitter.push(piece);
  splitter.end();
  return lines;
}

describe('LineSplitter', () => {
  it('gives the same lines however the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\n', '\r\n') });
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        const whole = pieces.join('');
        const expected = whole.split('\n').map((line) => line.replace(/\r$/, ''));
        const last = expected.pop();
        const lines = split(pieces);
        expect(lines.filter(({ ended }) => ended).map(({ text: line }) => line)).toEqual(expected);
        // A carriage return at the very end may be half of a line's end, or of nothing.
        expect(lines.find(({ ended }) => !ended)?.text.replace(/\r$/, '') ?? '').toBe(last);
        expect(lines.map(({ number }) => number)).toEqual(lines.map((_, index) => index + 1));
      }),
    );
  });

  it('keeps the head and the tail of a line that is too long, and counts what it leaves out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.array(fc.nat(2000), { maxLength: 8 }), (step, lengths) => {
        const lines = lengths.map((length) => Array.from({ length }, (_, i) => (i % 10).toString()).join(''));
        const text = lines.map((line) => `${line}\n`).join('');
        const pieces = Array.from({ length: Math.ceil(text.length / step) }, (_, i) => text.slice(i * step, (i + 1) * step));
        split(pieces, 1024).forEach(({ text: kept, omitted }, index) => {
          const line = lines[index] ?? '';
          const cut = line.length > 1024;
          expect(kept).toBe(cut ? line.slice(0, 512) + CUT_MARK + line.slice(-512) : line);
          expect(omitted).toBe(cut ? line.length - 1024 : 0);
        });
      }),
    );
  });

  it('holds no more of a line than it has to', () => {
    function* endless(): Generator<string> {
      const piece = 'x'.repeat(1 << 20);
      for (let i = 0; i < 400; i++) yield piece;
      yield '\nnext\n';
    }
    const [long, next] = split(endless(), 1000);
    expect(long?.text.length).toBe(1024 + 1);
    expect(long?.omitted).toBe(400 * 2 ** 20 - 1024);
    expect(next?.text).toBe('next');
  });

  it('gives nothing for nothing', () => {
    expect(split([])).toEqual([]);
    expect(split([''])).toEqual([]);
    expect(split(['\n'])).toEqual([{ text: '', number: 1, omitted: 0, ended: true }]);
  });
});
