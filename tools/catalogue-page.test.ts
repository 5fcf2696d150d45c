/** docs/catalogue.md says what is so. => needs the packages to be built, as `npm test` does. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cataloguePage, PAGE } from './catalogue-page.mjs';

it('docs/catalogue.md is what npm run docs:catalogue writes', () => {
  expect(readFileSync(PAGE, 'utf8')).toBe(cataloguePage());
});
