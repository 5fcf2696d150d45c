/** Files and disks with which things go wrong as planned: another file or disk, and a plan (`io-faults.ts`). */
import type { Errno } from '../kern/errno.js';
import type { StateWriter } from '../kern/state.js';
import type { BlockDevice } from './disk.js';
import type { FileStore } from './file-store.js';
import { type IoFault, IoFaultPlan, type IoKind } from './io-faults.js';

/** A file with which things go wrong. What is not struck is done by the file behind it. */
export class FaultyStore implements FileStore {
  readonly store: FileStore;
  readonly plan: IoFaultPlan;

  constructor(store: FileStore, plan: IoFaultPlan) {
    this.store = store;
    this.plan = plan;
  }

  get name(): string {
    return this.store.name;
  }

  get writable(): boolean {
    return this.store.writable;
  }

  get size(): number {
    return this.store.size;
  }

  delay(kind: IoKind): number {
    return this.plan.delay(kind);
  }

  read(offset: number, into: Uint8Array): Errno {
    const fault = this.plan.next('read');
    if (fault === null) return this.store.read(offset, into);
    this.store.read(offset, into.subarray(0, fault.bytes));
    return fault.errno;
  }

  write(offset: number, from: Uint8Array): Errno {
    const fault = this.plan.next('write');
    if (fault === null) return this.store.write(offset, from);
    this.store.write(offset, from.subarray(0, fault.bytes));
    return fault.errno;
  }

  truncate(size: number): Errno {
    return this.plan.next('truncate')?.errno ?? this.store.truncate(size);
  }

  isHole(offset: number): boolean {
    return this.store.isHole(offset);
  }

  allocate(offset: number, length: number): Errno {
    return this.plan.next('allocate')?.errno ?? this.store.allocate(offset, length);
  }

  sync(): Errno {
    return this.plan.next('sync')?.errno ?? this.store.sync();
  }

  writeState(writer: StateWriter): void {
    writer.part('faults', (part) => this.plan.writeState(part));
    this.store.writeState?.(writer);
  }
}

/** A disk with which things go wrong. A transfer that stops in the middle has moved whole blocks. */
export class FaultyDisk implements BlockDevice {
  readonly disk: BlockDevice;
  readonly plan: IoFaultPlan;

  constructor(disk: BlockDevice, plan: IoFaultPlan) {
    this.disk = disk;
    this.plan = plan;
  }

  get name(): string {
    return this.disk.name;
  }

  get blockSize(): number {
    return this.disk.blockSize;
  }

  get blockCount(): number {
    return this.disk.blockCount;
  }

  delay(kind: IoKind): number {
    return this.plan.delay(kind);
  }

  read(block: number, into: Uint8Array): Errno {
    const fault = this.plan.next('read');
    if (fault === null) return this.disk.read(block, into);
    this.disk.read(block, into.subarray(0, this.#whole(fault.bytes)));
    return fault.errno;
  }

  write(block: number, from: Uint8Array): Errno {
    const fault = this.plan.next('write');
    if (fault === null) return this.disk.write(block, from);
    this.disk.write(block, from.subarray(0, this.#whole(fault.bytes)));
    return fault.errno;
  }

  flush(): Errno {
    return this.plan.next('sync')?.errno ?? this.disk.flush();
  }

  writeState(writer: StateWriter): void {
    writer.part('faults', (part) => this.plan.writeState(part));
    const { disk } = this;
    if ('writeState' in disk && typeof disk.writeState === 'function') disk.writeState(writer);
  }

  /** As many bytes as make whole blocks. */
  #whole(bytes: number): number {
    return bytes - (bytes % this.blockSize);
  }
}

/** What is to go wrong with which file or disk, by path. */
export type IoFaults = Readonly<Record<string, readonly IoFault[]>>;

/** Makes things go wrong with the files and disks of a system, as they are given their names. */
export class FaultTable {
  readonly #plans = new Map<string, readonly IoFault[]>();

  /** @throws {RangeError} for a fault that makes no sense */
  constructor(faults: IoFaults) {
    for (const [path, list] of Object.entries(faults)) this.#plans.set(path, new IoFaultPlan(list).faults);
  }

  /** A file as it is to be used under that path. */
  store(path: string, store: FileStore): FileStore {
    const faults = this.#plans.get(path);
    return faults === undefined ? store : new FaultyStore(store, new IoFaultPlan(faults));
  }

  /** A disk as it is to be used under that path. */
  disk(path: string, disk: BlockDevice): BlockDevice {
    const faults = this.#plans.get(path);
    return faults === undefined ? disk : new FaultyDisk(disk, new IoFaultPlan(faults));
  }
}

/** A file without the faults: to look at what is in it, which is no operation. */
export function soundStore(store: FileStore): FileStore {
  return store instanceof FaultyStore ? store.store : store;
}

/** A disk without the faults. */
export function soundDisk(disk: BlockDevice): BlockDevice {
  return disk instanceof FaultyDisk ? disk.disk : disk;
}
