/** What is wrong in a module of a user's is told as that, with the place in the user's file, and exit status 2. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultline } from './command.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'faultline-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes `x.ts`: a program in which `definition`, from the third line on, is what defineProgram is given. */
function program(definition: string): string {
  const path = join(folder, 'x.ts');
  writeFileSync(path, `import { defineProgram } from '@faultline/program';\n\nexport default defineProgram(${definition});\n`);
  return path;
}

describe('a module of a user’s', () => {
  it.each<[what: string, definition: string, message: RegExp]>([
    ['throws while it is loaded', "(() => {\n throw new Error('early');\n})()", /x\.ts:4: early\.$/m],
    ['is no TypeScript', '{ *main(user) {\n let x = ; } }', /x\.ts:4:10: ParseError: Unexpected token\.$/m],
    ['throws in main', '{ *main(user) {\n null.x; } }', /x\.ts:4: TypeError: Cannot read properties of null/],
    ['throws in its set-up', "{ *setUp() {\n throw new RangeError('no'); }, *main() {} }", /x\.ts:4: RangeError: no\.$/m],
    ['throws in its check', "{ *main() {},\n check() { throw new Error('no'); } }", /x\.ts:4: no\.$/m],
    ['throws what is no error', "{ *main() { throw 'no'; } }", /x\.ts: "no" is thrown; throw an Error/],
    ['throws later', "{ *main() { Promise.reject(new Error('late'));\n } }", /x\.ts:\d+: late\.$/m],
    ['recurses for ever', '{ *main() { (function f() { f(); })() } }', /x\.ts:3: RangeError: Maximum call stack size/],
    ['has no generator for main', '{ main() { return 42; } }', /x\.ts: .*not iterable.* is a generator function: \*main\(user\)/],
    ['has no main', '{}', /x\.ts:3: TypeError: main of a program is undefined, not a generator function/],
    [
      'forgets a yield* in front of a call',
      '{ *main(user) {\n yield* user.mlock(user.mmap(0, 4096, 3, 0x1002), 4096); } }',
      /x\.ts:4: TypeError: argument 1 of mlock is \[object Generator\], not a number; a yield\* may be missing/,
    ],
    ['checks and answers with no list', '{ *main() {}, check: () => 42 }', /x\.ts: check gives 42; give an array of sentences/],
    ['ends the command', '{ *main() { process.exit(0); } }', /ended the command before its run was over: it calls process\.exit/],
  ])('that %s', (_what, definition, message) => {
    const { status, stderr } = faultline('run', program(definition));
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^ {4}at /m);
    expect(status).toBe(2);
  });

  it('can import the packages from wherever it is, as the real files of host-node', () => {
    const host =
      "{ files: { '/x': new HostFile(import.meta.filename, { access: 'read-only' }) }, *main(user) { yield* user.open('/x', 0); } }";
    const path = program(host);
    writeFileSync(path, `import { HostFile } from '@faultline/host-node';\n${readFileSync(path, 'utf8')}`);
    const { status, stdout } = faultline('run', path);
    expect(stdout).toContain('open("/x", 0) = 0');
    expect(status).toBe(0);
  });

  it('that leaves a timer behind does not keep the command', () => {
    const { status, stdout } = faultline('run', program('(setInterval(() => {}, 60_000), { *main() {} })'));
    expect(stdout).toMatch(/^OK {3}0 calls/m);
    expect(status).toBe(0);
  });

  it('that is a patch and throws has its place as well, whatever runs', () => {
    const path = join(folder, 'p.mjs');
    const replace = '{ uvm: { uvmMapPageable: () => () => { throw new Error("mine"); } } }';
    writeFileSync(path, `export const p = { id: 'p', summary: 'p',\n replace: ${replace} };\n`);
    const { status, stderr } = faultline('run', 'catalogue:netbsd-2019-mlock-zero', '--patch', path);
    expect(stderr).toMatch(/p\.mjs:2: mine\.$/m);
    expect(status).toBe(2);
  });

  it('that does something else each time has what was found told, and why there is no more to tell', () => {
    const path = program(`((n) => ({ *main(user) {
      const at = yield* user.mmap(0, 8192, 3, 0x1002);
      yield* user.store32(at + 4096, 1);
      if (n++ === 0) yield* user.mlock(at + 4096, 0);
    } }))(0)`);
    const { status, stdout } = faultline('run', path, '--patch', 'netbsd-2019-mlock-zero');
    expect(stdout).toMatch(/^FOUND/m);
    expect(stdout).toMatch(/What went wrong first: call 2 of 2, mlock\(0x[0-9a-f]+, 0\) = 0/);
    expect(stdout).toMatch(
      /does not do the same when it is run again:\n {2}call 2 was mlock\(0x[0-9a-f]+, 0\) = 0, and is not made\./,
    );
    expect(status).toBe(1);
  });
});
