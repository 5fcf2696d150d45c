/** What is left when everybody has gone. */
import type { NetbsdSystem } from '@faultline/kernel';

/**
 * What was not given back although all processes have ended. The pages of files stay in memory on purpose.
 *
 * @returns a sentence for each kind of thing; null while some process has not ended
 */
export function findLeaks(system: NetbsdSystem): string[] | null {
  const { sys, uvm } = system;
  if ([...sys.processes.values()].some((process) => !process.zombie)) return null;
  const { uvmexp } = uvm;
  const left: readonly [count: number, what: string][] = [
    [uvm.spaces.size, 'address spaces'],
    [uvm.maps.size, 'maps'],
    [uvm.amaps.size, 'amaps'],
    [uvm.anonCount, 'anons'],
    [uvmexp.wired, 'wired pages'],
    [uvmexp.anonpages, 'anonymous pages'],
    [uvmexp.npages - uvmexp.free - uvmexp.filepages - uvmexp.execpages, 'pages that belong to no file'],
    [sys.openFiles.size, 'open files'],
  ];
  return left
    .filter(([count]) => count !== 0)
    .map(([count, what]) => `every process has ended, but the count of ${what} is ${count}`);
}
