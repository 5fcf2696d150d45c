/** Why an interleaving goes wrong, as text: what went wrong first, from where on it was too late, what would have gone well, the trace. */
import type { Race, RacingStep, TracedStep } from '@faultline/explorer';
import { hex, PROT_EXEC, PROT_WRITE } from '@faultline/kernel';
import type { FirstBroken } from './first-broken.js';
import type { FoundExplanation } from './found.js';
import type { LoudRun } from './loud-run.js';
import { callText, count, fill, resultText, violationsText } from './report.js';
import type { ThreadLetters } from './thread-letters.js';
import { traceTable } from './trace-table.js';

/** Lines of a structure that are shown, before and after. */
const MOST_STRUCTURE_LINES = 8;
/** Lines of what the failure says of itself. */
const MOST_WORDS = 5;
/** Calls that are shown between a broken invariant and the symptom. */
const MOST_CALLS = 8;
/** Column at which the number and the cost of the schedule stand, as in the other reports. */
const VERDICT_COLUMN = 74;

/** An explanation as lines; `counted` says how much was explored. */
export function foundText(explanation: FoundExplanation, name: string, counted: readonly string[]): string[] {
  const { title, found, letters, trace, threads } = explanation;
  return [
    `FOUND   ${title}`.padEnd(VERDICT_COLUMN).concat(` ${name}`),
    ...counted.flatMap((line) => fill(line, '        ', '        ')),
    `        ${simplestText(found)}`,
    '',
    ...firstText(explanation),
    ...sleepsText(explanation),
    ...turnText(explanation),
    '',
    ...traceTable(trace.rows, threads, letters),
    ...(trace.leftOut === 0
      ? []
      : ['', `  Left out: ${count(trace.leftOut, 'step')} and events that no other thread could notice, or that say less.`]),
    '',
    ...kernelText(explanation),
    ...aftermathText(explanation),
  ];
}

/** What the broken invariant would have come to. */
function aftermathText({ aftermath, letters }: FoundExplanation): string[] {
  if (aftermath === null) return [];
  const { failure, calls } = aftermath;
  const shown = calls.slice(-MOST_CALLS);
  const told = shown.flatMap((call) =>
    fill(
      `${letters.of({ name: call.lwp })}  ${callText(call)}${call.result === null ? '' : ` = ${resultText(call.result)}`}`,
      '  ',
      '     ',
    ),
  );
  const words = failure.message.split('\n').slice(0, MOST_WORDS);
  return [
    '',
    'What comes of it if nobody looks',
    ...(shown.length < calls.length ? ['  …'] : []),
    ...told,
    ...words.map((line) => `  ${line}`.trimEnd()),
    ...(failure.frames.length === 0 ? [] : fill(`${failure.frames.join('  ')}   lwp ${failure.lwp}`, '    ', '      ')),
  ];
}

function simplestText({ preemptions, fewestPreemptions, steps, loop }: FoundExplanation['found']): string {
  const fewer = preemptions === 0 ? '' : fewestPreemptions ? ` (${preemptions - 1} is impossible)` : ' (fewer may do)';
  const round = loop === undefined ? '' : `, the last ${loop.to - loop.from} of them again and again`;
  const switches = preemptions === 0 ? 'no preemption' : count(preemptions, 'preemption');
  return `Simplest schedule: ${switches}${fewer}, ${count(steps, 'step')}${round}.`;
}

function firstText({ first, failure, letters, run }: FoundExplanation): string[] {
  if (first === null) {
    if (failure.kind !== 'panic') return [];
    return ['What went wrong first: nothing that could be seen. No invariant was false at a quiet point before the panic.', ''];
  }
  const { step, known, violations } = first;
  const call = run.calls.findLast(({ lwp, from }) => lwp === step.thread.name && from <= step.number);
  const where = call === undefined || call.name !== step.call ? '' : `, in ${callText(call)}`;
  return [
    ...fill(`What went wrong first: step ${step.number}, ${letters.actor(step)} ${letters.does(step)}${where}`, '', '  '),
    '  From then on it is false that',
    ...violationsText(violations),
    ...(known === 'advice' ? ['  A kernel may do so and come to no harm. This one came to it.'] : []),
    ...(known === 'returned' ? ['  The call that made it so has returned since; no quiet point came in between.'] : []),
    ...structureText(first),
    '',
  ];
}

function structureText({ before, after }: FirstBroken): string[] {
  const side = (title: string, lines: readonly string[]): string[] => {
    const shown = lines.slice(0, MOST_STRUCTURE_LINES);
    if (lines.length > shown.length) shown.push(`… and ${lines.length - shown.length} more lines`);
    return shown.map((line, index) => `    ${(index === 0 ? title : '').padEnd(8)}${line.replace(/\t/g, '  ').trimEnd()}`);
  };
  return [...side('before', before), ...side('after', after)];
}

