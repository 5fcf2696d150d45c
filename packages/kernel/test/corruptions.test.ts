/** Each rule of the audit can be broken, and is then reported: none of them is a rule that always holds, whatever happens. */
import { describe, expect, it } from 'vitest';
import { ADVISED, CORRUPTIONS, type Corruption } from './corruptions.js';
import { boot } from './harness.js';

describe('the rules of the audit', () => {
  it('each have a corruption that breaks them', () => {
    const { auditor } = boot().kern;
    expect(auditor.invariants.map(({ name }) => name).sort()).toEqual(Object.keys(CORRUPTIONS).sort());
    expect(auditor.advisories.map(({ name }) => name).sort()).toEqual(Object.keys(ADVISED).sort());
  });

  it.each(Object.entries(CORRUPTIONS))('%s is reported, and what goes with it', (name, { also, make }: Corruption) => {
    const broken = new Set(
      make()
        .audit()
        .map(({ invariant }) => invariant),
    );
    expect([...broken].sort()).toEqual([name, ...also].sort());
  });

  it.each(Object.entries(ADVISED))('%s is advised against', (name, harm) => {
    const system = boot();
    const { auditor } = system.kern;
    expect(auditor.advise()).toEqual([]);
    harm(system);
    expect(auditor.advise().map(({ invariant }) => invariant)).toEqual([name]);
  });
});
