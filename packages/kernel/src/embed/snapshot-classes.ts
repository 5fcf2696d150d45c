/**
 * What a machine is made of: the classes whose instances a snapshot can carry.
 *
 * Whoever adds a class to the kernel whose instances are still there at a quiet point adds it here. All its fields are carried; a private one
 * too. A test takes snapshots of machines that have a bit of everything.
 */
import { NetbsdSystem } from '../boot.js';
import { AtomicCell } from '../kern/atomic.js';
import { Digest } from '../kern/digest.js';
import { FaultInjector } from '../kern/fault-injector.js';
import { FrameStack } from '../kern/frames.js';
import { GapNodes } from '../kern/gap-nodes.js';
import { GapTree } from '../kern/gap-tree.js';
import { Kern } from '../kern/kern.js';
import { Limits } from '../kern/limits.js';
import { Lwp } from '../kern/lwp.js';
import { Mutex } from '../kern/mutex.js';
import { RwLock } from '../kern/rwlock.js';
import { ScheduleRecorder } from '../kern/schedule.js';
import { Scheduler } from '../kern/scheduler.js';
import { CondVar, WaitChannel } from '../kern/sleepq.js';
import { SparseLeaf, SparseTable } from '../kern/sparse-table.js';
import { Witness } from '../kern/witness.js';
import { Cpu } from '../machine/cpu.js';
import { DeviceBytes, DeviceRange } from '../machine/device-memory.js';
import { MemoryDisk } from '../machine/disk.js';
import { FaultTable, FaultyDisk, FaultyStore } from '../machine/faulty-store.js';
import { RamFile } from '../machine/file-store.js';
import { IoFaultPlan } from '../machine/io-faults.js';
import { MachineState } from '../machine/machine.js';
import { Pmap } from '../machine/pmap.js';
import { Ram } from '../machine/ram.js';
import { ReverseMap } from '../machine/reverse-map.js';
import { Tlb } from '../machine/tlb.js';
import { FileTable, OpenFile } from '../sys/file.js';
import { Mbuf } from '../sys/mbuf.js';
import { MemoryDevice } from '../sys/memory-device.js';
import { Pipe } from '../sys/pipe.js';
import { Process } from '../sys/process.js';
import { RawDisk } from '../sys/raw-disk.js';
import { RawTape } from '../sys/raw-tape.js';
import { ShmSegment, ShmTable } from '../sys/shm.js';
import { SockBuf } from '../sys/sockbuf.js';
import { Socket } from '../sys/socket.js';
import { Vfs } from '../sys/vfs.js';
import { Amap } from '../uvm/anon/amap.js';
import { Anon } from '../uvm/anon/anon.js';
import { PartialReferences } from '../uvm/anon/partial-references.js';
import { UvmKernelLoan } from '../uvm/loan/kernel-loan.js';
import { LoanZeroObject } from '../uvm/loan/loan-zero.js';
import { KernelAddresses } from '../uvm/map/kernel-addresses.js';
import { MapEntry } from '../uvm/map/map-entry.js';
import { VmMap, Vmspace } from '../uvm/map/vm-map.js';
import { UvmAobj } from '../uvm/object/aobj.js';
import { UvmDevice } from '../uvm/object/device-object.js';
import { TmpfsMount, TmpfsVnode } from '../uvm/object/tmpfs-vnode.js';
import { PageArray, PageList } from '../uvm/page/page-array.js';
import { NonresidentPages } from '../uvm/pagedaemon/nonresident.js';
import { Pagedaemon } from '../uvm/pagedaemon/pagedaemon.js';
import { ClockPolicy } from '../uvm/pagedaemon/pdpolicy-clock.js';
import { ClockProPolicy } from '../uvm/pagedaemon/pdpolicy-clockpro.js';
import { Clock, FreshQueue } from '../uvm/pagedaemon/pdpolicy-clockpro-queues.js';
import { Swap } from '../uvm/swap/swap.js';
import { DiskMedium, FileMedium, SwapDevice } from '../uvm/swap/swap-device.js';
import { UvmSystem } from '../uvm/system.js';
import { TransientWiring } from '../uvm/transfer/transient-wiring.js';
import { Uvmexp } from '../uvm/uvmexp.js';
import { ReadaheadContext } from '../uvm/vnode/readahead.js';
import { UbcObject, UbcWindow } from '../uvm/vnode/ubc-window.js';
import { UvmVnode } from '../uvm/vnode/vnode.js';
import { ClassRegistry, type RegisteredClass } from './snapshot-registry.js';

/** All fields of these are carried. */
const PLAIN = {
  UvmDevice,
  IoFaultPlan,
  FaultyStore,
  FaultyDisk,
  FaultTable,
  NonresidentPages,
  Clock,
  ClockProPolicy,
  FreshQueue,
  Amap,
  Anon,
  AtomicCell,
  ClockPolicy,
  CondVar,
  DeviceBytes,
  DeviceRange,
  Digest,
  DiskMedium,
  FileMedium,
  FileTable,
  GapNodes,
  GapTree,
  KernelAddresses,
  Limits,
  LoanZeroObject,
  Lwp,
  MapEntry,
  Mbuf,
  MemoryDevice,
  MemoryDisk,
  Mutex,
  NetbsdSystem,
  OpenFile,
  PageArray,
  PageList,
  Pagedaemon,
  PartialReferences,
  Pipe,
  Pmap,
  Process,
  RamFile,
  RawDisk,
  RawTape,
  ReadaheadContext,
  ReverseMap,
  RwLock,
  ScheduleRecorder,
  ShmSegment,
  ShmTable,
  SockBuf,
  Socket,
  SparseLeaf,
  SparseTable,
  Swap,
  SwapDevice,
  Tlb,
  TmpfsMount,
  TmpfsVnode,
  TransientWiring,
  UbcObject,
  UbcWindow,
  UvmAobj,
  UvmKernelLoan,
  UvmSystem,
  UvmVnode,
  Uvmexp,
  Vfs,
  VmMap,
  Vmspace,
  WaitChannel,
  Witness,
};

/** These have something to do with whoever runs the machine: who decides, who watches, what the kernel calls. That stays as it is. */
function tied({ uvm, sys }: NetbsdSystem): RegisteredClass[] {
  return [
    { name: 'Kern', prototype: Kern.prototype, kept: ['log', 'auditor', 'onQuiet', 'onBroken'] },
    { name: 'Scheduler', prototype: Scheduler.prototype, kept: ['strategy', 'onSwitch', 'onWait', 'isSignaled'] },
    { name: 'FaultInjector', prototype: FaultInjector.prototype, kept: ['inner', 'expire'] },
    { name: 'MachineState', prototype: MachineState.prototype, kept: ['trap'] },
    { name: 'Cpu', prototype: Cpu.prototype, kept: ['reader'] },
    { name: 'Ram', prototype: Ram.prototype, kept: ['digests'] },
    { name: 'Uvm', prototype: Object.getPrototypeOf(uvm) as object, kept: ['attacher'] },
    {
      name: 'Sys',
      prototype: Object.getPrototypeOf(sys) as object,
      kept: ['users', 'observer', 'onMemoryFault'],
    },
    { name: 'FrameStack', prototype: FrameStack.prototype, anew: () => new FrameStack() },
  ];
}

let registry: ClassRegistry | null = null;

/** The classes of all machines. */
export function machineClasses(system: NetbsdSystem): ClassRegistry {
  registry ??= new ClassRegistry([
    ...Object.entries(PLAIN).map(([name, { prototype }]) => ({ name, prototype })),
    ...tied(system),
  ]);
  return registry;
}