function sleepsText({ sleeps, letters }: FoundExplanation): string[] {
  return sleeps.flatMap(({ kind, sleeper, channel, message, check, wakeup, sleep }) => {
    const who = letters.of(sleeper);
    const what = `${channel}${message === '' ? '' : ` ("${message}")`}`;
    if (kind === 'lost' && check !== null && wakeup !== null) {
      return [
        `The wakeup of ${who} on ${what} is lost:`,
        `  step ${check.number}, check:   ${letters.actor(check)} ${letters.does(check)}, and has to wait`,
        `  step ${wakeup.number}, wakeup:  ${letters.actor(wakeup)} ${letters.does(wakeup)} yet`,
        `  step ${sleep.number}, sleep:   ${letters.actor(sleep)} ${letters.does(sleep)}, and nobody wakes it any more`,
      ];
    }
    if (kind === 'taken' && wakeup !== null) {
      return [
        `${who} sleeps on ${what} since step ${sleep.number}: the wakeup of step ${wakeup.number} went to ${letters.all(wakeup.woke)}.`,
      ];
    }
    return [`${who} sleeps on ${what} since step ${sleep.number}, and nobody ever wakes it.`];
  });
}

/** What a step is part of, if it is part of a fault: `, for a store to 0x200000`. */
function faultText({ thread, call, number }: TracedStep, { faults }: LoudRun): string {
  const fault = faults.find(({ lwp, from, to }) => call === '' && lwp === thread.name && from <= number && number <= to);
  if (fault === undefined) return '';
  const what = fault.access & PROT_WRITE ? 'a store to' : fault.access & PROT_EXEC ? 'an instruction at' : 'a load from';
  return `, for ${what} ${hex(fault.va)}`;
}

/** The point of no return, and what would have gone well. */
function turnText({ found, pointOfNoReturn, race, instead, letters, run }: FoundExplanation): string[] {
  const lines: string[] = [];
  const { waysBefore } = found;
  if (waysBefore?.well === 0) return ['Point of no return: the start. No interleaving ends well.'];
  if (pointOfNoReturn !== null) {
    const ways =
      waysBefore === undefined
        ? ''
        : ` Before it, ${waysBefore.well} of ${count(waysBefore.all, 'way')} on end well; after it, none.`;
    const what = `${letters.actor(pointOfNoReturn)} ${letters.does(pointOfNoReturn)}${faultText(pointOfNoReturn, run)}`;
    lines.push(...fill(`Point of no return: step ${pointOfNoReturn.number}, ${what}.${ways}`, '', '  '));
  } else if (found.pointOfNoReturn === null && found.loop === undefined) {
    lines.push('Point of no return: not known, because not everything was explored.');
  }
  if (race !== null) lines.push(...fill(`Nearest schedule that ends well: ${raceText(race, letters)}.`, '', '  '));
  else if (found.nearestGood !== null) {
    const { leavesAt } = found.nearestGood;
    const how = instead === null ? 'it leaves this one' : `${letters.of(instead)} goes on`;
    lines.push(`Nearest schedule that ends well: ${how} at step ${leavesAt}.`);
  }
  return lines;
}

/** `A's mlock takes vmmaplk 3 (step 27) before B's munmap takes it (step 22)` */
export function raceText({ first, second }: Race, letters: ThreadLetters): string {
  const tell = (step: RacingStep, object: string): string =>
    `${letters.actor(step)} ${letters.does({ ...step, object })} (${step.number === null ? 'never reached here' : `step ${step.number}`})`;
  return `${tell(second, second.object)} before ${tell(first, 'it')}`;
}

/** The failure in the words of whoever noticed it, and where each thread stands. */
function kernelText({ failure, letters, standing }: FoundExplanation): string[] {
  const { message, frames, lwp } = failure;
  const words = message.split('\n');
  const lines = words.slice(0, MOST_WORDS).map((line) => `  ${line}`.trimEnd());
  if (words.length > MOST_WORDS) lines.push(`  … and ${words.length - MOST_WORDS} more like these`);
  if (frames.length > 0)
    lines.push(...fill(frames.join('  '), '    ', '      '), `    in lwp ${lwp} (${letters.of({ name: lwp })})`);
  const others = standing.filter(
    ({ thread, call, waits, frames: stack }) => thread.name !== lwp && (call !== '' || waits !== '' || stack.length > 0),
  );
  if (others.length === 0) return lines;
  lines.push('', lwp === '' ? '  Where the threads stand' : '  Where the other threads stand');
  for (const { thread, call, waits, frames: stack } of others) {
    const where =
      call !== '' ? `in ${call}` : stack.at(-1) === 'trap' ? 'in a fault' : stack.length > 0 ? 'in the kernel' : 'in user mode';
    const parts = [where, ...(waits === '' ? [] : [waits])];
    lines.push(...fill(`${letters.of(thread)}  lwp ${thread.name}, ${parts.join(', ')}`, '    ', '       '));
    if (stack.length > 0) lines.push(...fill(stack.join('  '), '       ', '       '));
  }
  return lines;
}
