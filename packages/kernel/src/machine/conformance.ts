/**
 * Conformance kits (decision D9): they use a backing store as a virtual memory system does, and say in sentences which rules of its
 * contract it breaks. For the stores here, and for those that an embedder brings along.
 *
 *     expect(fileStoreProblems(() => new MyFile())).toEqual([]);
 *
 * Each rule is tried on a store of its own, so that one defect does not hide another.
 */
export { blockDeviceProblems } from './disk-conformance.js';
export { fileStoreProblems } from './file-store-conformance.js';
