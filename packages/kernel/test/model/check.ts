/** Runs a sequence of operations, and checks all that there is to check. */
import type { PolicyName } from '../../src/index.js';
import { expectNoLeak } from '../harness.js';
import type { Adversity } from './adversity.js';
import { apply } from './apply.js';
import { compare } from './compare.js';
import { newTally, type Tally } from './extras.js';
import type { Operation } from './operations.js';
import { World } from './world.js';

/** How a sequence is run. */
export interface RunOptions {
  /** How many processes there can be at once. */
  readonly processes: number;
  /** Whether the kernel is audited and the order of its locks watched after each operation, and not only at the end. */
  readonly closely?: boolean;
  /** Pages of RAM; enough for everything when absent. */
  readonly ramPages?: number;
  /** Whether there is swap, and what else `extras.ts` has. */
  readonly swaps?: boolean;
  /** Who decides which pages go. */
  readonly pagePolicy?: PolicyName;
  /** What goes wrong; nothing when absent. */
  readonly adversity?: Adversity;
}

/** What came of a sequence. */
export interface Result {
  /** Requests for I/O that failed. */
  failures: number;
  /** Processes that were killed for want of memory. */
  killed: number;
  /** What happened where there is swap. */
  tally: Tally;
}

/**
 * Does a sequence of operations to the kernel and to the model. Every answer and every signal must be the model's; in the end, so must
 * be all mappings, all bytes of memory and files, and what rests in the files; the kernel must be sound, and nothing may be leaked.
 *
 * @throws {Error} at the first difference, with all that was done before it
 */
export function check(operations: readonly Operation[], options: RunOptions): Result {
  const closely = options.closely === true;
  const world = new World({ ...options, witness: closely });
  const sound = (): void => {
    const violations = world.system.audit();
    if (violations.length > 0) world.fail(violations.map(({ finding, subject }) => `${finding}\n${subject}`).join('\n'));
  };
  for (const operation of operations) {
    // All may have been killed.
    if (world.pairs.length === 0) break;
    apply(world, operation);
    if (closely) sound();
  }
  world.withoutFailingIo(() => {
    sound();
    compare(world);
    world.extras?.end();
    expectNoLeak(world.system);
  });
  if (world.system.kern.witness.reversals.length > 0) world.fail('locks are taken in different orders');
  const { uvmexp, swap, aobjs } = world.system.uvm;
  if (uvmexp.swpginuse !== swap.bad || uvmexp.swpgonly !== 0 || aobjs.size > 0) world.fail('slots or objects are left');
  return {
    failures: world.adversity?.failures ?? 0,
    killed: world.killed,
    tally: world.extras?.result() ?? newTally(),
  };
}
