/** Reading and writing finding files. */
import type { FailureKind, LabelledDecision, Site, StepChecks } from '@faultline/explorer';
import { IO_KINDS, type IoFault, POLICY_NAMES, type Schedule } from '@faultline/kernel';
import type { MachineSettings } from '../settings.js';
import { Field } from './fields.js';
import {
  FINDING_FORMAT,
  FINDING_VERSION,
  FindingError,
  type FindingFailure,
  type FindingFile,
  type FindingPatch,
  type FindingProgram,
} from './finding-file.js';

const FAILURE_KINDS = [
  'panic',
  'invariant',
  'deadlock',
  'sleeps-for-ever',
  'leak',
  'check',
  'livelock',
  'data-race',
  'lock-order',
  'step-bound',
  'error',
] as const satisfies readonly FailureKind[];

/** A finding as the text of its file. */
export function findingText(finding: FindingFile): string {
  const { decisions, schedule, ...rest } = finding;
  const { switches, choices, expiries } = schedule;
  const data = {
    format: FINDING_FORMAT,
    formatVersion: FINDING_VERSION,
    ...rest,
    decisions: decisions.map(decisionData),
    // In the order of the declarations in `Schedule`.
    schedule: {
      switches: switches.map(({ step, to }) => [step, to]),
      choices: choices.map(({ step, site, taken }) => [step, site, taken]),
      expiries: expiries.map(({ step, lwp }) => [step, lwp]),
    },
  };
  return `${layOut(data, '')}\n`;
}

/** Characters of a list that stands on one line. */
const LINE_LENGTH = 100;

