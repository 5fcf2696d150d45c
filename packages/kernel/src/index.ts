/** The simulated machine and the BSD virtual memory systems on it. */
export * from './boot.js';
export { Snapshot, type SnapshotOptions } from './embed/snapshot.js';
export type { Externals } from './embed/snapshot-capture.js';
export { SnapshotError } from './embed/snapshot-graph.js';
export { type MapDeviceOptions, PinnedPage, type PinOptions, Space } from './embed/space.js';
export { boot, type EmbedOptions, MIB, System } from './embed/system.js';
export * from './kern/atomic.js';
export * from './kern/credentials.js';
export type { Digest } from './kern/digest.js';
export * from './kern/errno.js';
export { EventLog, type KernelEvent, type LoggedEvent } from './kern/event-log.js';
export * from './kern/fault-injector.js';
export type { FieldWatcher } from './kern/field-watcher.js';
export type { FrameStack, FrameTeller } from './kern/frames.js';
export type { Ranged } from './kern/gap-nodes.js';
export type { GapTree } from './kern/gap-tree.js';
export type { AdvisoryRule, Auditor, BrokenRule, Invariant, Report, Violation } from './kern/invariant.js';
export { type BrokenEvent, Kern, type KernOptions, type PanicEvent, type PrintfEvent } from './kern/kern.js';
export * from './kern/limits.js';
export type { Interlock, Lock, LockClass } from './kern/lock.js';
export type { CallInProgress, Lwp, Op, ProcessIdentity, Resumable, StepObject } from './kern/lwp.js';
export { Mutex } from './kern/mutex.js';
export { KernelPanic } from './kern/panic.js';
export type { Patch, Replacements, ReplacementsIn } from './kern/patch.js';
export { PatchError } from './kern/patch.js';
export { RwLock, type RwMode } from './kern/rwlock.js';
export * from './kern/schedule.js';
export { Deadlock, HZ, Scheduler, StepBound, step, type Waiting } from './kern/scheduler.js';
export type { LockData, LwpLocksData } from './kern/show-locks.js';
export { CondVar, pause, type SleepOptions, sleepOn, WaitChannel, wakeup, wakeupOne } from './kern/sleepq.js';
export type { SparseTable } from './kern/sparse-table.js';
export { kernelName } from './kern/stack.js';
export { type FieldValue, type Stateful, StateHash, StateText, type StateWriter } from './kern/state.js';
export * from './kern/strategy.js';
export { BUILD, type Build, type Continuation, type Step } from './kern/switch.js';
export type { LockOrder, LockOrderReversal, Witness } from './kern/witness.js';
export * from './machine/address.js';
export * from './machine/conformance.js';
export type { Cpu, TlbReader, TrapHandler } from './machine/cpu.js';
export {
  type AccessSize,
  DEVICE_FIRST_FRAME,
  DeviceBytes,
  DeviceRange,
  type MemoryMappedDevice,
} from './machine/device-memory.js';
export * from './machine/disk.js';
export { type FaultTable, FaultyDisk, FaultyStore, type IoFaults } from './machine/faulty-store.js';
export * from './machine/file-store.js';
export type { IoOperation, IoRequest } from './machine/io.js';
export { IO_KINDS, type IoFault, IoFaultPlan, type IoKind } from './machine/io-faults.js';
export type { Machine } from './machine/machine.js';
export type { Pmap } from './machine/pmap.js';
export * from './machine/protection.js';
export type { Ram } from './machine/ram.js';
export type { ReverseMap } from './machine/reverse-map.js';
export type { Tlb, Translation, TranslationUses } from './machine/tlb.js';
export type { CharacterDevice, DeviceRequest, RawDevice, RawRequest } from './sys/device.js';
export type { DeviceOf, DeviceSettings } from './sys/devices.js';
export type { ExecImage, ImageSegment } from './sys/exec-image.js';
export * from './sys/file.js';
export type { Mbuf } from './sys/mbuf.js';
export type { MemoryDevice } from './sys/memory-device.js';
export * from './sys/memory-fault.js';
export { ProcessEnded } from './sys/outside.js';
export type { PhysioBuffer, PhysioStatus } from './sys/physio-buffer.js';
export type { Pipe } from './sys/pipe.js';
export type { ExitReason, Process, SpaceLayout } from './sys/process.js';
export type { WaitResult } from './sys/process-calls.js';
export type { LwpData, ProcessData } from './sys/ps.js';
export type { RawDisk } from './sys/raw-disk.js';
export * from './sys/raw-tape.js';
export * from './sys/sched.js';
export * from './sys/shm.js';
export * from './sys/signal.js';
export type { SockBuf } from './sys/sockbuf.js';
export * from './sys/socket.js';
export type { Transferred } from './sys/socket-send.js';
export type { ListedMapping, SpaceListing } from './sys/space-listing.js';
export type { SwapCommon, SwapOption } from './sys/swap-options.js';
export type { CallObserver, Sys } from './sys/sys.js';
export type { SignalEvent } from './sys/trap.js';
export { type SyscallEvent, User, type UserProgram } from './sys/user.js';
export type { UserMemory } from './sys/user-memory.js';
export type { Vfs } from './sys/vfs.js';
export { AMAP_COPY_NOCHUNK, type Amap } from './uvm/anon/amap.js';
export type { Anon } from './uvm/anon/anon.js';
export type { PartialReferences, ReferenceRun } from './uvm/anon/partial-references.js';
export type { EntrySnapshot, EventRange, FaultCase, UvmEvent, WhyNoMemory, WireStep } from './uvm/events.js';
export type { FaultContext, FaultFlags } from './uvm/fault/fault-context.js';
export type { UnwireOptions } from './uvm/fault/fault-wire.js';
export type { UvmKernelLoan } from './uvm/loan/kernel-loan.js';
export { LoanOutput, type LoanStep } from './uvm/loan/loan-output.js';
export type { LoanZeroObject } from './uvm/loan/loan-zero.js';
export type { KernelAddresses } from './uvm/map/kernel-addresses.js';
export { type MapArguments, UVM_FLAG_UNMAP } from './uvm/map/map-arguments.js';
export type { Advice, Inheritance, MapEntry, MappingKind } from './uvm/map/map-entry.js';
export type { ExtractOptions } from './uvm/map/map-extract.js';
export type { PageableOptions, RangeInMap } from './uvm/map/map-wire.js';
export type { VmMap, Vmspace } from './uvm/map/vm-map.js';
export type { UvmAobj } from './uvm/object/aobj.js';
export type { UvmDevice } from './uvm/object/device-object.js';
export { type GetRequest, PGO_DEACTIVATE, PGO_FREE, type UvmObject } from './uvm/object/object.js';
export type { ObjectWiring } from './uvm/object/object-wire.js';
export type { TmpfsMount, TmpfsVnode } from './uvm/object/tmpfs-vnode.js';
export {
  type CounterWidth,
  NO_PAGE,
  type PageArray,
  type PageList,
  PG_BUSY,
  PG_CLEAN,
  PG_FAKE,
  PG_PAGEOUT,
  PG_RELEASED,
  PG_WANTED,
} from './uvm/page/page-array.js';
export type { Pagedaemon } from './uvm/pagedaemon/pagedaemon.js';
export {
  type OwnerLock,
  type PagePolicy,
  type PageQueue,
  POLICY_NAMES,
  type PolicyName,
  type Victim,
} from './uvm/pagedaemon/pdpolicy.js';
export { type Simulation, simulatePolicy } from './uvm/pagedaemon/pdsim.js';
export type { Swapcluster } from './uvm/pagedaemon/swapcluster.js';
export type { BitName, Problem } from './uvm/show/show.js';
export type { AmapData, SlotData } from './uvm/show/show-amap.js';
export type { EntryData, MapData } from './uvm/show/show-map.js';
export type { ObjectData } from './uvm/show/show-object.js';
export type { PageData, PageMapping } from './uvm/show/show-page.js';
export type { SwapData } from './uvm/show/show-swap.js';
export type { Counters, EventCount, UvmexpData, VmstatData } from './uvm/show/show-uvmexp.js';
export type { Swap, SwapSlots } from './uvm/swap/swap.js';
export type { SwapDevice, SwapMedium } from './uvm/swap/swap-device.js';
export type { SwapOutcome } from './uvm/swap/swap-done.js';
export type { UvmSystem } from './uvm/system.js';
export type { DirectRequest } from './uvm/transfer/direct-transfer.js';
export type { TransferredPage } from './uvm/transfer/transferred-page.js';
export { TransientWiring } from './uvm/transfer/transient-wiring.js';
export type { Uvm } from './uvm/uvm.js';
export type { Uvmexp } from './uvm/uvmexp.js';
export type { ReadaheadContext } from './uvm/vnode/readahead.js';
export type { UbcUse } from './uvm/vnode/ubc.js';
export { mappedInWindows, type UbcObject, type UbcWindow } from './uvm/vnode/ubc-window.js';
export type { UvmFile, UvmVnode } from './uvm/vnode/vnode.js';
export type { FindOptions } from './uvm/vnode/vnode-pager.js';
export { watchUvm } from './uvm/watch.js';
export * from './views.js';
export type { AddressContent, AddressDescription, PageTableEntry } from './vm/address-description.js';
export * from './vm/mman.js';
export * from './vm/swapctl.js';
export type {
  CleanOptions,
  FileAt,
  FileIoOptions,
  FilePosition,
  KernelLoan,
  MappableDevice,
  MappedObject,
  MappedObjectUse,
  MappingDescription,
  MappingUse,
  MapRequest,
  MemoryFileSystem,
  PageTransfer,
  SharedMemory,
  SpaceAttacher,
  SwapDescription,
  SwapTarget,
  VmSpace,
  VmStatistics,
  VmSystem,
  Vnode,
  VnodeReferrer,
  Wiring,
} from './vm/system.js';
export { NO_FRAME } from './vm/system.js';
export type { Uio, UioDirection } from './vm/uio.js';
