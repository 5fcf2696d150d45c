/** What is left when everybody has gone. */
import type { NetbsdSystem } from '@faultline/kernel';

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
  const left: readonly [count: number, what: string][] = [
    [uvm.spaces.size, 'address spaces'],
    [uvm.maps.size, 'maps'],
    [uvm.amaps.size, 'amaps'],
    [uvm.anonCount, 'anons'],
    [machine.pmaps.length, 'page tables'],
    [machine.kernelPmap.residentCount, 'pages that the kernel has mapped'],
    [uvmexp.wired, 'wired pages'],
    [uvmexp.paging, 'pages that are being paged out'],
    [uvm.busyOwners.size, 'busy pages'],
    [uvmexp.anonpages, 'anonymous pages'],
    [uvmexp.npages - uvmexp.free - uvmexp.filepages - uvmexp.execpages, 'pages that belong to no file'],
    [sys.openFiles.size, 'open files'],
    [kern.scheduler.kernelThreads, "threads of the kernel's own"],
    [kern.scheduler.lwps.reduce((sum, { held }) => sum + held.length, 0), 'locks that are held'],
  ];
  return left
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `every process has ended, but the count of ${what} is ${count}`);
}
