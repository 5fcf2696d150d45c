/** The library in a browser: the example of docs/embedding.md prints in Chromium what it prints in Node, and what the page says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from '../child-process.js';
import { bundleForBrowser } from './bundle.js';
import { launchChromium } from './chromium.js';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLE = 'examples/embedding/toy-cpu.mjs';
/** Kilobytes that the library and the example may have, made as short as can be; and as they are sent, compressed. */
const MOST = { size: 470, compressed: 145 };

const page = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
const inNode = runInNode(EXAMPLE);
let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

function runInNode(file: string): string {
  const { stdout, stderr, status } = runToEnd(process.execPath, [file], { cwd: ROOT });
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return stdout.trimEnd();
}

/** What a script prints in the browser. */
async function runInChromium(code: string): Promise<string> {
  const tab = await browser.newPage();
  const lines: string[] = [];
  tab.on('console', (message) => lines.push(message.text()));
  tab.on('pageerror', (error) => lines.push(`${error}`));
  await tab.addScriptTag({ content: code });
  await tab.close();
  return lines.join('\n');
}

describe('the example', () => {
  it('prints in Chromium what it prints in Node, bundled as it is and as short as can be', async () => {
    for (const minify of [false, true]) {
      const { code } = await bundleForBrowser(join(ROOT, EXAMPLE), { minify });
      expect(await runInChromium(code)).toBe(inNode);
    }
  });

  it('and what it prints are in docs/embedding.md, and it has fewer than a hundred lines', () => {
    const source = readFileSync(join(ROOT, EXAMPLE), 'utf8');
    expect(source.split('\n').length - 1).toBeLessThan(100);
    expect(page).toContain(`\`\`\`js\n${source}\`\`\``);
    expect(page).toContain(`\`\`\`\n${inNode}\n\`\`\``);
  });

  it('is made of the direct build alone, and is not too large', async () => {
    const { size, compressed, modules } = await bundleForBrowser(join(ROOT, EXAMPLE), { minify: true });
    expect(
      modules.filter((file) => !/\/packages\/kernel\/dist\/direct\/|\/examples\/embedding\/|^\0?rolldown/.test(file)),
    ).toEqual([]);
    console.log(`the library and the example: ${size} kB, ${compressed} kB compressed`);
    expect(size).toBeLessThan(MOST.size);
    expect(compressed).toBeLessThan(MOST.compressed);
  });
});

describe('the emulator that is migrated', () => {
  it('counts the same primes with both memories', () => {
    expect(runInNode('examples/embedding/compare.mjs')).toMatch(
      /^43390 primes\n.* ns with a flat buffer, .* ns mapped\nratio \d/,
    );
  });

  it('is in docs/embedding.md as it was and as it is', () => {
    for (const name of ['flat', 'mapped']) {
      const source = readFileSync(join(ROOT, `examples/embedding/${name}.mjs`), 'utf8');
      expect(page).toContain(`\`\`\`js\n${source}\`\`\``);
    }
  });
});
