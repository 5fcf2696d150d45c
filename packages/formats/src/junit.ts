/** Writes reports in the XML of JUnit, which the servers of continuous integration read. */

/** How a test case ended. */
export type JunitOutcome =
  | { readonly kind: 'passed' }
  /** `type` is the kind of failure, in a word; `details` is all that there is to say, in lines. */
  | { readonly kind: 'failed'; readonly type: string; readonly message: string; readonly details: string }
  /** It says neither yes nor no. */
  | { readonly kind: 'skipped'; readonly message: string };

/** A test case. */
export interface JunitCase {
  readonly name: string;
  /** What it belongs to. */
  readonly className: string;
  readonly seconds: number;
  readonly outcome: JunitOutcome;
}

/** Test cases that were tried together. */
export interface JunitSuite {
  readonly name: string;
  readonly seconds: number;
  /** What else is worth knowing, by name. */
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly JunitCase[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const FORBIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

/** A report on a suite, as XML. */
export function junitText(suite: JunitSuite): string {
  const count = (kind: JunitOutcome['kind']): number => suite.cases.filter(({ outcome }) => outcome.kind === kind).length;
  const totals = attributes({
    tests: suite.cases.length,
    failures: count('failed'),
    skipped: count('skipped'),
    time: seconds(suite.seconds),
  });
  const properties = Object.entries(suite.properties).map(([name, value]) => `      <property${attributes({ name, value })}/>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${totals}>`,
    `  <testsuite${attributes({ name: suite.name })}${totals}>`,
    ...(properties.length > 0 ? ['    <properties>', ...properties, '    </properties>'] : []),
    ...suite.cases.flatMap(caseLines),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function caseLines({ name, className, seconds: time, outcome }: JunitCase): string[] {
  const open = `    <testcase${attributes({ name, classname: className, time: seconds(time) })}`;
  if (outcome.kind === 'passed') return [`${open}/>`];
  const inside =
    outcome.kind === 'skipped'
      ? `      <skipped${attributes({ message: outcome.message })}/>`
      : `      <failure${attributes({ message: outcome.message, type: outcome.type })}>${escaped(outcome.details)}</failure>`;
  return [`${open}>`, inside, '    </testcase>'];
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escaped(String(value)).replaceAll('"', '&quot;').replaceAll('\n', '&#10;')}"`)
    .join('');
}

/** A text as XML has it. What XML cannot have at all, control characters and halves of pairs, becomes a replacement character. */
function escaped(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function seconds(value: number): string {
  return value.toFixed(3);
}
