/** What is left when everybody has gone. */
import { mappedInWindows, type NetbsdSystem } from '@faultline/kernel';

/**
 * What was not given back although all processes have ended. The pages of files stay in memory on purpose. That references are as
 * many as those who refer is for the audit to say.
 *
 * @returns a sentence for each kind of thing; null while some process has not ended
 */
export function findLeaks(system: NetbsdSystem): string[] | null {
  const { sys, uvm, machine, kern } = system;
  if ([...sys.processes.values()].some((process) => !process.zombie)) return null;
  const { uvmexp } = uvm;
  // What is in segments and in files of memory is there for whoever comes next.
  const shared = [...uvm.aobjs].reduce((sum, { pages }) => sum + pages.count, 0);
  // The page of zeros, once it was lent, stays for the next who borrows it.
  const zeros = uvm.loanzero.pages.count;
  const left: readonly [count: number, what: string][] = [
    [uvm.spaces.size, 'address spaces'],
    [uvm.maps.size, 'maps'],
    [uvm.amaps.size, 'amaps'],
    [uvm.anonCount, 'anons'],
    [machine.pmaps.length, 'page tables'],
    // What its windows onto files show they go on showing.
    [machine.kernelPmap.residentCount - mappedInWindows(uvm), 'pages that the kernel has mapped'],
    [uvmexp.wired, 'wired pages'],
    [uvmexp.paging, 'pages that are being paged out'],
    [uvm.busyOwners.size, 'busy pages'],
    [[...uvm.aobjs].filter(({ references }) => references === 0).length, 'anonymous objects that nobody has'],
    [uvmexp.anonpages - shared, 'anonymous pages'],
    [uvmexp.npages - uvmexp.free - uvmexp.filepages - uvmexp.execpages - shared - zeros, 'pages that belong to no file'],
    [uvm.kernelLoans.size + uvm.anonLoans.length, 'loans'],
    [sys.openFiles.size, 'open files'],
    [kern.scheduler.kernelThreads, "threads of the kernel's own"],
    [kern.scheduler.lwps.reduce((sum, { held }) => sum + held.length, 0), 'locks that are held'],
  ];
  return left
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `every process has ended, but the count of ${what} is ${count}`);
}
