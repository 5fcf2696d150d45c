import { describe, expect, it } from 'vitest';
import { type JunitCase, type JunitSuite, junitText } from './junit.js';

const CASE: JunitCase = { name: 'race', className: 'faultline', seconds: 0.25, outcome: { kind: 'passed' } };
const suite = (cases: readonly JunitCase[], properties = {}): JunitSuite => ({
  name: 'mlock.ts',
  seconds: 1.5,
  properties,
  cases,
});

describe('a JUnit report', () => {
  it('counts what passed, failed and was left open', () => {
    const text = junitText(
      suite([
        CASE,
        { ...CASE, outcome: { kind: 'failed', type: 'panic', message: 'it panics', details: 'line 1\nline 2' } },
        { ...CASE, outcome: { kind: 'skipped', message: 'no time' } },
      ]),
    );
    expect(text).toContain('<testsuites tests="3" failures="1" skipped="1" time="1.500">');
    expect(text).toContain('<testcase name="race" classname="faultline" time="0.250"/>');
    expect(text).toContain('<failure message="it panics" type="panic">line 1\nline 2</failure>');
    expect(text).toContain('<skipped message="no time"/>');
  });

  it('is well-formed whatever stands in its texts', () => {
    const nasty = 'a "b" <c> & d\u0000\u001b \ud800\nnext';
    const text = junitText(
      suite([{ ...CASE, name: nasty, outcome: { kind: 'failed', type: 't', message: nasty, details: nasty } }], { nasty }),
    );
    expect(text).toContain('name="a &quot;b&quot; &lt;c&gt; &amp; d\ufffd\ufffd \ufffd&#10;next"');
    expect(text).toContain('>a "b" &lt;c&gt; &amp; d\ufffd\ufffd \ufffd\nnext</failure>');
    expect(text).toContain('<property name="nasty"');
  });
});
