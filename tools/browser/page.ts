/** What is bundled for the browser: it replays the findings that it is given. */
import type { Finding } from './findings.js';
import { modelOf } from './models.js';
import { type Recording, record } from './recording.js';

/** What the page offers to the one who has opened it. */
export interface Page {
  replay(findings: readonly Pick<Finding, 'model' | 'schedule'>[]): Recording[];
}

const page: Page = { replay: (findings) => findings.map(({ model, schedule }) => record(modelOf(model), schedule)) };
Object.assign(globalThis, { faultline: page });
