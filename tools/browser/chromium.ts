/// <reference lib="dom" />
/** The browser: the Chromium of the system, since none is downloaded. What drives it has the document in its types. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/**
 * Starts Chromium without a window.
 *
 * @throws {Error} when there is none
 */
export function launchChromium(): Promise<Browser> {
  const executablePath = findChromium(process.env['FAULTLINE_CHROMIUM'], process.env['PATH'] ?? '');
  // The sandbox cannot be had by root, nor in most containers. Only the project's own code is run.
  return chromium.launch({ executablePath, headless: true, args: ['--no-sandbox'] });
}

/**
 * Where Chromium is.
 *
 * @param wanted what somebody says, if anybody does
 * @param path the folders in which to look
 */
export function findChromium(wanted: string | undefined, path: string): string {
  const candidates = path.split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = wanted || candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(
    `there is no Chromium on the PATH (${NAMES.join(', ')}); on Debian: apt-get install --no-install-recommends chromium, ` +
      'elsewhere say where it is with FAULTLINE_CHROMIUM',
  );
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
