/** A policy of the kernel by itself, with nothing around it but page frames and reference bits: how good its choices are. */
import { Kern } from '@faultline/kernel/direct';
import { simulatePolicy } from '../../../packages/kernel/dist/direct/uvm/pagedaemon/pdsim.js';

/**
 * How often a policy misses that gives up a page only at the moment at which another needs its frame.
 *
 * @param {import('@faultline/kernel/direct').PolicyName} name
 * @returns {import('./reference.mjs').Policy}
 */
export function alone(name) {
  return (pages, frames) => simulatePolicy(new Kern(), name, { frames, references: pages }).misses;
}
