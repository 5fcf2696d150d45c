/**
 * Property tests try the same cases each time, so that a change is not blamed for what it did not do. `FAULTLINE_SEED` has them try
 * others.
 */
import { configureGlobal } from 'fast-check';

const seed = Number(process.env['FAULTLINE_SEED'] || 1);
if (!Number.isSafeInteger(seed))
  throw new RangeError(`FAULTLINE_SEED must be a whole number, not ${process.env['FAULTLINE_SEED']}`);
configureGlobal({ seed });
