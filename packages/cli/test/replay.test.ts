/** `faultline replay`: findings come again, step for step, and do not where they are cured. */
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { example, faultline, faultlineIn } from './command.js';
import { edit, userFolder, writeCatalogueFinding, writeModuleFinding } from './findings.js';

const RACE = 'netbsd-race-page-wait-interlock';

let folder = '';
beforeEach(() => {
  folder = userFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('faultline replay', () => {
  it('has a race again, each step as recorded, says which switches it takes, and exits with 1', () => {
    const file = writeCatalogueFinding(folder, RACE);
    const { status, stdout } = faultline('replay', file);
    expect(stdout).toMatch(new RegExp(`^${RACE}: sleeps-for-ever: resume page #$`, 'm'));
    expect(stdout).toMatch(/^NetBSD UVM · RAM 64 pages · DIAGNOSTIC on · replay · patch netbsd-race-page-wait-interlock$/m);
    expect(stdout).toMatch(/^FOUND {3}nothing can run: 1 thread waits and nothing will wake it$/m);
    expect(stdout).toMatch(/^ +The same failure comes again after \d+ steps, all of them as recorded\.$/m);
    expect(stdout).toMatch(/^ {2}main\.\d runs, with main\.\d before any call, in front of ".*"/m);
    expect(stdout).toContain(`faultline debug ${file}`);
    expect(status).toBe(1);
  });

  it('finds the packages, the finding and its module from wherever it is called', () => {
    const file = writeModuleFinding(folder);
    const { status, stdout } = faultlineIn(folder, 'replay', basename(file));
    expect(stdout).toMatch(/^FOUND {3}panic: kernel diagnostic assertion "pg->wire_count != 0" failed$/m);
    expect(stdout).toMatch(/^ +in uvm_pageunwire {2}uvm_fault_unwire_locked/m);
    expect(status).toBe(1);
  });

  it('repeats it as often as is wanted, and says that all were the same', () => {
    const file = writeCatalogueFinding(folder, RACE);
    const { status, stdout } = faultline('replay', file, '--times', '100');
    expect(stdout).toMatch(/comes again 100 times after \d+ steps, all of them as recorded each time\.$/m);
    expect(status).toBe(1);
  });

  it('exits with 0 when it does not come any more, on the kernel of today and with a fix', () => {
    const file = writeCatalogueFinding(folder, RACE);
    for (const flags of [['--no-defect'], ['--fix', 'netbsd-page-wait-keeps-interlock']]) {
      const { status, stdout } = faultline('replay', file, ...flags);
      expect(stdout).toMatch(/^OK {6}Nothing goes wrong under this schedule/m);
      expect(status).toBe(0);
    }
  });

  it('exits with 1 when a fix is none', () => {
    const file = writeModuleFinding(folder);
    const path = join(folder, 'useless.mjs');
    writeFileSync(path, "export const useless = { id: 'useless', summary: 'changes nothing', replace: {} };\n");
    const { status, stdout } = faultline('replay', file, '--fix', path);
    expect(stdout).toContain('patch useless');
    expect(stdout).toMatch(/The same failure comes again, with all of its decisions at the places/);
    expect(status).toBe(1);
  });

  it('takes one patch of a module of several, by its name', () => {
    const file = writeModuleFinding(folder);
    for (const name of ['busyAgain', 'map-busy-again']) {
      const { status, stdout } = faultline('replay', file, '--fix', `${join(folder, 'race.ts')}#${name}`);
      expect(stdout).toMatch(/patch map-never-busy · patch map-busy-again$/m);
      expect(status).toBe(0);
    }
    const { status, stderr } = faultline('replay', file, '--fix', `${join(folder, 'race.ts')}#none`);
    expect(stderr).toMatch(/race\.ts: the module exports no patch "none"; it exports map-busy-again, map-never-busy\.$/m);
    expect(status).toBe(2);
  });

  it('prints the same as data with --json', () => {
    const file = writeCatalogueFinding(folder, RACE);
    const result = JSON.parse(faultline('replay', file, '--json').stdout);
    expect(result).toMatchObject({ failed: 'same', followed: 'steps', differsAt: null, changed: false, times: 1, warnings: [] });
    expect(result.decisions.length).toBe(result.schedule.switches.length);
  });

  it('follows the places of the decisions when the program has changed, and says since when it is another execution', () => {
    const file = writeModuleFinding(folder);
    edit(join(folder, 'race.ts'), (text) =>
      text.replace(
        '    yield* user.store8(AT, 1);',
        '    yield* user.store8(AT, 1);\n    yield* user.madvise(AT, PAGE_SIZE, 0);',
      ),
    );
    const { status, stdout } = faultline('replay', file);
    expect(stdout).toMatch(/The same failure comes again, with all of its decisions at the places that they were/);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/From step \d+ on it is another execution than the recorded one/);
    expect(stdout).toMatch(/race\.ts has changed since the finding was made\./);
    expect(status).toBe(1);
  });

  it('is not disturbed by a comment in the program', () => {
    const file = writeModuleFinding(folder);
    edit(join(folder, 'race.ts'), (text) => `// A remark.\n${text}`);
    const { status, stdout } = faultline('replay', file);
    expect(stdout).toMatch(/all of them as recorded\.$/m);
    expect(stdout).toMatch(/race\.ts has changed since the finding was made\./);
    expect(status).toBe(1);
  });

  it.each<[what: string, text: string, message: RegExp]>([
    ['is no JSON', '{"format": "faultline', /x\.json: this is no finding: it is not JSON \(.+\)\.$/m],
    ['is something else', '{"name": "x"}', /x\.json: this is no finding: its field "format" is not "faultline finding"\.$/m],
    [
      'is of a later version',
      '{"format": "faultline finding", "formatVersion": 9}',
      /x\.json: this finding has version 9 of the format/,
    ],
    ['lacks a field', '{"format": "faultline finding", "formatVersion": 1}', /x\.json: the field "title" is missing\.$/m],
  ])('says what is wrong with a file that %s', (_what, text, message) => {
    const file = join(folder, 'x.json');
    writeFileSync(file, text);
    const { status, stderr } = faultline('replay', file);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
  });

  it.each<[what: string, change: (text: string) => string, message: RegExp]>([
    [
      'an entry that there is not',
      (text) => text.replace(`"id": "${RACE}"`, '"id": "x"'),
      /its program is entry "x" of the catalogue, which has none/,
    ],
    [
      'a patch that there is not',
      (text) => text.replace(/("patches": \[\n {2}\{\n {3}"id": )"[^"]*"/, '$1"y"'),
      /it was made with patch "y" of the catalogue, which has none of that name\.$/m,
    ],
  ])('says that a finding names %s', (_what, change, message) => {
    const file = writeCatalogueFinding(folder, RACE);
    edit(file, change);
    const { status, stderr } = faultline('replay', file);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it('says which module it misses', () => {
    const file = writeModuleFinding(folder);
    rmSync(join(folder, 'race.ts'));
    const { status, stderr } = faultline('replay', file);
    expect(stderr).toMatch(/it needs \S*race\.ts, and there is no such file\.$/m);
    expect(status).toBe(2);
  });

  it('goes by the places of the decisions when the schedule by steps does not fit, and says why it does not', () => {
    const file = writeCatalogueFinding(folder, RACE);
    edit(file, (text) => text.replace(/"switches": \[\n {3}\[(\d+), \d+\]/, '"switches": [\n   [$1, 77]'));
    const { status, stdout } = faultline('replay', file);
    const said = stdout.replace(/\s+/g, ' ');
    expect(said).toMatch(/The same failure comes again, with all of its decisions at the places/);
    expect(said).toMatch(/\(the schedule wants thread 77 to run at step \d+, but only/);
    expect(status).toBe(1);
  });

  it.each<[what: string, args: readonly string[], message: RegExp]>([
    ['there is no file', ['none.json'], /none\.json: there is no such file\.$/m],
    ['it is a folder', ['.'], /this is not a regular file/],
    ['it is a program', [example('syz/mlock-zero.syz')], /this is no finding: it is not JSON/],
  ])('says that %s', (_what, args, message) => {
    const { status, stderr } = faultlineIn(folder, 'replay', ...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });

  it('refuses to compare the steps of another kernel', () => {
    const file = writeCatalogueFinding(folder, RACE);
    const { status, stderr } = faultline('replay', file, '--times', '2', '--no-defect');
    expect(stderr).toMatch(/--times compares each step with the finding's, and --no-defect changes the kernel/);
    expect(status).toBe(2);
  });
});
