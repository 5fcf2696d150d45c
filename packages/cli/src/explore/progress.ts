/** Says how far an exploration is: on a terminal in one line that is written over, else, when asked, in a line every few seconds. */
import { analyse, type ExhaustiveProgress, type ExploreStage } from '@faultline/explorer';

/** Milliseconds between two lines. */
const TERMINAL_MS = 250;
const LINES_MS = 2000;
/** The part of the time that may be spent on counting interleavings. */
const COUNTING_SHARE = 0.05;
/** Milliseconds over which it is seen whether what is left gets less. */
const WINDOW_MS = 3000;

/** How much was left at a moment. */
interface Sight {
  readonly at: number;
  readonly left: number;
  readonly states: number;
}

/** Tells of an exploration. */
export class ExploreProgress {
  readonly #what: string;
  readonly #write: (text: string) => void;
  readonly #terminal: boolean;
  readonly #began = performance.now();
  #said = this.#began;
  #sights: Sight[] = [];
  #interleavings = 0n;
  #counted = 0;
  #countingTook = 0;
  #shown = false;

  /** @param options.lines to tell it in lines when there is no terminal */
  constructor(what: string, options: { readonly lines: boolean }) {
    this.#what = what;
    this.#terminal = Boolean(process.stderr.isTTY);
    const tells = this.#terminal || options.lines;
    this.#write = tells ? (text) => void process.stderr.write(text) : () => undefined;
  }

  /** Another stage begins. */
  stage(stage: ExploreStage): void {
    this.#say(`${this.#what}: ${stage}`);
  }

  /** So far it is. */
  tell(progress: ExhaustiveProgress): void {
    const now = performance.now();
    if (now - this.#said < (this.#terminal ? TERMINAL_MS : LINES_MS)) return;
    this.#said = now;
    const { now: left, later } = progress.waiting;
    const sights = [...this.#sights, { at: now, left: left + later, states: progress.states }];
    this.#sights = sights.filter(({ at }, index) => now - at < WINDOW_MS || index >= sights.length - 2);
    this.#say(
      [
        `${this.#what}: ${bound(progress.level)}`,
        `${this.#count(progress, now)} interleavings covered`,
        `${number(progress.states)} states`,
        `${number(this.#rate(progress))} a second`,
        `${number(left)} + ${number(later)} ways open`,
        this.#estimate(),
        ...(progress.failures > 0 ? [`${progress.failures} found`] : []),
      ].join(' · '),
    );
  }

  /** It is over. */
  done(): void {
    if (this.#terminal && this.#shown) this.#write(`\r${' '.repeat(process.stderr.columns - 1)}\r`);
  }

  #say(text: string): void {
    this.#shown = true;
    if (!this.#terminal) this.#write(`${text}\n`);
    else this.#write(`\r${text.slice(0, process.stderr.columns - 1).padEnd(process.stderr.columns - 1)}`);
  }

  /** Counting goes through the whole graph; so it is done seldom when the graph is large. */
  #count({ graph }: ExhaustiveProgress, now: number): string {
    if (this.#counted === 0 || now - this.#counted > this.#countingTook / COUNTING_SHARE) {
      const began = performance.now();
      this.#interleavings = analyse(graph).interleavings ?? this.#interleavings;
      this.#counted = performance.now();
      this.#countingTook = this.#counted - began;
    }
    return number(this.#interleavings);
  }

  #rate({ states }: ExhaustiveProgress): number {
    const [first] = this.#sights;
    const last = this.#sights.at(-1);
    if (first === undefined || last === undefined || first === last || states < first.states) return 0;
    return Math.round(((states - first.states) / (last.at - first.at)) * 1000);
  }

  /** Ways that are open get more at first and less in the end; from then on it can be said when none will be left. */
  #estimate(): string {
    const [first] = this.#sights;
    const last = this.#sights.at(-1);
    if (first === undefined || last === undefined || first.left <= last.left) return 'still growing';
    const seconds = Math.ceil((last.left * (last.at - first.at)) / (first.left - last.left) / 1000);
    return `about ${number(seconds)} s left`;
  }
}

function bound(level: number): string {
  return level === 1 ? '1 preemption' : `${level} preemptions`;
}

function number(value: number | bigint): string {
  return value.toLocaleString('en-US');
}
