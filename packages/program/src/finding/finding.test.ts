import { execute, type Failure } from '@faultline/explorer';
import { definePatch, O_RDWR, PAGE_SIZE, RunToBlock } from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import {
  CheckFailed,
  defineProgram,
  digestOf,
  type FindingFile,
  findingFileName,
  findingText,
  makeFinding,
  parseFinding,
  programModel,
  replayFinding,
  replayTimes,
} from '../index.js';

const X = 0x100000;
const NOTHING = { switches: [], choices: [], expiries: [] };

/** A program that complains of an I/O error. */
const reader = defineProgram({
  name: 'reader.ts',
  machine: { ramPages: 32, blockSize: PAGE_SIZE },
  files: { file: 'hello' },
  *setUp(user) {
    yield* user.mmap(X, PAGE_SIZE, 3, 0x1012);
    yield* user.open('file', O_RDWR);
  },
  *main(user) {
    const answer = yield* user.pread(0, X, 1, 0);
    if (answer !== 1) throw new CheckFailed('the file cannot be read');
  },
});

const failure: Failure = { kind: 'check', signature: 'check: x', message: 'x', frames: [], lwp: '', violations: [] };

/** A file as somebody's editor may have left it. */
function edited(text: string, edit: (data: Record<string, unknown>) => void): string {
  const data = JSON.parse(text) as Record<string, unknown>;
  edit(data);
  return JSON.stringify(data);
}

function findingOf(schedule: FindingFile['schedule'], of = reader): FindingFile {
  return makeFinding({
    model: programModel(of),
    found: { schedule, preemptions: 0, steps: 100, failure },
    program: { kind: 'module', path: `../${of.name}`, digest: digestOf('…') },
    patches: [{ id: 'p', module: { path: 'p.mjs', digest: digestOf('p') } }, { id: 'q' }],
    machine: { ramPages: 32 },
    summary: ['call 1 answers EIO'],
    version: '0.1.0',
  });
}

/** Has each read of a file fail. */
class ReadsFail extends RunToBlock {
  override choose(site: string): number {
    return site === 'io.read' ? 1 : 0;
  }
}

const failing = execute(programModel(reader), new ReadsFail());
const finding = findingOf(failing.schedule);
const text = findingText(finding);

