/**
 * UVM, NetBSD's virtual memory system: its state, and all its functions on one object.
 *
 * Each file named below holds the functions of one concept, written with `this: Uvm` and named as the kernel names them, so that a
 * patch can replace any of them by name, and a stack trace reads like the kernel's own.
 *
 * Lock order: map -> amap (= its anons) -> object -> page queues -> free list.
 */
import type { Kern } from '../kern/kern.js';
import type { LockClass } from '../kern/lock.js';
import type { Lwp } from '../kern/lwp.js';
import { Mutex } from '../kern/mutex.js';
import { WaitChannel } from '../kern/sleepq.js';
import { registerKernelFunctions } from '../kern/stack.js';
import { PAGE_SIZE, type Pfn } from '../machine/address.js';
import type { Machine } from '../machine/machine.js';
import type { PageTransfer, SpaceAttacher, VnodeReferrer } from '../vm/system.js';
import type { Amap } from './anon/amap.js';
import * as amapOperations from './anon/amap-operations.js';
import type { Anon } from './anon/anon.js';
import * as anonOperations from './anon/anon-operations.js';
import type { UvmEvent } from './events.js';
import * as fault from './fault/fault.js';
import * as faultAnonget from './fault/fault-anonget.js';
import * as faultLower from './fault/fault-lower.js';
import * as faultSupport from './fault/fault-support.js';
import * as faultWire from './fault/fault-wire.js';
import * as kernelLoan from './loan/kernel-loan.js';
import * as loan from './loan/loan.js';
import * as loanAnon from './loan/loan-anon.js';
import * as loanBreak from './loan/loan-break.js';
import * as loanZero from './loan/loan-zero.js';
import * as unloan from './loan/unloan.js';
import { KernelAddresses } from './map/kernel-addresses.js';
import * as kernelFrames from './map/kernel-frames.js';
import * as map from './map/map.js';
import * as mapChange from './map/map-change.js';
import * as mapExtract from './map/map-extract.js';
import * as mapFind from './map/map-find.js';
import * as mapFork from './map/map-fork.js';
import * as mapInsert from './map/map-insert.js';
import * as mapLock from './map/map-lock.js';
import * as mapRemove from './map/map-remove.js';
import * as mapWire from './map/map-wire.js';
import * as mmap from './map/mmap.js';
import type { VmMap, Vmspace } from './map/vm-map.js';
import type { UvmAobj } from './object/aobj.js';
import * as aobjOperations from './object/aobj-operations.js';
import * as aobjSwap from './object/aobj-swap.js';
import type { UvmDevice } from './object/device-object.js';
import * as devicePager from './object/device-pager.js';
import type { UvmObject } from './object/object.js';
import * as objectWire from './object/object-wire.js';
import * as tmpfs from './object/tmpfs.js';
import * as page from './page/page.js';
import { type CounterWidth, PageArray, PageList } from './page/page-array.js';
import * as pageBusy from './page/page-busy.js';
import { Pagedaemon } from './pagedaemon/pagedaemon.js';
import * as pdaemon from './pagedaemon/pdaemon.js';
import * as pdaemonScan from './pagedaemon/pdaemon-scan.js';
import { newPolicy } from './pagedaemon/pdpolicies.js';
import type { PagePolicy, PolicyHost, PolicyName } from './pagedaemon/pdpolicy.js';
import { Swap } from './swap/swap.js';
import * as swapControl from './swap/swap-control.js';
import * as swapDone from './swap/swap-done.js';
import * as swapIo from './swap/swap-io.js';
import * as swapSlots from './swap/swap-slots.js';
import * as directIo from './transfer/direct-io.js';
import type { TransferredPage } from './transfer/transferred-page.js';
import * as transfers from './transfer/transfers.js';
import type { TransientWiring } from './transfer/transient-wiring.js';
import * as vslock from './transfer/vslock.js';
import { Uvmexp } from './uvmexp.js';
import * as fileIo from './vnode/file-io.js';
import * as genfs from './vnode/genfs.js';
import * as readahead from './vnode/readahead.js';
import * as ubc from './vnode/ubc.js';
import { UBC_NWINS, UbcObject } from './vnode/ubc-window.js';
import * as vnodePager from './vnode/vnode-pager.js';

