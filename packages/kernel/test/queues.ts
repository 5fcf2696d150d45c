/** What tests look for on the queues of the replacement policy. */
import type { PageList } from '../src/uvm/page/page-array.js';
import type { Uvm } from '../src/uvm/uvm.js';

/** A queue by its name: the clock's are `active` and `inactive`. */
export function queueOf(uvm: Uvm, name: string): PageList {
  const queue = uvm.policy.queues.find((known) => known.name === name);
  if (queue === undefined) throw new Error(`the policy ${uvm.policy.name} has no queue "${name}"`);
  return queue.list;
}
