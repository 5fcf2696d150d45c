/** What is measured: the built explorer, with the engines and models that its index does not show. */
export { exploreBruteForce } from '../../../packages/explorer/dist/brute-force.js';
export { exploreOptimalDpor } from '../../../packages/explorer/dist/dpor/optimal-dpor.js';
export { exploreSourceDpor } from '../../../packages/explorer/dist/dpor/source-dpor.js';
export * from '../../../packages/explorer/dist/index.js';
export * from '../../../packages/explorer/dist/models/index.js';
