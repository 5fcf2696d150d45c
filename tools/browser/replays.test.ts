/**
 * Findings replay in a browser as they do in Node: the same steps, the same state in front of each, the same failure in the same words.
 *
 *     Node        find ──> replay ──> recording ──┐
 *                   └─ schedules                  ├──> compare, step by step
 *     Chromium            replay ──> recording ───┘
 */
import type { Schedule } from '@faultline/kernel';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bundle, bundleForBrowser } from './bundle.js';
import { findChromium, launchChromium } from './chromium.js';
import { firstDifference, tellDifference } from './comparison.js';
import { type Finding, findings } from './findings.js';
import { modelOf } from './models.js';
import type { Page } from './page.js';
import { type Recording, record } from './recording.js';

const WANTED = { ofEntry: 20, ofCalls: 40, inAll: 1000 };
/** Findings that are told to the browser at once. */
const BATCH = 100;
/** Kilobytes that the bundle may have without blanks: it has two builds of the kernel. A package that got in by mistake would show. */
const MOST_KILOBYTES = 1300;

let bundle: Bundle;
let browser: Browser;
let replayInChromium: (batch: readonly Pick<Finding, 'model' | 'schedule'>[]) => Promise<Recording[]>;

beforeAll(async () => {
  bundle = await bundleForBrowser(`${import.meta.dirname}/page.ts`, { minify: 'blanks' });
  browser = await launchChromium();
  const page = await browser.newPage();
  await page.addScriptTag({ content: bundle.code });
  replayInChromium = (batch) =>
    page.evaluate((told) => (globalThis as unknown as { readonly faultline: Page }).faultline.replay(told), batch);
});

afterAll(() => browser?.close());

const replayInNode = ({ model, schedule }: Pick<Finding, 'model' | 'schedule'>): Recording => record(modelOf(model), schedule);

describe('a thousand findings', () => {
  const found: Finding[] = [];
  const inNode: Recording[] = [];
  const inChromium: Recording[] = [];

  beforeAll(async () => {
    const began = performance.now();
    found.push(...findings(WANTED));
    const searched = performance.now();
    inNode.push(...found.map(replayInNode));
    const replayed = performance.now();
    for (let from = 0; from < found.length; from += BATCH) {
      const batch = found.slice(from, from + BATCH).map(({ model, schedule }) => ({ model, schedule }));
      inChromium.push(...(await replayInChromium(batch)));
    }
    const ended = performance.now();
    const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;
    const lines = inNode.reduce((sum, recording) => sum + recording.lines.length, 0);
    console.log(
      [
        `bundle: ${bundle.size} kB, ${bundle.compressed} kB compressed, of ${bundle.modules.length} modules`,
        `${found.length} findings of ${new Set(found.map(({ model }) => model)).size} models, ` +
          `${new Set(found.map(({ signature }) => signature)).size} different failures, found in ${seconds(searched - began)}`,
        `replayed in Node in ${seconds(replayed - searched)}, in Chromium ${browser.version()} in ${seconds(ended - replayed)}`,
        `${lines} lines compared`,
      ].join('\n'),
    );
  });

  it('are found, in all kinds of ways and of all kinds', () => {
    expect(new Set(found.map(({ model, schedule }) => JSON.stringify([model, schedule]))).size).toBe(WANTED.inAll);
    expect(new Set(found.map(({ by }) => by))).toEqual(new Set(['random', 'sampling', 'exhaustive']));
    const kinds = new Set(found.map(({ signature }) => signature.slice(0, signature.indexOf(':'))));
    expect([...kinds].sort()).toEqual(['check', 'deadlock', 'invariant', 'leak', 'panic', 'sleeps-for-ever']);
    for (const decided of ['switches', 'choices', 'expiries'] as const)
      expect(found.filter(({ schedule }) => schedule[decided].length > 0).length, decided).toBeGreaterThan(10);
  });

  it('replay in Node to the failure that was found', () => {
    for (const [index, { model, signature }] of found.entries()) expect(inNode[index]?.signature, model).toBe(signature);
  });

  it('replay in Chromium step for step as in Node, to the same failure', () => {
    const differences = found.flatMap(({ model, signature }, index) => {
      const [here, there] = [inNode[index], inChromium[index]];
      const difference = here === undefined || there === undefined ? null : firstDifference(here, there);
      return difference === null ? [] : [tellDifference(`${model} (${signature})`, difference)];
    });
    expect(inChromium.length).toBe(found.length);
    expect(differences.join('\n')).toBe('');
  });
});

describe('a difference', () => {
  const NOTHING: Schedule = { switches: [], choices: [], expiries: [] };

  it('is noticed when a browser goes another way, in front of the next step', async () => {
    const finding = { model: 'host', schedule: NOTHING };
    const [there] = await replayInChromium([finding]);
    const difference = there === undefined ? null : firstDifference(replayInNode(finding), there);
    // Alike but for the state.
    for (const line of [difference?.here, difference?.there]) expect(line).toMatch(/^3 {2}1\.1 {2}atomic word {2}[0-9a-f]{16}$/);
  });

  it('is noticed when one decision is left out in the browser', async () => {
    const finding = findings({ ofEntry: 1, ofCalls: 0, inAll: 0 }).find(({ schedule }) => schedule.switches.length > 0);
    if (finding === undefined) throw new Error('no finding has a switch');
    const { model, schedule } = finding;
    const [there] = await replayInChromium([{ model, schedule: { ...schedule, switches: schedule.switches.slice(0, -1) } }]);
    const difference = there === undefined ? null : firstDifference(replayInNode(finding), there);
    const [first] = schedule.switches.slice(-1);
    expect(difference?.here.startsWith(`${first?.step}  `)).toBe(true);
  });

  it('is noticed when one of the two goes on for longer, or fails in another way', () => {
    const longer = { lines: ['1', '2'], signature: 'a' };
    expect(firstDifference(longer, { lines: ['1'], signature: 'a' })).toEqual({ line: 1, here: '2', there: '' });
    expect(firstDifference(longer, { ...longer, signature: 'b' })).toEqual({ line: 2, here: 'a', there: 'b' });
    expect(firstDifference(longer, { ...longer })).toBeNull();
  });
});

describe('the bundle', () => {
  it('is made of the packages and of nothing of Node, and is not too large', () => {
    expect(
      bundle.modules.filter((file) => !/\/packages\/[^/]+\/dist\/|\/tools\/browser\/|\/fflate\/|^\0?rolldown/.test(file)),
    ).toEqual([]);
    expect(bundle.size).toBeLessThan(MOST_KILOBYTES);
  });

  it('is refused for a module that wants Node', async () => {
    await expect(bundleForBrowser(`${import.meta.dirname}/chromium.ts`)).rejects.toThrow(
      /is not for a browser: it imports .*node:fs/,
    );
  });
});

it('says what to install where there is no Chromium', () => {
  expect(() => findChromium(undefined, '/nowhere')).toThrow(/there is no Chromium on the PATH .*apt-get install/);
  expect(findChromium('/opt/chromium', '/nowhere')).toBe('/opt/chromium');
});
