/** The world outside for Node: real files and real disks as backing stores. */
export { HostDisk, type HostDiskOptions } from './host-disk.js';
export { errorsOf, HostFileError } from './host-error.js';
export { HostFile, type HostFileOptions } from './host-file.js';
export type { HostAccess } from './host-handle.js';
export { type HostMount, parseHostMount } from './mount.js';
export { type DiskFacts, RecordingDisk, ReplayingDisk } from './recorded-disk.js';
export { type FileFacts, RecordingStore, ReplayingStore } from './recorded-store.js';
export { type RecordedOperation, type Recording, RecordingMismatch } from './recording.js';
export { textPieces } from './text-pieces.js';
