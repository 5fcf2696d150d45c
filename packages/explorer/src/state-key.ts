/** Keys of states. */
import { type Lwp, StateHash } from '@faultline/kernel';
import type { StateKey } from './graph.js';
import type { Instance } from './model.js';

/** The state an execution is in, and how the state itself numbers the threads. */
export interface KeyedState {
  readonly key: StateKey;
  /** The rank of a thread among all that the state tells of: the same in equal states, whatever ids the threads have. */
  readonly rankOf: (lwp: Lwp) => number;
}

/** A seed that has nothing to do with the first two lanes. */
const WIDE_SEED = 0x5bd1e995;

/**
 * The key of the state an execution is in.
 *
 * @param options.faults environment faults met so far: a state in which more of them may come is another one
 * @param options.wide whether to make 128 bits of it
 */
export function keyOf(instance: Instance, options: { readonly faults: number; readonly wide: boolean }): KeyedState {
  const hash = new StateHash();
  hash.field('faults', options.faults);
  instance.writeState(hash);
  const { high, low } = hash.lanes;
  const rankOf = (lwp: Lwp): number => hash.rankOf(lwp);
  if (!options.wide) return { key: { high, low, high2: 0, low2: 0 }, rankOf };
  const second = new StateHash(WIDE_SEED);
  second.field('faults', options.faults);
  instance.writeState(second);
  return { key: { high, low, high2: second.lanes.high, low2: second.lanes.low }, rankOf };
}

/** The key of something that is no state of a machine: that a certain thing went wrong. */
export function keyOfText(text: string): StateKey {
  const hash = new StateHash();
  hash.field('failure', text);
  return { ...hash.lanes, high2: 0, low2: 0 };
}

/** How likely it is, at most, that two of so many different states have got one key. */
export function collisionBound(states: number, bits: 64 | 128): number {
  return (states / 2 ** (bits / 2)) ** 2 / 2;
}
