/** The replacement policies that there are. */
import type { PagePolicy, PolicyHost, PolicyName } from './pdpolicy.js';
import { ClockPolicy } from './pdpolicy-clock.js';
import { ClockProPolicy } from './pdpolicy-clockpro.js';

const POLICIES: Readonly<Record<PolicyName, new (host: PolicyHost) => PagePolicy>> = {
  clock: ClockPolicy,
  clockpro: ClockProPolicy,
};

/**
 * Makes a policy that orders the pages of a host.
 *
 * @throws {RangeError} when there is none of that name
 */
export function newPolicy(name: PolicyName, host: PolicyHost): PagePolicy {
  if (!Object.hasOwn(POLICIES, name)) {
    throw new RangeError(`there is no page replacement policy "${name}"; there are ${Object.keys(POLICIES).join(', ')}`);
  }
  return new POLICIES[name](host);
}