/** JSON with a field a line, and lists of plain values on one: a finding is read by people, too. */
function layOut(value: unknown, indent: string): string {
  const deeper = `${indent} `;
  if (Array.isArray(value)) {
    const line = `[${value.map((element) => JSON.stringify(element)).join(', ')}]`;
    if (value.every((element) => typeof element !== 'object') && line.length <= LINE_LENGTH) return line;
    return `[\n${value.map((element) => deeper + layOut(element, deeper)).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.length === 0) return '{}';
  const lines = fields.map(([name, field]) => `${deeper}${JSON.stringify(name)}: ${layOut(field, deeper)}`);
  return `{\n${lines.join(',\n')}\n${indent}}`;
}

function decisionData(decision: LabelledDecision): object {
  const { thread, within, step, nth } = decision.at;
  const at = { thread, within, step, nth };
  switch (decision.kind) {
    case 'switch':
      return { switch: decision.to, ...at };
    case 'choice':
      return { choice: decision.taken, site: decision.site, ...at };
    case 'expiry':
      return { expiry: decision.lwp, ...at };
  }
}

/**
 * Reads the text of a finding file.
 *
 * @throws {FindingError} when it is none, with what is wrong and where
 */
export function parseFinding(text: string): FindingFile {
  const file = new Field(parseJson(text));
  const format = file.maybe('format')?.text();
  if (format !== FINDING_FORMAT) throw new FindingError(`this is no finding: its field "format" is not "${FINDING_FORMAT}"`);
  const version = file.at('formatVersion').count();
  if (version !== FINDING_VERSION)
    throw new FindingError(
      `this finding has version ${version} of the format, and this Faultline reads version ${FINDING_VERSION}; ` +
        `use the Faultline that wrote it`,
    );
  return {
    title: file.at('title').text(),
    foundBy: file.at('foundBy').text(),
    program: readProgram(file.at('program')),
    machine: readMachine(file.at('machine')),
    patches: file.at('patches').list().map(readPatch),
    failure: readFailure(file.at('failure')),
    summary: file
      .at('summary')
      .list()
      .map((line) => line.text()),
    preemptions: file.at('preemptions').count(),
    steps: file.at('steps').count(),
    decisions: file.at('decisions').list().map(readDecision),
    schedule: readSchedule(file.at('schedule')),
    checks: readChecks(file.at('checks')),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FindingError(`this is no finding: it is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}

function readProgram(field: Field): FindingProgram {
  const kind = field.at('kind').oneOf('catalogue', 'syz', 'module');
  switch (kind) {
    case 'catalogue':
      return { kind, id: field.at('id').text() };
    case 'syz':
      return { kind, name: field.at('name').text(), os: field.at('os').oneOf('netbsd', 'linux'), text: field.at('text').text() };
    case 'module':
      return { kind, path: field.at('path').text(), digest: field.at('digest').text() };
  }
}

function readPatch(field: Field): FindingPatch {
  const id = field.at('id').text();
  const module = field.maybe('module');
  return module === null ? { id } : { id, module: { path: module.at('path').text(), digest: module.at('digest').text() } };
}

function readMachine(field: Field): MachineSettings {
  const counterWidth = field.maybe('counterWidth');
  const width = counterWidth?.count();
  if (counterWidth !== null && width !== 16 && width !== 32) throw counterWidth.fail('must be 16 or 32');
  const space = field.maybe('userSpace');
  const counts = ['ramPages', 'cpus', 'blockSize', 'ubcWindows'];
  const [ramPages, cpus, blockSize, ubcWindows] = counts.map((name) => field.maybe(name)?.count());
  const ioFaults = field.maybe('ioFaults');
  const pagePolicy = field.maybe('pagePolicy');
  const [diagnostic, userSteps] = ['diagnostic', 'userSteps'].map((name) => field.maybe(name)?.flag());
  return {
    ...(ramPages !== undefined && { ramPages }),
    ...(cpus !== undefined && { cpus }),
    ...(blockSize !== undefined && { blockSize }),
    ...(ubcWindows !== undefined && { ubcWindows }),
    ...(pagePolicy !== null && { pagePolicy: pagePolicy.oneOf(...POLICY_NAMES) }),
    ...(ioFaults !== null && {
      ioFaults: Object.fromEntries(ioFaults.entries().map(([path, list]) => [path, list.list().map(readFault)])),
    }),
    ...(diagnostic !== undefined && { diagnostic }),
    ...(userSteps !== undefined && { userSteps }),
    ...((width === 16 || width === 32) && { counterWidth: width }),
    ...(space !== null && { userSpace: { min: space.at('min').count(), max: space.at('max').count() } }),
  };
}

function readFault(field: Field): IoFault {
  const times = field.maybe('times');
  const [nth, errno, bytes, delay] = ['nth', 'errno', 'bytes', 'delay'].map((name) => field.maybe(name)?.count());
  return {
    on: field.at('on').oneOf(...IO_KINDS),
    ...(nth !== undefined && { nth }),
    ...(times !== null && { times: times.is('all') ? 'all' : times.count() }),
    ...(errno !== undefined && { errno }),
    ...(bytes !== undefined && { bytes }),
    ...(delay !== undefined && { delay }),
  };
}

function readFailure(field: Field): FindingFailure {
  return {
    kind: field.at('kind').oneOf(...FAILURE_KINDS),
    signature: field.at('signature').text(),
    message: field.at('message').text(),
    lwp: field.at('lwp').text(),
    frames: field
      .at('frames')
      .list()
      .map((frame) => frame.text()),
  };
}

function readDecision(field: Field): LabelledDecision {
  const at: Site = {
    thread: field.at('thread').text(),
    within: field.at('within').text(),
    step: field.at('step').text(),
    nth: field.at('nth').count(),
  };
  const to = field.maybe('switch');
  if (to !== null) return { kind: 'switch', at, to: to.text() };
  const lwp = field.maybe('expiry');
  if (lwp !== null) return { kind: 'expiry', at, lwp: lwp.text() };
  const taken = field.maybe('choice');
  if (taken !== null) return { kind: 'choice', at, site: field.at('site').text(), taken: taken.count() };
  throw field.fail('decides nothing: it has none of "switch", "choice" and "expiry"');
}

function readSchedule(field: Field): Schedule {
  const rows = (name: string, columns: number): Field[][] =>
    field
      .at(name)
      .list()
      .map((row) => {
        const cells = row.list();
        if (cells.length !== columns) throw row.fail(`must have ${columns} elements, not ${cells.length}`);
        return cells;
      });
  const schedule: Schedule = {
    switches: rows('switches', 2).map(([step, to]) => ({ step: count(step), to: count(to) })),
    choices: rows('choices', 3).map(([step, site, taken]) => ({
      step: count(step),
      site: site?.text() ?? '',
      taken: count(taken),
    })),
    expiries: rows('expiries', 2).map(([step, lwp]) => ({ step: count(step), lwp: count(lwp) })),
  };
  for (const [name, decisions] of Object.entries(schedule)) {
    const steps = (decisions as readonly { readonly step: number }[]).map(({ step }) => step);
    const unordered = steps.findIndex((step, at) => at > 0 && step < (steps[at - 1] ?? 0));
    if (unordered >= 0)
      throw field.at(name).fail(`is not in order: step ${steps[unordered]} comes after step ${steps[unordered - 1]}`);
  }
  return schedule;
}

function count(field: Field | undefined): number {
  return field?.count() ?? 0;
}

function readChecks(field: Field): StepChecks {
  const every = field.at('every');
  if (every.count() === 0) throw every.fail('must be a whole number from 1 up, not 0');
  const marks = field.at('marks');
  if (!/^([\w-]{2})*$/.test(marks.text())) throw marks.fail('must be pairs of letters and digits');
  return { every: every.count(), marks: marks.text(), end: field.at('end').text() };
}
