/** The rows of the page daemon and of swap. */
import { EIO } from '../../src/kern/errno.js';
import { waitForIo } from '../../src/machine/io.js';
import { PG_CLEAN } from '../../src/uvm/page/page-array.js';
import { Swapcluster } from '../../src/uvm/pagedaemon/swapcluster.js';
import { Patient } from '../audit.js';
import { SwapBench, startPageout } from '../swap.js';
import { asserted, type Fired, type Firing, panicAtOnce, panicIn, panicLocked, type Row } from './row.js';

/** Gives the page daemon a page of a patient for a victim. */
function taking(page: number, harm: (patient: Patient) => void, lock: 'locked' | 'unlocked' = 'locked'): Fired {
  const patient = new Patient();
  harm(patient);
  const owner = patient.amapAt(page).lock;
  const victim = { page: patient.pageOf(page), lock: owner };
  const locks = lock === 'locked' ? [owner, patient.uvm.pageqLock] : [patient.uvm.pageqLock];
  return panicLocked(patient, locks, () => patient.uvm.uvmpdTakeVictim(victim, new Swapcluster()));
}

/** Does something with slots, of which there are so many in use. */
function withSlots(count: number, work: (bench: SwapBench, slot: number) => void): Fired {
  const bench = new SwapBench();
  const slot = bench.uvm.uvmSwapAlloc(count, { lessOk: false })?.slot ?? 0;
  return panicAtOnce(bench, [], () => work(bench, slot));
}

function noDevice(by: string, work: (bench: SwapBench) => Fired): Firing {
  return ['a slot that no device has', `${by}: no device has slot 99`, by, () => work(new SwapBench())];
}

/** Writes a page to swap; what is wrong comes after the write has begun. */
function writing(harm: (bench: SwapBench) => void): Fired {
  const bench = new SwapBench();
  return panicIn(bench, function* () {
    yield* bench.put(0, 1);
    yield* bench.write(0, 7);
    const request = yield* startPageout(bench.uvm, [bench.anonAt(0)]);
    harm(bench);
    yield* waitForIo(bench.kern, request);
  });
}

export const SWAP_ROWS: readonly Row[] = [
  {
    where: 'pagedaemon victim',
    condition: 'queued, owner locked, wire_count 0',
    firings: [
      [
        'a page on no queue',
        asserted('uvmpdpol_pageisqueued_p(p)'),
        'uvmpd_scan_queue',
        () => taking(0, (patient) => patient.uvm.policy.dequeue(patient.pageOf(0))),
      ],
      [
        'an owner that is not locked',
        asserted('uvm_page_locked_p(p)'),
        'uvmpd_scan_queue',
        () => taking(0, () => {}, 'unlocked'),
      ],
      [
        'a wired page',
        asserted('p->wire_count == 0'),
        'uvmpd_scan_queue',
        () => taking(0, (patient) => patient.uvm.pages.setWireCount(patient.pageOf(0), 1)),
      ],
    ],
  },
  {
    where: 'scan: freed clean anon',
    condition: 'an_swslot != 0',
    firings: [
      [
        'a page that is clean, and on no swap',
        asserted('anon->an_swslot != 0'),
        'uvmpd_scan_queue',
        () =>
          taking(0, (patient) => {
            patient.machine.pmapClearModify(patient.pageOf(0));
            patient.uvm.pages.setFlags(patient.pageOf(0), PG_CLEAN);
          }),
      ],
    ],
  },
  {
    where: 'uvm_pageout_done',
    condition: 'paging >= n',
    firings: [
      [
        'more pages than are being written',
        asserted('uvmexp.paging >= npages'),
        'uvm_pageout_done',
        () => {
          const bench = new SwapBench();
          bench.uvm.uvmPageoutStart(1);
          return panicIn(bench, () => bench.uvm.uvmPageoutDone(2));
        },
      ],
    ],
  },
  {
    where: 'swap get/markbad/free',
    condition: 'swpgonly/npginuse >= n; device found',
    firings: [
      [
        'a read of what is nowhere only on swap',
        asserted('uvmexp.swpgonly > 0'),
        'uvm_swap_get',
        () => {
          const bench = new SwapBench();
          const slot = bench.uvm.uvmSwapAlloc(1, { lessOk: false })?.slot ?? 0;
          return panicIn(bench, () => bench.uvm.uvmSwapGet(bench.uvm.freeList.head, slot));
        },
      ],
      [
        'a bad slot with what is elsewhere as well',
        asserted('uvmexp.swpgonly >= nslots'),
        'uvm_swap_markbad',
        () => withSlots(1, ({ uvm }, slot) => uvm.uvmSwapMarkbad(slot, 1)),
      ],
      [
        'more slots than are in use',
        asserted('sdp->swd_npginuse >= nslots'),
        'uvm_swap_free',
        () => withSlots(1, ({ uvm }, slot) => uvm.uvmSwapFree(slot, 2)),
      ],
      [
        'a slot that is given back twice',
        asserted('blist_free: freeing a free block'),
        'uvm_swap_free',
        () =>
          withSlots(2, ({ uvm }, slot) => {
            for (let time = 0; time < 2; time++) uvm.uvmSwapFree(slot, 1);
          }),
      ],
      noDevice('uvm_swap_get', (bench) => panicIn(bench, () => bench.uvm.uvmSwapGet(bench.uvm.freeList.head, 99))),
      noDevice('uvm_swap_markbad', (bench) => panicAtOnce(bench, [], () => bench.uvm.uvmSwapMarkbad(99, 1))),
      noDevice('uvm_swap_free', (bench) => panicAtOnce(bench, [], () => bench.uvm.uvmSwapFree(99, 1))),
    ],
  },
  {
    where: 'aiodone',
    condition: 'swpgonly+n <= swpginuse; slot matches page',
    firings: [
      [
        'more pages only on swap than there are slots in use',
        asserted('uvmexp.swpgonly + npages <= uvmexp.swpginuse'),
        'uvm_aio_aiodone_pages',
        () =>
          writing(({ uvm }) => {
            uvm.uvmexp.swpgonly = uvm.uvmexp.swpginuse;
          }),
      ],
      [
        'a page that has another slot than it was written to',
        asserted('pg->uanon->an_swslot == swslot + i'),
        'uvm_aio_aiodone_pages',
        () =>
          writing((bench) => {
            bench.disk().writeErrno = EIO;
            bench.anonAt(0).swapSlot++;
          }),
      ],
    ],
  },
];