/** How UVM is booted. */
export interface UvmOptions {
  /** Bits of the wire and loan counters of a page: 16 until 2019, 32 since. Default 32. */
  readonly counterWidth?: CounterWidth;
  /** Which pages go first when memory is short. Default `clock`. */
  readonly pagePolicy?: PolicyName;
  /** Windows of 8 KiB through which the kernel reads and writes files. Default 1,024. */
  readonly ubcWindows?: number;
  /** Bytes in a block of the file system: pages are read in whole blocks. A multiple of the page size. Default 16 KiB. */
  readonly blockSize?: number;
}

/** The state of UVM. */
class UvmState {
  readonly kern: Kern;
  readonly machine: Machine;
  readonly uvmexp = new Uvmexp();
  readonly swap: Swap;
  /** The kernel's windows onto objects. */
  readonly ubc: UbcObject;

  /** Bytes in a block of the file system. */
  readonly blockSize: number;
  readonly pages: PageArray;
  /** Free pages. With `freeLock`. */
  readonly freeList: PageList;
  /** `uvm_fpageqlock` */
  readonly freeLock: Mutex;
  /** Who waits for memory. `&uvmexp.free` */
  readonly freeChannel = new WaitChannel('free pages');
  /** Which pages go first when memory is short, and the queues that say so. With `pageqLock`. */
  readonly policy: PagePolicy;
  readonly pagedaemon = new Pagedaemon();
  /** `uvm_pageqlock` */
  readonly pageqLock: Mutex;
  /** Who waits for busy pages. With the page owner's lock. */
  readonly pageChannels = new Map<Pfn, WaitChannel>();
  /** Who has a page busy, on a DIAGNOSTIC kernel. With the page owner's lock. */
  readonly busyOwners = new Map<Pfn, { readonly lwp: string; readonly tag: string }>();

  readonly mapLockClass: LockClass;
  readonly mapMiscLockClass: LockClass;
  readonly amapLockClass: LockClass;
  readonly objectLockClass: LockClass;

  /** Everything that is alive, in order of creation, for the audit. */
  readonly spaces = new Set<Vmspace>();
  readonly maps = new Set<VmMap>();
  readonly amaps = new Set<Amap>();
  readonly objects = new Set<UvmObject>();
  /** Anonymous objects, in order of creation. `uao_list`, with `aobjListLock` */
  readonly aobjs = new Set<UvmAobj>();
  /** `uao_list_lock` */
  readonly aobjListLock: Mutex;
  /** Ranges of objects whose pages are wired for the objects themselves. */
  objectWirings: readonly objectWire.ObjectWiring[] = [];
  /** Who attaches memory to address spaces. `uvm_shmfork`, `uvm_shmexit` */
  attacher: SpaceAttacher | null = null;
  /** `udv_lock` */
  readonly udvLock: Mutex;
  /** Devices that are mapped. `udv_list`. With `udvLock`. */
  readonly deviceObjects: UvmDevice[] = [];
  /** Transfers between devices and memory that are under way, and what was so when they began. */
  readonly transfers = new Map<PageTransfer, readonly TransferredPage[]>();
  /** Wirings for the time being, in order of creation. */
  readonly vslocks = new Set<TransientWiring>();
  /** What is on loan to the kernel, in order of creation. */
  readonly kernelLoans = new Set<kernelLoan.UvmKernelLoan>();
  /** Anons on loan, as often as they are: borrowers' references that no amap holds. */
  readonly anonLoans: Anon[] = [];
  /** The zero page. */
  readonly loanzero: loanZero.LoanZeroObject;
  /** Addresses of the kernel's own. */
  readonly kernelAddresses = new KernelAddresses();
  anonCount = 0;
  /** Who holds vnodes besides map entries. */
  readonly vnodeReferrers: VnodeReferrer[] = [];

  nextSpaceId = 1;
  nextMapId = 1;
  nextEntryId = 1;
  nextAmapId = 1;
  nextAnonId = 1;
  nextObjectId = 1;