describe('a finding file', () => {
  it('has the faults that were ordered from outside', () => {
    const ioFaults = {
      '/data': [
        { on: 'write', nth: 3, times: 'all', errno: 28 },
        { on: 'read', bytes: 512 },
      ],
      '/dev/wd0': [{ on: 'sync', nth: 1, times: 2, delay: 100 }],
    } as const;
    const machine = { ramPages: 32, ubcWindows: 2, pagePolicy: 'clockpro', ioFaults } as const;
    expect(parseFinding(findingText({ ...finding, machine })).machine).toEqual(machine);
  });

  it('holds all of a finding, in little room', () => {
    expect(parseFinding(text)).toEqual(finding);
    expect(text.length).toBeLessThan(2048);
  });

  it('keeps a syzkaller program as it is, brackets and all', () => {
    const syz = {
      kind: 'syz',
      name: 'x.syz',
      os: 'netbsd',
      text: "r0 = open(&(0x7f0000000000)='./file0\\x00', [ 1 ], {\n })\n\"",
    } as const;
    const withSyz = { ...finding, program: syz };
    expect(parseFinding(findingText(withSyz))).toEqual(withSyz);
  });

  it('says what was decided where nobody has to count steps', () => {
    expect(finding.decisions).toMatchObject([
      { kind: 'choice', site: 'io.read', taken: 1, at: { thread: 'system.2', step: 'choose io.read' } },
    ]);
  });

  it('has the same name and title for the same failure of the same program, and others for another', () => {
    expect(finding.title).toBe('reader.ts: check: the file cannot be read');
    expect(findingFileName(finding)).toMatch(/^netbsd-reader-[0-9a-f]{8}\.json$/);
    const again = { ...finding, schedule: NOTHING, preemptions: 9 };
    expect(findingFileName(again)).toBe(findingFileName(finding));
    const other = { ...finding, failure: { ...finding.failure, signature: 'check: y' } };
    expect(findingFileName(other)).not.toBe(findingFileName(finding));
    const entry = { ...finding, program: { kind: 'catalogue', id: 'netbsd-2019-mlock-zero' } as const };
    expect(findingFileName(entry)).toMatch(/^netbsd-2019-mlock-zero-[0-9a-f]{8}\.json$/);
  });

  it('is refused when nothing goes wrong under its schedule', () => {
    expect(() => findingOf(NOTHING)).toThrow('check: x does not come again when its schedule is repeated: reader.ts');
  });

  it.each<[what: string, broken: string, message: RegExp]>([
    ['is no JSON', '{', /^this is no finding: it is not JSON \(/],
    ['is no object', '[]', /^this is no finding: it must be an object, not \[\]$/],
    ['is of another kind', '{}', /^this is no finding: its field "format" is not "faultline finding"$/],
    ['has no version', edited(text, (data) => delete data['formatVersion']), /^the field "formatVersion" is missing$/],
    [
      'has another version',
      edited(text, (data) => Object.assign(data, { formatVersion: 2 })),
      /^this finding has version 2 of the format, and this Faultline reads version 1; use the Faultline that wrote it$/,
    ],
    ['misses a field', edited(text, (data) => delete data['failure']), /^the field "failure" is missing$/],
    [
      'has a number for a text',
      edited(text, (data) => Object.assign(data, { title: 7 })),
      /^the field "title" must be a text, not 7$/,
    ],
    [
      'has an unknown program',
      edited(text, (data) => Object.assign(data, { program: { kind: 'strace' } })),
      /^the field "program\.kind" must be "catalogue" or "syz" or "module", not "strace"$/,
    ],
    [
      'has half a switch',
      edited(text, (data) => Object.assign(data, { schedule: { switches: [[3]], choices: [], expiries: [] } })),
      /^the field "schedule\.switches\[0\]" must have 2 elements, not 1$/,
    ],
    [
      'has its switches out of order',
      edited(text, (data) =>
        Object.assign(data, {
          schedule: {
            switches: [
              [9, 1],
              [3, 2],
            ],
            choices: [],
            expiries: [],
          },
        }),
      ),
      /^the field "schedule\.switches" is not in order: step 3 comes after step 9$/,
    ],
    [
      'has a decision without a place',
      edited(text, (data) => Object.assign(data, { decisions: [{ switch: 'main.1' }] })),
      /^the field "decisions\[0\]\.thread" is missing$/,
    ],
    [
      'has a decision of no kind',
      edited(text, (data) => Object.assign(data, { decisions: [{ thread: 'a', within: 'b', step: 'c', nth: 1 }] })),
      /^the field "decisions\[0\]" decides nothing: it has none of "switch", "choice" and "expiry"$/,
    ],
    [
      'has half a check',
      edited(text, (data) => Object.assign(data, { checks: { every: 1, marks: 'abc', end: '' } })),
      /^the field "checks\.marks" must be pairs of letters and digits$/,
    ],
    [
      'has a machine that there is not',
      edited(text, (data) => Object.assign(data, { machine: { counterWidth: 8 } })),
      /^the field "machine\.counterWidth" must be 16 or 32$/,
    ],
  ])('that %s says so', (_what, broken, message) => {
    expect(() => parseFinding(broken)).toThrow(
      expect.objectContaining({ name: 'FindingError', message: expect.stringMatching(message) }),
    );
  });
});

describe('a digest', () => {
  it('is FNV-1a of the text, so that files keep their names', () => {
    expect(['', 'a', 'foobar'].map(digestOf)).toEqual(['cbf29ce484222325', 'af63dc4c8601ec8c', '85944171f73967e8']);
  });

  it('does not depend on how lines end', () => {
    expect(digestOf('a\r\nb\r\n')).toBe(digestOf('a\nb\n'));
    expect(digestOf('a\nb')).not.toBe(digestOf('b\na'));
  });
});

describe('a finding that is replayed', () => {
  it('comes again, each step as recorded', () => {
    const verdict = replayFinding(parseFinding(text), programModel(reader));
    expect(verdict).toMatchObject({ failed: 'same', followed: 'steps', differsAt: null, deviations: [] });
  });

  it('comes again any number of times', () => {
    expect(replayTimes(parseFinding(text), programModel(reader), 25)).toEqual({ times: 25, different: null });
  });

  it('comes again where its decisions were taken when the kernel takes other steps on the way, and says from which step on', () => {
    const patch = definePatch({
      id: 'slower',
      summary: 'mmap takes a step more',
      replace: {
        sys: {
          sysMmap: (original) =>
            function* (...args) {
              this.kern.choose('extra', 2);
              return yield* original.call(this, ...args);
            },
        },
      },
    });
    const verdict = replayFinding(finding, programModel(reader, { patches: [patch] }));
    expect(verdict).toMatchObject({ failed: 'same', followed: 'labels', deviations: [] });
    expect(verdict.differsAt).toBeGreaterThan(0);
  });

  it('does not come again when the program has changed, and says which decision could not be taken', () => {
    const quiet = defineProgram({ ...{ name: 'reader.ts', machine: { ramPages: 32 } }, *main() {} });
    const verdict = replayFinding(finding, programModel(quiet));
    expect(verdict).toMatchObject({ failed: 'none', followed: 'labels' });
    expect(verdict.deviations).toEqual([
      'the environment goes way 1 of io.read, with system.2 before any call, in front of "choose io.read": the execution does not come there',
    ]);
  });

  it('goes round again when it was a loop without an end, and not when there is an end', () => {
    const rounds = (most: number) =>
      defineProgram({
        name: 'rounds.ts',
        machine: { ramPages: 32 },
        *main(user) {
          for (let i = 0; i < most; i++) yield* user.munmap(X, PAGE_SIZE);
        },
      });
    const endless = programModel(rounds(Number.POSITIVE_INFINITY));
    const livelock: Failure = { ...failure, kind: 'livelock', signature: 'livelock: x' };
    const looping = makeFinding({
      model: endless,
      found: { schedule: NOTHING, preemptions: 0, steps: 60, failure: livelock },
      program: { kind: 'module', path: 'rounds.ts', digest: '' },
      patches: [],
      version: '0.1.0',
    });
    expect(looping).toMatchObject({ steps: 60, failure: { kind: 'livelock', signature: 'livelock: x' } });
    expect(replayFinding(looping, endless)).toMatchObject({ failed: 'same', followed: 'steps' });
    expect(replayFinding(looping, programModel(rounds(5)))).toMatchObject({ failed: 'none', followed: 'labels' });
  });

  it('notices a check that was tampered with, at its step', () => {
    const { marks } = finding.checks;
    const at = 6;
    const tampered = { ...finding, checks: { ...finding.checks, marks: `${marks.slice(0, at)}!!${marks.slice(at + 2)}` } };
    const verdict = replayFinding(tampered, programModel(reader));
    expect(verdict).toMatchObject({ failed: 'same', followed: 'labels' });
    expect(verdict.differsAt).not.toBeNull();
  });
});
