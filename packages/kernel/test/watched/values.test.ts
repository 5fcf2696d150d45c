import { expect, it } from 'vitest';
import { StateHash } from '../../src/index.js';

it('a generator in a variable is refused: nobody can tell what it will do', () => {
  const generator = (function* () {
    yield 1;
  })();
  expect(() => new StateHash().value('v', [generator])).toThrow('holds a generator in a variable');
});
