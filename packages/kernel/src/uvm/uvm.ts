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
import type { VnodeReferrer } from '../vm/system.js';
import type { Amap } from './amap.js';
import * as amapOperations from './amap-operations.js';
import type { UvmEvent } from './events.js';
import * as fault from './fault.js';
import * as faultLower from './fault-lower.js';
import * as faultSupport from './fault-support.js';
import * as faultWire from './fault-wire.js';
import * as fileIo from './file-io.js';
import * as genfs from './genfs.js';
import * as map from './map.js';
import * as mapChange from './map-change.js';
import * as mapExtract from './map-extract.js';
import * as mapFind from './map-find.js';
import * as mapFork from './map-fork.js';
import * as mapInsert from './map-insert.js';
import * as mapLock from './map-lock.js';
import * as mapRemove from './map-remove.js';
import * as mapWire from './map-wire.js';
import * as mmap from './mmap.js';
import type { UvmObject } from './object.js';
import * as page from './page.js';
import { type CounterWidth, PageArray, PageList } from './page-array.js';
import { Uvmexp } from './uvmexp.js';
import type { VmMap, Vmspace } from './vm-map.js';
import * as vnodePager from './vnode-pager.js';

/** How UVM is booted. */
export interface UvmOptions {
  /** Bits of the wire and loan counters of a page: 16 until 2019, 32 since. Default 32. */
  readonly counterWidth?: CounterWidth;
  /** Bytes in a block of the file system: pages are read in whole blocks. A multiple of the page size. Default 16 KiB. */
  readonly blockSize?: number;
}

/** The state of UVM. */
class UvmState {
  readonly kern: Kern;
  readonly machine: Machine;
  readonly uvmexp = new Uvmexp();

  /** Bytes in a block of the file system. */
  readonly blockSize: number;
  readonly pages: PageArray;
  /** Free pages. With `freeLock`. */
  readonly freeList: PageList;
  /** `uvm_fpageqlock` */
  readonly freeLock: Mutex;
  /** Who waits for memory. `&uvmexp.free` */
  readonly freeChannel = new WaitChannel('free pages');
  /** Pages in use, and those that seem not to be. With `pageqLock`. */
  readonly activeQueue: PageList;
  readonly inactiveQueue: PageList;
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
    this.activeQueue = new PageList(this.pages);
    this.inactiveQueue = new PageList(this.pages);
    this.freeLock = new Mutex(kern, kern.lockClass('uvm_fpageqlock'));
    this.pageqLock = new Mutex(kern, kern.lockClass('uvm_pageqlock'));
    // Parent and child are locked together at fork, in this order.
    this.mapLockClass = kern.lockClass('vmmaplk', { nests: true });
    this.mapMiscLockClass = kern.lockClass('vmmapmisc');
    this.amapLockClass = kern.lockClass('amap');
    this.objectLockClass = kern.lockClass('vmobjlock');
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
  amapOperations,
  fault,
  faultLower,
  faultSupport,
  faultWire,
  fileIo,
  genfs,
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
  page,
  vnodePager,
];

type AmapOperations = typeof amapOperations;
type Fault = typeof fault;
type FaultLower = typeof faultLower;
type FaultSupport = typeof faultSupport;
type FaultWire = typeof faultWire;
type FileIo = typeof fileIo;
type Genfs = typeof genfs;
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
type Page = typeof page;
type VnodePager = typeof vnodePager;

/** UVM: its state and all its functions. */
export interface Uvm
  extends UvmState,
    AmapOperations,
    Fault,
    FaultLower,
    FaultSupport,
    FaultWire,
    FileIo,
    Genfs,
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
    Page,
    VnodePager {}

/** Functions that are parts of one of the kernel's, which is too long to be one function here, or have another name there, or none. */
const PARTS = {
  amapCopyIsLast: 'amapCopy',
  uvmFaultOutOfMappings: '',
  uvmFaultOnce: 'uvmFaultInternal',
  uvmFaultMapPage: 'uvmFaultInternal',
  uvmFaultFlushBehind: 'uvmFaultCheck',
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
  uvmPageDiscard: '',
  uvmPageUnbusyOne: 'uvmPageUnbusy',
  uvmPageUnmap: 'pmapPageProtect',
  uvmPageWait: 'uvmPagewait',
  uvmPageWant: 'uvmPagewait',
  uvmPageWakeup: 'uvmPagewakeup',
  uvmReadaheadPages: 'raStartio',
  uvmVnodeCreate: '',
  uvmVnodeRead: 'ffsRead',
  uvmVnodeWrite: 'ffsWrite',
  uvmVnodeWriteChunk: 'ffsWrite',
  uvmVnodeZero: 'ubcZerorange',
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
