/**
 * Property tests try the same cases each time, so that a change is not blamed for what it did not do. `FAULTLINE_SEED` has them try
 * others.
 */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env['FAULTLINE_SEED'] ?? 1) });
