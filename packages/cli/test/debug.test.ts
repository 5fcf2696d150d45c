/** `faultline debug`: a session at the prompt, by a pipe. */
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runToEnd } from '../../../tools/child-process.js';
import { userFolder, writeCatalogueFinding } from './findings.js';

const MAIN = fileURLToPath(new URL('../bin/faultline.js', import.meta.url));

let folder = '';
let panic = '';
let check = '';
beforeAll(() => {
  folder = userFolder();
  panic = writeCatalogueFinding(folder, 'netbsd-race-wiring-map-busy');
  check = writeCatalogueFinding(folder, 'netbsd-2017-fixed-race');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the debugger answers to each command. */
function session(file: string, commands: readonly string[], flags: readonly string[] = []) {
  const { status, stdout, stderr } = runToEnd(process.execPath, [MAIN, 'debug', file, ...flags], {
    input: `${commands.join('\n')}\n`,
  });
  const [introduction = '', ...answers] = stdout.split(/^db\{0\}> .*\n/m);
  return { status, stderr, introduction, answers };
}

/** The number of the step in an answer. */
function stepIn(answer: string | undefined): number {
  return Number(/^step (\d+)/m.exec(answer ?? '')?.[1]);
}

describe('faultline debug', () => {
  it('begins in front of the first step of the program, and says how it ends', () => {
    const { introduction, status } = session(panic, []);
    expect(introduction).toMatch(/^Steps \d+ to \d+\. It ends with: panic: kernel diagnostic assertion/m);
    expect(introduction).toMatch(/^step \d+ +main\.1 \(lwp 1\.1\) in mlock\(0x100000, 4096\), in front of: attempt vmmaplk 1$/m);
    expect(status).toBe(0);
  });

  it('steps forwards and backwards', () => {
    const { answers } = session(panic, ['step', 'step 2', 'back', 'back 100', 'back']);
    const [first, third, second, start, before] = answers;
    expect(stepIn(second)).toBe(stepIn(first) + 1);
    expect(stepIn(third)).toBe(stepIn(first) + 2);
    expect(stepIn(start)).toBe(stepIn(first) - 1);
    expect(before).toMatch(/^this is the first step of the program; there is nothing before it\.$/m);
  });

  it('shows the machine as it is at each step, in both directions', () => {
    const { answers } = session(panic, ['show map', 'step', 'show map 1 --full', 'back', 'show map --pid 1 --full']);
    const [, , wired = '', , before = ''] = answers;
    expect(wired).toMatch(/wc=1/);
    expect(before).toMatch(/wc=0/);
  });

  it('goes on to the panic, where the kernel says its last words, and back from there', () => {
    const { answers } = session(panic, ['continue to panic', 'bt', 'ps', 'back', 'bt', 'continue']);
    const [end, stack, processes, before, stackBefore, again] = answers;
    expect(end).toMatch(/^end, after step \d+ in lwp 1\.2: panic: kernel diagnostic assertion "pg->wire_count != 0" failed$/m);
    expect(stack).toMatch(/^lwp 1\.2 \(main\.2\):\n {2}uvm_pageunwire\n {2}uvm_fault_unwire_locked\n/);
    expect(processes).toMatch(/^1 +> +2 7 .* lwp 1\.2 +main$/m);
    expect(before).toMatch(/^step \d+ +main\.2 \(lwp 1\.2\) in munlock\(0x100000, 4096\), in front of: acquire uvm_pageqlock$/m);
    expect(stackBefore).toMatch(/^ {2}uvm_fault_unwire_locked\n {2}uvm_map_entry_unwire\n/m);
    expect(again).toBe(end);
  });

  it('stops at breakpoints: on a call, a thread, an event, a switch; and goes back to them', () => {
    const { answers } = session(panic, [
      'break on mlock',
      'break on main.2',
      'break on clip',
      'show breaks',
      'continue',
      'continue',
      'back to break',
      'delete clip',
      'delete',
      'continue',
    ]);
    const [call, thread, event, breaks, first, second, back, deleted, none, end] = answers;
    expect(call).toMatch(/^break on call mlock: 1 place in this execution$/m);
    expect(thread).toMatch(/^break on thread main\.2: \d+ places? in this execution$/m);
    expect(event).toMatch(/^break on event clip: \d+ places in this execution$/m);
    expect(breaks).toBe('break on call mlock\nbreak on thread main.2\nbreak on event clip\n');
    expect(first).toMatch(/clip start +no split/);
    expect(second).toMatch(/^step \d+ +main\.2 /m);
    expect(back).toBe(first);
    expect([deleted, none]).toEqual(['no break on clip any more\n', 'there are no breakpoints any more\n']);
    expect(end).toMatch(/^end, /m);
  });

  it('says where the schedule was decided', () => {
    const { answers } = session(panic, ['show decisions']);
    expect(answers[0]).toMatch(/^step \d+, main\.1, acquire-read vmmaplk 1: main\.2 runs$/m);
  });

  it('shows locks, pages, objects, amaps and counters', () => {
    const { answers } = session(panic, [
      'step',
      'show locks',
      'show page 0',
      'show page/f 0',
      'show amap',
      'show uvmexp',
      'show object',
    ]);
    const [, locks, page, full, amap, uvmexp] = answers;
    expect(locks).toMatch(/^\* Lock 0 \(initialized as vmmaplk\)$/m);
    expect(page).toMatch(/^PAGE /m);
    expect(full?.length).toBeGreaterThan(page?.length ?? 0);
    expect(amap).toMatch(/amap/);
    expect(uvmexp).toMatch(/faults=/);
  });

  it('repeats step, back and continue at an empty line, as ddb does', () => {
    const { answers } = session(panic, ['step', '', 'show locks', '']);
    expect(stepIn(answers[1])).toBe(stepIn(answers[0]) + 1);
    expect(answers[3]).toBe('');
  });

  it('ends with quit, whatever comes after', () => {
    const { answers, status } = session(panic, ['step', 'quit', 'step']);
    expect(answers.length).toBe(2);
    expect(status).toBe(0);
  });

  it('steps through the cured kernel in the same schedule', () => {
    const { introduction, answers } = session(check, ['continue to panic'], ['--no-defect']);
    expect(introduction.replace(/\s+/g, ' ')).toContain(
      'This is not the recorded execution: the places of its decisions were followed.',
    );
    expect(answers[0]).toMatch(
      /^There is no panic in this execution; nothing goes wrong\.\n[\s\S]*end, after step \d+: nothing went wrong$/m,
    );
  });

  it('says what else goes wrong when there is no panic', () => {
    const { answers } = session(check, ['continue to panic']);
    expect(answers[0]).toMatch(/^There is no panic in this execution; what goes wrong is: check\.$/m);
  });

  describe('answers a mistake with a sentence, and goes on', () => {
    const mistakes: readonly (readonly [command: string, message: RegExp])[] = [
      ['jump', /^there is no command "jump"; there are step, back, continue, /],
      ['step x', /^step wants a number of steps from 1 up, not "x"\.$/m],
      ['back 0', /^back wants a number of steps from 1 up, not "0"\.$/m],
      ['go', /^go wants the number of a step, as in "go 14"\.$/m],
      ['go 100000', /^there is no step 100000; the program's steps are \d+ to \d+\.$/m],
      ['continue for ever', /^continue goes on to a breakpoint, "to panic" or "to end", not "for ever"\.$/m],
      ['break', /^break wants one word, as in "break on page-free"/],
      ['break on sunday', /^there is no event, call or thread "sunday" in this execution; there are the events /],
      ['back to break', /^there is no breakpoint; "break on munmap" makes one\.$/m],
      ['delete munmap', /^there is no breakpoint on "munmap"; "show breaks" lists those that there are\.$/m],
      ['show', /^there is no view ""; there are map, object, /],
      ['show amap 99', /^there is no amap 99; there is amap 1\.$/m],
      ['show map --id', /^--id wants a number, not ""\.$/m],
      ['show map wired', /^show map does not know what to do with "wired"; it takes --id NUMBER, --pid NUMBER, --full\.$/m],
      ['bt 7.7', /^there is no thread "7\.7"; there are main\.1, main\.2\.$/m],
      ['where now', /^where takes nothing, and was given "now"\.$/m],
    ];
    let answers: readonly string[] = [];
    beforeAll(() => {
      ({ answers } = session(panic, [...mistakes.map(([command]) => command), 'where']));
    });

    it.each(mistakes.map(([command, message], at) => ({ command, message, at })))('$command', ({ message, at }) => {
      expect(answers[at]).toMatch(message);
      expect(answers.at(-1)).toMatch(/^step \d+/m);
    });
  });
});