  constructor(kern: Kern, machine: Machine, options: UvmOptions) {
    this.kern = kern;
    this.machine = machine;
    this.blockSize = options.blockSize ?? 16_384;
    if (!Number.isInteger(this.blockSize / PAGE_SIZE) || this.blockSize < PAGE_SIZE) {
      throw new RangeError(`a block of the file system is a multiple of ${PAGE_SIZE} bytes, not ${options.blockSize}`);
    }
    this.pages = new PageArray(machine.ram.pages, { counterWidth: options.counterWidth ?? 32 });
    this.freeList = new PageList(this.pages);
    this.policy = newPolicy(options.pagePolicy ?? 'clock', this as object as PolicyHost);
    this.swap = new Swap(kern);
    this.vnodeReferrers.push(this.swap);
    this.ubc = new UbcObject(new Mutex(kern, kern.lockClass('ubc_object')), options.ubcWindows ?? UBC_NWINS);
    this.freeLock = new Mutex(kern, kern.lockClass('uvm_fpageqlock'));
    this.udvLock = new Mutex(kern, kern.lockClass('udv_lock'));
    this.pageqLock = new Mutex(kern, kern.lockClass('uvm_pageqlock'));
    // Parent and child are locked together at fork, in this order.
    this.mapLockClass = kern.lockClass('vmmaplk', { nests: true });
    this.mapMiscLockClass = kern.lockClass('vmmapmisc');
    this.amapLockClass = kern.lockClass('amap');
    this.objectLockClass = kern.lockClass('vmobjlock');
    this.aobjListLock = new Mutex(kern, kern.lockClass('uao_list_lock'));
    this.loanzero = new loanZero.LoanZeroObject(new Mutex(kern, this.objectLockClass, 'zero'));
  }

  /** The running thread. */
  get curlwp(): Lwp {
    return this.kern.scheduler.current;
  }

  /** Records an event. Call it only while the log is on. */
  log(event: UvmEvent): void {
    this.kern.log.emit(event);
  }
}

const FUNCTIONS = [
  directIo,
  devicePager,
  amapOperations,
  anonOperations,
  aobjOperations,
  aobjSwap,
  fault,
  faultAnonget,
  faultLower,
  faultSupport,
  faultWire,
  fileIo,
  genfs,
  kernelLoan,
  loan,
  loanAnon,
  loanBreak,
  loanZero,
  map,
  mapChange,
  mapExtract,
  mapFind,
  mapFork,
  mapInsert,
  mapLock,
  mapRemove,
  mapWire,
  mmap,
  objectWire,
  page,
  pageBusy,
  pdaemon,
  pdaemonScan,
  swapControl,
  swapDone,
  swapIo,
  swapSlots,
  tmpfs,
  kernelFrames,
  readahead,
  transfers,
  ubc,
  unloan,
  vnodePager,
  vslock,
];

type AmapOperations = typeof amapOperations;
type AnonOperations = typeof anonOperations;
type AobjOperations = typeof aobjOperations;
type AobjSwap = typeof aobjSwap;
type Fault = typeof fault;
type FaultAnonget = typeof faultAnonget;
type FaultLower = typeof faultLower;
type FaultSupport = typeof faultSupport;
type FaultWire = typeof faultWire;
type FileIo = typeof fileIo;
type Genfs = typeof genfs;
type KernelLoan = typeof kernelLoan;
type Loan = typeof loan;
type LoanAnon = typeof loanAnon;
type LoanBreak = typeof loanBreak;
type LoanZero = typeof loanZero;
type Map = typeof map;
type MapChange = typeof mapChange;
type MapExtract = typeof mapExtract;
type MapFind = typeof mapFind;
type MapFork = typeof mapFork;
type MapInsert = typeof mapInsert;
type MapLock = typeof mapLock;
type MapRemove = typeof mapRemove;
type MapWire = typeof mapWire;
type Mmap = typeof mmap;
type ObjectWire = typeof objectWire;
type Page = typeof page;
type PageBusy = typeof pageBusy;
type SwapControl = typeof swapControl;
type SwapDone = typeof swapDone;
type SwapIo = typeof swapIo;
type SwapSlotFunctions = typeof swapSlots;
type Pdaemon = typeof pdaemon;
type PdaemonScan = typeof pdaemonScan;
type Readahead = typeof readahead;
type Ubc = typeof ubc;
type Unloan = typeof unloan;
type Tmpfs = typeof tmpfs;
type VnodePager = typeof vnodePager;
type DevicePager = typeof devicePager;
type DirectIo = typeof directIo;
type KernelFrames = typeof kernelFrames;
type Transfers = typeof transfers;
type VslockFunctions = typeof vslock;

