/**
 * A debugger in the manner of ddb(4), over an execution that can be repeated: so it goes backwards as well as forwards.
 *
 * To go somewhere is to choose a place in the timeline; the machine as it is there is had by running the execution up to it.
 */
import { VIEW_KINDS, view } from '@faultline/kernel';
import type { ProgramModel } from '@faultline/program';
import { UsageError } from '../usage.js';
import { type Breakpoint, breakpointOf, stopsAt } from './breakpoints.js';
import { viewRequest } from './show.js';
import { type Halted, haltAt, recordTimeline, type StrategySource, type Timeline } from './timeline.js';
import { eventLines, placeText, whereLines } from './words.js';

/** What a command answers: lines to print, or that the session is over. */
export type Answer = readonly string[] | 'quit';

type Handler = (args: readonly string[]) => Answer;

const HELP = [
  'step [n]              go n steps forwards',
  'back [n]              go n steps backwards',
  'back to break         go back to the last place at which a breakpoint stops',
  'continue              go on to the next breakpoint, or to the end',
  'continue to panic     go on to the end, where what was found shows; "to end" means the same',
  'go step               go to the step of that number',
  'break on WORD         stop at a kind of event (page-free), a system call (munmap), a thread (main.2), or at each switch',
  'delete [WORD]         forget that breakpoint, or all',
  'where                 which thread is in front of which step, and what the last step did',
  'bt [thread]           the kernel functions that the current thread, or another one, is in',
  'ps                    processes and threads',
  'show VIEW [number] [--id n] [--pid n] [--page n] [--full]',
  `                      a view as "faultline show" gives it: ${VIEW_KINDS.map(({ kind }) => kind).join(', ')}`,
  'show breaks           the breakpoints',
  'show events           what the last step did',
  'show decisions        where something else was decided than each thread running until it blocks',
  'quit                  leave; so does the end of the input',
];

/** Short forms, as in ddb. */
const SHORT: Readonly<Record<string, string>> = {
  s: 'step',
  b: 'break',
  c: 'continue',
  trace: 'bt',
  d: 'delete',
  q: 'quit',
  exit: 'quit',
  h: 'help',
  '?': 'help',
};
/** Commands that an empty line repeats. */
const REPEATED: ReadonlySet<string> = new Set(['step', 'back', 'continue']);

