/** Says on a terminal how far a long run is. */

/** Milliseconds between two looks at the clock, and the least that a run takes before anything is said. */
const QUIET_MS = 1000;

/** A line that is written over and over while a run goes on. */
export class Progress {
  readonly #what: string;
  readonly #started = Date.now();
  #said = this.#started;
  #shown = false;

  constructor(what: string) {
    this.#what = what;
  }

  /** So many calls have been made. */
  tell(calls: number): void {
    const now = Date.now();
    if (!process.stderr.isTTY || now - this.#said < QUIET_MS) return;
    this.#said = now;
    this.#shown = true;
    const rate = Math.round((calls / (now - this.#started)) * 1000);
    process.stderr.write(`\r${this.#what}: ${calls.toLocaleString('en-US')} calls, ${rate.toLocaleString('en-US')} a second `);
  }

  /** The run is over. */
  done(): void {
    if (this.#shown) process.stderr.write(`\r${' '.repeat(process.stderr.columns - 1)}\r`);
  }
}
