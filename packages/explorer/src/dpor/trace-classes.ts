/** Classes of executions that differ only in the order of independent steps (Mazurkiewicz traces). */
import { type Frame, touchAlike } from './frame.js';
import type { Trace } from './trace.js';

/**
 * The classes of executions. The class of one is the set of its steps, each with all that it comes after: equal sets are made of equal
 * orders. Of an execution that a step has ended it is that step, with all that it comes after: what others did meanwhile is no matter.
 */
export class TraceClasses {
  /** A key for each class that there was so far, of 53 bits. The same program has the same keys in every search. */
  readonly keys = new Set<number>();
  readonly #trace: Trace;
  /** For each frame, a hash of its step and all that it comes after, in two lanes. */
  readonly #high: number[] = [];
  readonly #low: number[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /** Takes note of the class of the execution that the trace is; `failed` when its last step has ended it. */
  add({ failed }: { readonly failed: boolean }): void {
    const { length } = this.#trace;
    let high = 0;
    let low = 0;
    for (let i = 0; i < length; i++) {
      this.#hash(this.#trace.frame(i));
      if (failed && i < length - 1) continue;
      high = (high + mix(this.#high[i] as number, 3)) | 0;
      low = (low + mix(this.#low[i] as number, 5)) | 0;
    }
    this.keys.add((high & 0x1fffff) * 2 ** 32 + (low >>> 0));
  }

  #hash(frame: Frame): void {
    let high = mix(frame.lwp, frame.way * 31 + 7);
    let low = mix(frame.way, frame.lwp * 37 + 11);
    let causesHigh = 0;
    let causesLow = 0;
    for (let at = 0; at < frame.index; at++) {
      const other = this.#trace.frame(at);
      // What it comes after only because of what it comes after is in the hash of that.
      if (at !== frame.before && !(frame.kind === 'local' ? frame.comesAfter(other) : isCause(frame, other))) continue;
      causesHigh = (causesHigh + mix(this.#high[at] as number, 13)) | 0;
      causesLow = (causesLow + mix(this.#low[at] as number, 17)) | 0;
    }
    high = mix(high, causesHigh);
    low = mix(low, causesLow);
    this.#high[frame.index] = high;
    this.#low[frame.index] = low;
  }
}

function isCause(frame: Frame, other: Frame): boolean {
  return other.lwp !== frame.lwp && frame.kind === 'step' && other.kind === 'step' && touchAlike(frame, other);
}

function mix(a: number, b: number): number {
  let word = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x165667b1, 0x27d4eb2f);
  word ^= word >>> 15;
  word = Math.imul(word, 0x2c1b3c6d);
  word ^= word >>> 13;
  return word | 0;
}