/** UVM: its state and all its functions. */
export interface Uvm
  extends UvmState,
    AmapOperations,
    AnonOperations,
    AobjOperations,
    AobjSwap,
    Fault,
    FaultAnonget,
    FaultLower,
    FaultSupport,
    FaultWire,
    FileIo,
    Genfs,
    KernelLoan,
    Loan,
    LoanAnon,
    LoanBreak,
    LoanZero,
    Map,
    MapChange,
    MapExtract,
    MapFind,
    MapFork,
    MapInsert,
    MapLock,
    MapRemove,
    MapWire,
    Mmap,
    ObjectWire,
    Page,
    PageBusy,
    SwapControl,
    SwapDone,
    SwapIo,
    SwapSlotFunctions,
    Pdaemon,
    PdaemonScan,
    Tmpfs,
    Readahead,
    Ubc,
    Unloan,
    VnodePager,
    DevicePager,
    DirectIo,
    KernelFrames,
    Transfers,
    VslockFunctions {}

/** Functions that are parts of one of the kernel's, which is too long to be one function here, or have another name there, or none. */
const PARTS = {
  amapCopyIsLast: 'amapCopy',
  uvmFaultOutOfMappings: '',
  uvmFaultOnce: 'uvmFaultInternal',
  uaoGetLocked: 'uaoGet',
  uaoRelPages: 'uaoGet',
  uaoGetPage: 'uaoGet',
  uaoGetFill: 'uaoGet',
  uaoPutPage: 'uaoPut',
  tmpfsIsWithin: 'tmpfsGetpages',
  tmpfsGetSome: 'tmpfsGetpages',
  uvmObjWireSome: 'uvmObjWirepages',
  uvmObjUnwireSome: 'uvmObjUnwirepages',
  uvmObjForgetWirings: '',
  uvmObjWirings: '',
  uaoAttach: 'sysShmat',
  uvmFaultWireAobj: 'uvmFaultLowerEnter',
  uvmFaultMapPage: 'uvmFaultInternal',
  uvmFaultFlushBehind: 'uvmFaultCheck',
  uvmLoanGet: 'uvmLoanuobj',
  uvmLoanuobjIo: 'uvmLoanuobj',
  uvmLoanuobjAnon: 'uvmLoanuobj',
  uvmPageLend: '',
  uvmPageCountLoan: '',
  uvmPageAdopt: '',
  uvmPageDisown: 'uvmPagefree',
  uvmAnonBorrow: 'uvmLoanuobj',
  uvmAnonReturnLoan: 'uvmAnonDispose',
  uvmLoanUnbusy: 'uvmLoanbreak',
  uvmFaultLowerDirectLoan: 'uvmFaultLowerDirect',
  uvmFaultNoLoanbreak: '',
  uvmUnloanLockOwner: 'uvmUnloanpage',
  uvmKernelBorrow: 'sosendLoan',
  uvmKernelReturn: 'sodoloanfree',
  uvmKernelLoanRead: 'uiomove',
  uvmMapMergeBack: 'uvmMapEnter',
  uvmMapMergeForward: 'uvmMapEnter',
  uvmMapMergeAmaps: 'uvmMapEnter',
  uvmMapClearHints: 'clearHints',
  uvmMapFirstInRange: '',
  uvmMapLogWire: '',
  uvmMapPrepareWire: '',
  uvmMapProtectEntries: 'uvmMapProtect',
  uvmMapCleanAmap: 'uvmMapClean',
  uvmMapExtractEntries: 'uvmMapExtract',
  uvmMapPageableLookup: 'uvmMapPageable',
  uvmMapPageableUnwire: 'uvmMapPageable',
  uvmMapPageableWire: 'uvmMapPageable',
  uvmMapPageableCount: 'uvmMapPageable',
  uvmMapUncountEntry: 'uvmMapPageable',
  uvmMapPageableBackout: 'uvmMapPageable',
  uvmMapPageableAllFault: 'uvmMapPageableAll',
  uvmMapData: 'sysObreak',
  uvmMapResidency: 'sysMincore',
  uvmMmapWire: 'uvmMmap',
  uvmMremapExtend: 'uvmMremap',
  uvmMapentExtendEntry: 'uvmMapentExtend',
  genfsHasShrunk: 'genfsGetpages',
  genfsGetpagesLocked: 'genfsGetpages',
  genfsGetpagesBusy: 'genfsGetpages',
  genfsGetpagesRead: 'genfsGetpages',
  genfsReadPages: 'genfsGetpages',
  genfsGiveUp: '',
  genfsGatherRun: 'genfsPutpages',
  genfsPutpage: 'genfsPutpages',
  genfsPutpagesWait: 'genfsPutpages',
  uvmAioAiodone: 'uvmAioAiodonePages',
  uvmAioAiodonePageout: 'uvmAioAiodonePages',
  genfsPageoutStart: 'genfsPutpages',
  uvmAioAiodonePage: 'uvmAioAiodonePages',
  uvmfaultAnongetDone: 'uvmfaultAnonget',
  uvmSwapAdd: 'swapOn',
  uvmSwapEmpty: 'swapOff',
  uvmSwapOn: 'swapOn',
  uvmSwapOff: 'swapOff',
  uvmSwapPriority: 'sysSwapctl',
  amapAfter: '',
  amapSwapOffOne: 'amapSwapOff',
  uvmSwapOnly: '',
  uvmSwapNotOnly: '',
  uvmPageDiscard: '',
  uvmpdClusterSlot: 'swapclusterAllocslots',
  uvmpdFlushCluster: 'swapclusterFlush',
  uvmpdFreeClean: 'uvmpdScanQueue',
  uvmpdFreed: '',
  uvmpdHopeless: 'uvmReclaimable',
  uvmpdKeptPromise: 'uvmReclaimable',
  uvmpdOthersAtWork: 'uvmPageout',
  uvmpdPageoutDirty: 'uvmpdScanQueue',
  uvmpdRelieved: '',
  uvmpdScanGoal: 'uvmpdScanQueue',
  uvmpdTakeVictim: 'uvmpdScanQueue',
  uvmpdWakeup: 'wakeup',
  uvmpdWhyNot: 'uvmReclaimable',
  uvmPageUnbusyOne: 'uvmPageUnbusy',
  uvmPageUnmap: 'pmapPageProtect',
  uvmPageWait: 'uvmPagewait',
  uvmPageWant: 'uvmPagewait',
  uvmPageWakeup: 'uvmPagewakeup',
  uvmReadaheadPages: 'raStartio',
  udvAlloc: 'udvAttach',
  uvmMapFrames: 'uvmKmAlloc',
  uvmUnmapFrames: 'uvmKmFree',
  uvmTransferBegins: '',
  uvmTransferEnds: '',
  uvmTransferFreed: '',
  uvmTransientWirings: '',
  genfsDirectFrames: 'genfsDoDirectio',
  uvmIsHeld: '',
  uvmEntryWirings: '',
  uvmEntryWiredPage: '',
  uvmVslockForget: '',
  uvmIsOnlyMarkedWired: '',
  uvmVnodeCreate: '',
  uvmVnodeRead: 'ffsRead',
  uvmVnodeWrite: 'ffsWrite',
  uvmVnodeWriteBlock: 'ffsWrite',
  uvmVnodeIsResident: '',
  uvmVnodeZero: '',
  uvmVnodeResize: 'ffsTruncate',
  vnMarkmapped: 'vnMmap',
  ubcUiomoveWindow: 'ubcUiomove',
  ubcCopy: 'uiomove',
  ubcLookup: '',
  ubcTurn: 'ubcAlloc',
  ubcUnmap: '',
  ubcFaultBusy: 'ubcAlloc',
  ubcReleaseBusy: 'ubcRelease',
  uvmVnodeTruncate: 'ffsTruncate',
  uvmVnodeSync: 'ffsFsync',
};

for (const functions of FUNCTIONS) {
  Object.assign(UvmState.prototype, functions);
  registerKernelFunctions(functions, PARTS);
}

/** Boots UVM on a machine. `uvm_init()`, sys/uvm/uvm_init.c. */
export function bootUvm(kern: Kern, machine: Machine, options: UvmOptions = {}): Uvm {
  const uvm = new UvmState(kern, machine, options) as Uvm;
  uvm.uvmPageInit();
  uvm.uvmpdTune();
  return uvm;
}