/** The debugger. */
export class Debugger {
  readonly timeline: Timeline;
  readonly #model: ProgramModel;
  readonly #source: StrategySource;
  readonly #breakpoints: Breakpoint[] = [];
  readonly #handlers: Readonly<Record<string, Handler>> = {
    step: (args) => this.#step(args),
    back: (args) => this.#back(args),
    continue: (args) => this.#continue(args),
    go: (args) => this.#go(args),
    break: (args) => this.#break(args),
    delete: (args) => this.#delete(args),
    where: (args) => this.#nothingElse('where', args, () => whereLines(this.timeline, this.#at)),
    bt: (args) => this.#backtrace(args),
    ps: (args) => this.#show(['ps', ...args]),
    show: (args) => this.#show(args),
    help: () => HELP,
    quit: () => 'quit',
  };
  /** The number of the stop; as many as there are stops for the end. */
  #at = 0;
  #halted: (Halted & { readonly at: number }) | null = null;
  #last = '';

  /** @param maxSteps steps after which the execution is given up */
  constructor(model: ProgramModel, source: StrategySource, maxSteps: number) {
    this.#model = model;
    this.#source = source;
    this.timeline = recordTimeline(model, source, maxSteps);
  }

  /** Does what a line says. @throws {UsageError} with a sentence when it says nothing that can be done */
  execute(line: string): Answer {
    const words = line.trim() === '' ? this.#last : line.trim();
    const [name = '', ...args] = words.split(/\s+/);
    if (name === '') return [];
    const command = SHORT[name] ?? name;
    const handler = Object.hasOwn(this.#handlers, command) ? this.#handlers[command] : undefined;
    if (handler === undefined) {
      throw new UsageError(`there is no command "${name}"; there are ${Object.keys(this.#handlers).join(', ')}`);
    }
    this.#last = REPEATED.has(command) ? words : '';
    return handler(args);
  }

  get #end(): number {
    return this.timeline.stops.length;
  }

  #step(args: readonly string[]): Answer {
    const count = countOf(args, 'step');
    if (this.#at === this.#end) throw new UsageError('this is the end; "back" goes backwards from it');
    return this.#goTo(Math.min(this.#end, this.#at + count));
  }

  #back(args: readonly string[]): Answer {
    if (args[0] === 'to' && args[1] === 'break' && args.length === 2) return this.#backToBreak();
    const count = countOf(args, 'back');
    if (this.#at === 0) throw new UsageError('this is the first step of the program; there is nothing before it');
    return this.#goTo(Math.max(0, this.#at - count));
  }

  #backToBreak(): Answer {
    if (this.#breakpoints.length === 0) throw new UsageError('there is no breakpoint; "break on munmap" makes one');
    for (let at = this.#at - 1; at >= 0; at--) if (this.#isBreak(at)) return this.#goTo(at);
    throw new UsageError('no breakpoint stops before this step');
  }

  #continue(args: readonly string[]): Answer {
    if (args.length > 0 && !(args[0] === 'to' && args.length === 2 && ['panic', 'end'].includes(args[1] ?? '')))
      throw new UsageError(`continue goes on to a breakpoint, "to panic" or "to end", not "${args.join(' ')}"`);
    if (this.#at === this.#end) throw new UsageError('this is the end; "back" goes backwards from it');
    if (args.length === 2) return this.#toEnd(args[1] ?? '');
    for (let at = this.#at + 1; at < this.#end; at++) if (this.#isBreak(at)) return this.#goTo(at);
    return this.#goTo(this.#end);
  }

  #toEnd(word: string): Answer {
    const { failure } = this.timeline;
    const none = word === 'panic' && failure?.kind !== 'panic';
    const what = failure === null ? 'nothing goes wrong' : `what goes wrong is: ${failure.kind}`;
    return [...(none ? [`There is no panic in this execution; ${what}.`] : []), ...this.#goTo(this.#end)];
  }

  #go(args: readonly string[]): Answer {
    const step = Number(args[0]);
    if (args.length !== 1 || !/^\d+$/.test(args[0] ?? '')) throw new UsageError('go wants the number of a step, as in "go 14"');
    const at = this.timeline.stops.findIndex((stop) => stop.step >= step);
    const first = this.timeline.stops[0]?.step ?? 0;
    if (at < 0 || step < first)
      throw new UsageError(
        `there is no step ${step}; the program's steps are ${first} to ${this.timeline.stops.at(-1)?.step ?? 0}`,
      );
    return this.#goTo(at);
  }

  #goTo(at: number): string[] {
    this.#at = at;
    return whereLines(this.timeline, at);
  }

  #isBreak(at: number): boolean {
    const stop = this.timeline.stops[at];
    return stop !== undefined && this.#breakpoints.some((breakpoint) => stopsAt(breakpoint, stop));
  }

  #break(args: readonly string[]): Answer {
    const [first = '', second] = args;
    const word = first === 'on' ? (second ?? '') : first;
    if (word === '' || args.length > (first === 'on' ? 2 : 1))
      throw new UsageError('break wants one word, as in "break on page-free", "break on munmap" or "break on main.2"');
    const breakpoint = breakpointOf(this.timeline, word);
    if (!this.#breakpoints.some((known) => known.word === word)) this.#breakpoints.push(breakpoint);
    const places = this.timeline.stops.filter((stop) => stopsAt(breakpoint, stop)).length;
    return [`break on ${breakpoint.kind} ${word}: ${places} place${places === 1 ? '' : 's'} in this execution`];
  }

  #delete(args: readonly string[]): Answer {
    const word = args[0] === 'on' ? args[1] : args[0];
    if (word === undefined) {
      this.#breakpoints.length = 0;
      return ['there are no breakpoints any more'];
    }
    const index = this.#breakpoints.findIndex((breakpoint) => breakpoint.word === word);
    if (index < 0) throw new UsageError(`there is no breakpoint on "${word}"; "show breaks" lists those that there are`);
    this.#breakpoints.splice(index, 1);
    return [`no break on ${word} any more`];
  }

  #show(args: readonly string[]): Answer {
    const [kind = ''] = args;
    if (kind === 'breaks') return this.#breakpoints.map((breakpoint) => `break on ${breakpoint.kind} ${breakpoint.word}`);
    if (kind === 'decisions') return this.#decisions();
    if (kind === 'events') return eventLines(this.timeline, this.#at);
    const { system } = this.#machine().session;
    const request = viewRequest(args);
    try {
      return view(system, request).text.split('\n');
    } catch (error) {
      throw new UsageError(error instanceof Error ? error.message : String(error));
    }
  }

  #decisions(): Answer {
    const decided = this.timeline.stops.filter(({ decision }) => decision !== null);
    if (decided.length === 0) return ['each thread runs until it blocks'];
    return decided.map((stop) => `${placeText(stop)}: ${stop.decision}`);
  }

  #backtrace(args: readonly string[]): Answer {
    if (args.length > 1) throw new UsageError('bt wants one thread, as in "bt 1.2"');
    const stop = this.timeline.stops[this.#at] ?? this.timeline.stops.at(-1);
    const { failure } = this.timeline;
    const named = args[0] ?? (this.#at === this.#end && failure?.lwp ? failure.lwp : stop?.lwp);
    const asked = this.timeline.stops.find(({ thread, lwp }) => thread === named || lwp === named);
    if (asked === undefined) {
      const threads = [...new Set(this.timeline.stops.map(({ thread }) => thread))];
      throw new UsageError(`there is no thread "${named}"; there are ${threads.join(', ')}`);
    }
    if (this.#at === this.#end && failure?.lwp === asked.lwp && failure.frames.length > 0) {
      return [`lwp ${asked.lwp} (${asked.thread}):`, ...failure.frames.map((frame) => `  ${frame}`)];
    }
    const frames = [...this.#haltedHere().stacks].find(([lwp]) => lwp.name === asked.lwp && !lwp.idle)?.[1] ?? [];
    if (frames.length === 0) return [`lwp ${asked.lwp} (${asked.thread}) is not in the kernel`];
    return [`lwp ${asked.lwp} (${asked.thread}):`, ...frames.map((frame) => `  ${frame}`)];
  }

  #nothingElse(name: string, args: readonly string[], answer: () => Answer): Answer {
    if (args.length > 0) throw new UsageError(`${name} takes nothing, and was given "${args.join(' ')}"`);
    return answer();
  }

  /** The machine as it is here. */
  #machine() {
    return this.#at === this.#end ? this.timeline.end : this.#haltedHere().instance;
  }

  #haltedHere(): Halted {
    if (this.#halted?.at === this.#at) return this.#halted;
    const step = this.timeline.stops[this.#at]?.step ?? Number.POSITIVE_INFINITY;
    this.#halted = { ...haltAt(this.#model, this.#source, step), at: this.#at };
    return this.#halted;
  }
}

function countOf(args: readonly string[], name: string): number {
  const [text = '1'] = args;
  const count = Number(text);
  if (args.length > 1 || !/^\d+$/.test(text) || count < 1)
    throw new UsageError(`${name} wants a number of steps from 1 up, not "${args.join(' ')}"`);
  return count;
}
