/** The simulated machine and the BSD virtual memory systems on it. */
export * from './boot.js';
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
export type { Auditor, Invariant, Report, Violation } from './kern/invariant.js';
export { Kern, type KernOptions, type PanicEvent, type PrintfEvent } from './kern/kern.js';
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
export type { Cpu, TrapHandler } from './machine/cpu.js';
export * from './machine/disk.js';
export * from './machine/file-store.js';
export type { IoOperation, IoRequest } from './machine/io.js';
export type { Machine } from './machine/machine.js';
export type { Pmap } from './machine/pmap.js';
export * from './machine/protection.js';
export type { Ram } from './machine/ram.js';
export type { ReverseMap } from './machine/reverse-map.js';
export type { Tlb, Translation } from './machine/tlb.js';
export type { ExecImage, ImageSegment } from './sys/exec-image.js';
export * from './sys/file.js';
export type { Pipe } from './sys/pipe.js';
export type { ExitReason, Process, SpaceLayout } from './sys/process.js';
export type { WaitResult } from './sys/process-calls.js';
export type { LwpData, ProcessData } from './sys/ps.js';
export * from './sys/sched.js';
export * from './sys/signal.js';
export type { ListedMapping, SpaceListing } from './sys/space-listing.js';
export type { CallObserver, Sys } from './sys/sys.js';
export type { SignalEvent } from './sys/trap.js';
export { type SyscallEvent, User, type UserProgram } from './sys/user.js';
export type { Vfs } from './sys/vfs.js';
export type { Amap } from './uvm/amap.js';
export type { Anon } from './uvm/anon.js';
export type { EntrySnapshot, EventRange, FaultCase, UvmEvent, WireStep } from './uvm/events.js';
export type { FaultContext, FaultFlags } from './uvm/fault-context.js';
export type { UnwireOptions } from './uvm/fault-wire.js';
export { type MapArguments, UVM_FLAG_UNMAP } from './uvm/map-arguments.js';
export type { Advice, Inheritance, MapEntry, MappingKind } from './uvm/map-entry.js';
export type { ExtractOptions } from './uvm/map-extract.js';
export type { PageableOptions, RangeInMap } from './uvm/map-wire.js';
export type { GetRequest, UvmObject } from './uvm/object.js';
export { type CounterWidth, type PageArray, type PageList, PG_BUSY } from './uvm/page-array.js';
export type { PartialReferences, ReferenceRun } from './uvm/partial-references.js';
export type { Problem } from './uvm/show.js';
export type { AmapData, SlotData } from './uvm/show-amap.js';
export type { EntryData, MapData } from './uvm/show-map.js';
export type { ObjectData } from './uvm/show-object.js';
export type { PageData, PageMapping } from './uvm/show-page.js';
export type { Counters, EventCount, UvmexpData, VmstatData } from './uvm/show-uvmexp.js';
export type { UvmSystem } from './uvm/system.js';
export type { Uvm } from './uvm/uvm.js';
export type { Uvmexp } from './uvm/uvmexp.js';
export type { VmMap, Vmspace } from './uvm/vm-map.js';
export type { UvmVnode } from './uvm/vnode.js';
export type { FindOptions } from './uvm/vnode-pager.js';
export { watchUvm } from './uvm/watch.js';
export * from './views.js';
export * from './vm/mman.js';
export type {
  CleanOptions,
  MappingDescription,
  MapRequest,
  VmSpace,
  VmStatistics,
  VmSystem,
  Vnode,
  VnodeReferrer,
} from './vm/system.js';
