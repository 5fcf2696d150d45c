/** Random small programs of all primitives, as plain data. */
import type { SeededRandom } from '@faultline/kernel';

/**
 * What a thread does next. An instruction that makes no sense where the thread stands, such as releasing what it has not, does nothing:
 * so every list of instructions is a program.
 */
export type Instruction =
  | readonly ['enter' | 'try-enter' | 'exit', 'm0' | 'm1']
  | readonly ['read' | 'write' | 'try-read' | 'try-write' | 'rw-exit' | 'upgrade' | 'downgrade', 'rw']
  /** Sleeps, releasing m0 if the thread has it. */
  | readonly ['sleep' | 'wakeup' | 'wakeup-one', 'channel']
  /** Sleeps, releasing rw if the thread has it. */
  | readonly ['rw-sleep', 'channel']
  /** Waits under m0 until the count is not 0, and takes one off; adds one, and wakes one or all. */
  | readonly ['consume' | 'produce' | 'produce-all', 'count']
  | readonly ['load', Cell]
  | readonly ['store' | 'add', Cell, number]
  | readonly ['cas', Cell, number, number]
  /** Stores what was seen last. */
  | readonly ['copy', Cell]
  | readonly ['choose', number]
  /** Leaves out the next instruction if what was seen last is odd. */
  | readonly ['skip-if-odd']
  /** Panics if what was seen last is this. */
  | readonly ['panic-if', number];

export type Cell = 'x' | 'y';

/** For each thread, what it does. */
export type RandomProgram = readonly (readonly Instruction[])[];

type Draw = (random: SeededRandom) => Instruction;

const cell = (random: SeededRandom): Cell => (random.below(3) > 0 ? 'x' : 'y');
const mutex = (random: SeededRandom): 'm0' | 'm1' => (random.below(3) > 0 ? 'm0' : 'm1');

/** Instructions of one theme are drawn together: programs in which nothing meets are dull. */
const THEMES = {
  mutex: [
    (r) => ['enter', mutex(r)],
    (r) => ['enter', mutex(r)],
    (r) => ['exit', mutex(r)],
    (r) => ['exit', mutex(r)],
    (r) => ['try-enter', mutex(r)],
  ],
  rw: [
    () => ['read', 'rw'],
    () => ['read', 'rw'],
    () => ['write', 'rw'],
    () => ['try-read', 'rw'],
    () => ['try-write', 'rw'],
    () => ['rw-exit', 'rw'],
    () => ['rw-exit', 'rw'],
    () => ['upgrade', 'rw'],
    () => ['downgrade', 'rw'],
  ],
  sleep: [
    () => ['enter', 'm0'],
    () => ['exit', 'm0'],
    () => ['sleep', 'channel'],
    () => ['rw-sleep', 'channel'],
    () => ['wakeup', 'channel'],
    () => ['wakeup', 'channel'],
    () => ['wakeup-one', 'channel'],
  ],
  count: [() => ['consume', 'count'], () => ['produce', 'count'], () => ['produce-all', 'count']],
  words: [
    (r) => ['load', cell(r)],
    (r) => ['load', cell(r)],
    (r) => ['store', cell(r), r.below(3)],
    (r) => ['add', cell(r), 1],
    (r) => ['cas', cell(r), r.below(2), 1 + r.below(2)],
    (r) => ['copy', cell(r)],
  ],
  control: [() => ['choose', 2], () => ['skip-if-odd'], () => ['skip-if-odd']],
  panic: [(r) => ['panic-if', r.below(3)]],
} satisfies Record<string, readonly Draw[]>;

/** How often each theme is drawn. */
const WEIGHTS: readonly (readonly [keyof typeof THEMES, number])[] = [
  ['mutex', 4],
  ['rw', 4],
  ['sleep', 3],
  ['count', 2],
  ['words', 5],
  ['control', 2],
];

/** Draws a program of two threads or three. One in eight has panics in it. */
export function randomProgram(random: SeededRandom, threads: number): RandomProgram {
  const themes = drawThemes(random);
  if (random.below(8) === 0) themes.push(THEMES.panic, THEMES.words);
  const longest = threads > 2 ? 3 : 5;
  return Array.from({ length: threads }, () => {
    const holds = new Set<string>();
    return Array.from({ length: 1 + random.below(longest) }, () => {
      for (let attempts = 0; ; attempts++) {
        const theme = themes[random.below(themes.length)] as readonly Draw[];
        const instruction = (theme[random.below(theme.length)] as Draw)(random);
        // What makes no sense is drawn too, but not often.
        if (!makesSense(instruction, holds) && attempts < 4) continue;
        follow(instruction, holds);
        return instruction;
      }
    });
  });
}

/** Whether an instruction does anything in a thread that probably holds these locks. */
function makesSense([kind, thing]: Instruction, holds: ReadonlySet<string>): boolean {
  switch (kind) {
    case 'enter':
    case 'try-enter':
    case 'read':
    case 'write':
    case 'try-read':
    case 'try-write':
      return !holds.has(thing);
    case 'exit':
    case 'rw-exit':
    case 'upgrade':
    case 'downgrade':
      return holds.has(thing);
    default:
      return true;
  }
}

/** Keeps track of what the thread probably holds. */
function follow([kind, thing]: Instruction, holds: Set<string>): void {
  if (kind === 'sleep') holds.delete('m0');
  else if (kind === 'rw-sleep') holds.delete('rw');
  else if (kind === 'exit' || kind === 'rw-exit') holds.delete(thing);
  else if (TAKING.has(kind)) holds.add(`${thing}`);
}

const TAKING: ReadonlySet<string> = new Set(['enter', 'try-enter', 'read', 'write', 'try-read', 'try-write']);

/** Two or three themes, some more often than others. */
function drawThemes(random: SeededRandom): (readonly Draw[])[] {
  const total = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
  return Array.from({ length: 2 + random.below(2) }, () => {
    let drawn = random.below(total);
    for (const [name, weight] of WEIGHTS) {
      drawn -= weight;
      if (drawn < 0) return THEMES[name];
    }
    return THEMES.words;
  });
}

/** Programs with one instruction or one thread less, the shorter ones first. */
export function* smaller(program: RandomProgram): Generator<RandomProgram> {
  for (const thread of program.keys()) {
    if (program.length > 1) yield program.filter((_, index) => index !== thread);
  }
  for (const [thread, instructions] of program.entries()) {
    for (const left of instructions.keys()) {
      yield program.with(
        thread,
        instructions.filter((_, index) => index !== left),
      );
    }
  }
}

/** A program for people, a thread a line. */
export function programText(program: RandomProgram): string {
  return program.map((thread, index) => `  thread ${index + 1}: ${thread.map((each) => each.join(' ')).join('; ')}`).join('\n');
}
