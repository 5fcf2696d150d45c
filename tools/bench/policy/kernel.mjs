/** A whole machine on a trace: one process with anonymous memory for the pages of the trace, RAM for some of them, swap for the rest. */
import { bootNetbsd, MAP_ANON, MAP_PRIVATE, PAGE_SIZE, PROT_READ, PROT_WRITE } from '@faultline/kernel/direct';

/**
 * What a machine did.
 *
 * @typedef {object} KernelRun
 * @property {number} misses pages that were not there: those touched for the first time, and those that came back from swap
 * @property {number} pageins those that came back from swap
 * @property {number} pageouts pages written to swap
 * @property {number} freemin free pages below which the page daemon is woken
 * @property {number} goal free pages with which it is content
 */

/**
 * Has a process load and store as a trace says.
 *
 * @param {import('./trace.mjs').Trace} trace
 * @param {number} frames pages of RAM; some of them the page daemon keeps free
 * @param {'clock' | 'clockpro'} policy
 * @returns {KernelRun}
 */
export function runOnKernel({ facts, references }, frames, policy) {
  const system = bootNetbsd({
    ram: frames * PAGE_SIZE,
    pagePolicy: policy,
    diagnostic: false,
    swap: [{ name: 'wd0', pages: 2 * facts.pages }],
  });
  const { uvmexp } = system.uvm;
  const { freemin } = uvmexp;
  const goal = system.uvm.uvmpdScanGoal();
  const process = system.spawn('trace');
  const done = system.perform(process, (user) => {
    const at = user.mmap(0, facts.pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANON | MAP_PRIVATE);
    for (const reference of references) {
      const address = at + (reference >>> 1) * PAGE_SIZE;
      if (reference & 1) user.store8(address, 1);
      else user.load8(address);
    }
    return true;
  });
  if (done !== true) throw new Error(`the process ended before the end of its trace: ${JSON.stringify(process.ending)}`);
  const { flt_przero, pgswapin: pageins, pgswapout: pageouts } = uvmexp;
  return { misses: flt_przero + pageins, pageins, pageouts, freemin, goal };
}
