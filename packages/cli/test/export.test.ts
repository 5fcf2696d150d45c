/** `faultline export`: the tests that it writes fail with the defect, and pass without. */
import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runToEnd } from '../../../tools/child-process.js';
import { faultline, faultlineIn } from './command.js';
import { userFolder, writeCatalogueFinding, writeModuleFinding, writeSyzFinding } from './findings.js';

const VITEST = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
const RACE = 'netbsd-race-page-wait-interlock';
/** The zero-length mlock of 2019, with calls that have nothing to do with it. */
const SYZ = `mmap(&(0x7f0000000000/0x32000)=nil, 0x32000, 0x3, 0x1012, 0xffffffffffffffff, 0x0, 0x0)
munmap(&(0x7f0000020000/0x1000)=nil, 0x1000)
write(0xffffffffffffffff, &(0x7f0000009000)="01", 0x1)
mlock(&(0x7f0000009000/0x1000)=nil, 0x0)
getpid()
`;

let folder = '';
beforeEach(() => {
  folder = userFolder();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the tests in the folder as a user does. */
function runTests(environment: NodeJS.ProcessEnv = {}): { status: number | null; output: string } {
  const { FAULTLINE_DEFECT: _, VITEST: __, ...env } = process.env;
  const { status, stdout, stderr } = runToEnd(process.execPath, [VITEST, 'run', '--root', folder], {
    cwd: folder,
    env: { ...env, NO_COLOR: '1', ...environment },
  });
  return { status, output: stdout + stderr };
}

describe('faultline export', () => {
  it('writes tests of an entry of the catalogue, a module and a syzkaller program, which fail with the defect and pass without', () => {
    const race = writeCatalogueFinding(folder, RACE);
    const ofRace = faultline('export', race);
    expect(ofRace.stdout).toContain(`Written: ${race.replace(/\.json$/, '.test.ts')}`);
    expect(ofRace.stdout).toMatch(/^With the patches of the finding the test fails: sleeps-for-ever: resume page #\.$/m);
    expect(ofRace.stdout).toMatch(/^On the kernel of today the test passes\.$/m);

    const module = basename(writeModuleFinding(folder));
    const ofModule = faultlineIn(folder, 'export', module, '--out', 'kept.test.ts', '--fix', 'race.ts#busyAgain');
    expect(ofModule.stdout).toMatch(/^With race\.ts#busyAgain the test passes\.$/m);
    const text = readFileSync(join(folder, 'kept.test.ts'), 'utf8');
    expect(text).toMatch(/^import program from '\.\/race\.ts';$/m);
    expect(text).toMatch(/^import \{ neverBusy as patch1 \} from '\.\/race\.ts';$/m);
    expect(text).toMatch(/^import \{ busyAgain as patch2 \} from '\.\/race\.ts';$/m);
    expect(text).not.toMatch(/from '(?!@faultline\/|vitest'|\.\/race\.ts')/);

    const syz = writeSyzFinding(folder, SYZ, 'netbsd-2019-mlock-zero');
    const ofSyz = faultline('export', syz);
    const shrunk = readFileSync(syz.replace(/\.json$/, '.syz'), 'utf8');
    expect(shrunk).toMatch(/^mlock\(/m);
    expect(shrunk).not.toMatch(/getpid|munmap/);
    expect([ofRace, ofModule, ofSyz].map(({ status }) => status)).toEqual([0, 0, 0]);

    expect(runTests()).toMatchObject({ status: 0, output: expect.stringMatching(/Tests +3 passed/) });
    const withDefect = runTests({ FAULTLINE_DEFECT: '1' });
    expect(withDefect).toMatchObject({ status: 1, output: expect.stringMatching(/Tests +3 failed/) });
    expect(withDefect.output).toContain('"signature": "sleeps-for-ever: resume page #"');
  });

  it('does not overwrite what is there unless it is told to', () => {
    const file = writeCatalogueFinding(folder, RACE);
    expect(faultline('export', file).status).toBe(0);
    const { status, stderr } = faultline('export', file);
    expect(stderr).toMatch(/\.test\.ts is there already; name another file with --out, or have it overwritten with --force\.$/m);
    expect(status).toBe(2);
    expect(faultline('export', file, '--force').status).toBe(0);
  });

  it('says that the file cannot be written', () => {
    const file = writeCatalogueFinding(folder, RACE);
    const { status, stderr } = faultline('export', file, '--out', join(folder, 'no', 'such.test.ts'));
    expect(stderr).toMatch(/^faultline: .*such\.test\.ts.*\n$/);
    expect(status).toBe(2);
  });
});
