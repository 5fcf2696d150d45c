import { execPath } from 'node:process';
import { expect, it } from 'vitest';
import { runToEnd } from './child-process.js';

it('gives what a process came to', () => {
  const script = 'process.stdin.pipe(process.stdout); process.stderr.write(process.cwd()); process.exitCode = 3';
  expect(runToEnd(execPath, ['-e', script], { cwd: '/', input: 'text' })).toEqual({
    status: 3,
    signal: null,
    stdout: 'text',
    stderr: '/',
  });
  expect(runToEnd(execPath, ['-e', 'process.kill(process.pid, "SIGKILL")'])).toMatchObject({ status: null, signal: 'SIGKILL' });
});

it('says why there is no process', () => {
  expect(() => runToEnd('/no/such/program', [])).toThrow('spawnSync /no/such/program ENOENT');
});
