/** Counters. `struct uvmexp`, sys/uvm/uvm_extern.h, under its real names. Pages, unless they count events. */

/** What UVM counts. */
export class Uvmexp {
  // State of the page pool.
  /** Pages that UVM manages. */
  npages = 0;
  /** Pages on the free list. */
  free = 0;
  /** Pages that are being paged out. */
  paging = 0;
  /** Pages with a wire count above zero. */
  wired = 0;
  /** Pages on the active queue. */
  active = 0;
  /** Pages on the inactive queue. */
  inactive = 0;
  /** Pages of anons. */
  anonpages = 0;
  /** Pages of files, but for those that follow. */
  filepages = 0;
  /** Pages of files that are mapped executable. */
  execpages = 0;

  // State of swap.
  /** Devices that are swapped to. */
  nswapdev = 0;
  /** Slots of all devices. */
  swpages = 0;
  /** Slots of those from which slots are taken. */
  swpgavail = 0;
  /** Slots in use, bad ones among them. */
  swpginuse = 0;
  /** Slots with a page that is nowhere else. */
  swpgonly = 0;

  // Tuning, set at boot and by uvmpdTune.
  freemin = 0;
  freetarg = 0;
  wiredmax = 0;
  reserve_pagedaemon = 0;
  reserve_kernel = 0;

  // Statistics: they change nothing, and are no part of the state (D11).
  /** Page faults. */
  faults = 0;
  /** Faults that came from wiring. */
  fltwire = 0;
  /** Forks. */
  forks = 0;
  /** Forks where the parent waits. */
  forks_ppwait = 0;
  /** Forks that share the address space. */
  forks_sharevm = 0;
  /** Times the page daemon began to work. */
  pdwoke = 0;
  /** Times it looked through its queues. */
  pdrevs = 0;
  /** Pages that it has freed. */
  pdfreed = 0;
  /** Pages that it has looked at. */
  pdscans = 0;
  /** … of anons, with their owner locked. */
  pdanscan = 0;
  /** … of objects, with their owner locked. */
  pdobscan = 0;
  /** Pages that were made active again, since they had been used. */
  pdreact = 0;
  /** … since there is too little anonymous memory. */
  pdreanon = 0;
  /** … since there are too few pages of files. */
  pdrefile = 0;
  /** … since there are too few pages of programs. */
  pdreexec = 0;
  /** Pages that it found busy. */
  pdbusy = 0;
  /** Clusters that it began to write to swap. */
  pdpageouts = 0;
  /** Pages that it began to write to swap. */
  pdpending = 0;
  /** Pages that it made inactive. */
  pddeact = 0;
  /** Pages asked for from swap. */
  nswget = 0;
  /** Pages read from swap. */
  pgswapin = 0;
  /** Pages written to swap. */
  pgswapout = 0;
  /** Page-in operations. */
  pageins = 0;
  /** Pages brought in from files. */
  pgpgin = 0;
  /** Pages written to files. */
  pgpgout = 0;
  /** Faults that found no page of RAM free. */
  fltnoram = 0;
  /** Faults that could get no anon. */
  fltnoanon = 0;
  /** Faults that waited for a busy page. */
  fltpgwait = 0;
  /** Faults that found a page released after I/O. */
  fltpgrele = 0;
  /** Map locks taken again after I/O. */
  fltrelck = 0;
  /** … and the map was still the same. */
  fltrelckok = 0;
  /** Anon pages fetched. */
  fltanget = 0;
  /** … and had to be fetched again. */
  fltanretry = 0;
  /** Faults that copied or made an amap. */
  fltamcopy = 0;
  /** Neighbouring anon pages mapped. */
  fltnamap = 0;
  /** Neighbouring object pages mapped. */
  fltnomap = 0;
  /** Object pages asked for under the lock. */
  fltlget = 0;
  /** Object pages that needed I/O. */
  fltget = 0;
  /** Faults resolved with an anon that was there: case 1A. */
  flt_anon = 0;
  /** Faults that copied an anon: case 1B. */
  flt_acow = 0;
  /** Faults resolved with an object page as it is: case 2A. */
  flt_obj = 0;
  /** Faults that promoted an object page to an anon: case 2B with copy. */
  flt_prcopy = 0;
  /** Faults that promoted zeros to an anon: case 2B with zero fill. */
  flt_przero = 0;
  /** Calls that inserted a mapping. */
  map_call = 0;
  /** Insertions that extended the entry before. */
  backmerge = 0;
  /** … the entry after. */
  forwmerge = 0;
  /** … both. */
  bimerge = 0;
  /** … none. */
  nomerge = 0;
  /** Lookups of an entry. */
  mlk_call = 0;
  /** … that the hint answered. */
  mlk_hint = 0;
  /** … that went down the tree. */
  mlk_tree = 0;
}

/** A counter's name. */
export type UvmexpField = keyof Uvmexp;

/** The counters that are state and not statistics. */
export const UVMEXP_STATE: readonly UvmexpField[] = [
  'npages',
  'free',
  'paging',
  'wired',
  'active',
  'inactive',
  'anonpages',
  'filepages',
  'execpages',
  'nswapdev',
  'swpages',
  'swpgavail',
  'swpginuse',
  'swpgonly',
  'freemin',
  'freetarg',
  'wiredmax',
  'reserve_pagedaemon',
  'reserve_kernel',
];
