/** `swapctl -l`. usr.sbin/swapctl/swapctl.c and swaplist.c. */
import { PAGE_SIZE } from '../../machine/address.js';
import type { SwapDescription } from '../../vm/system.js';
import type { Uvm } from '../uvm.js';
import type { ViewSize } from './show.js';

/** What is swapped to. */
export interface SwapData {
  readonly devices: readonly SwapDescription[];
  /** Pages that are on swap and nowhere else. */
  readonly only: number;
  /** Whether bad slots are told of. */
  readonly full: boolean;
}

/** What is swapped to, as data. */
export function describeSwap(uvm: Uvm, size: ViewSize): SwapData {
  return { devices: uvm.swap.describe(), only: uvm.uvmexp.swpgonly, full: size.full };
}

/** Blocks in a page, in the unit that swapctl(8) has. */
const BLOCKS = PAGE_SIZE / 512;

function row(path: string, pages: number, inUse: number): string {
  const counts = [pages, inUse, pages - inUse].map((count) => String(count * BLOCKS));
  const percent = pages === 0 ? 0 : Math.round((inUse / pages) * 100);
  const [all, used, free] = [counts[0]?.padStart(11), counts[1]?.padStart(8), counts[2]?.padStart(8)];
  return `${path.padEnd(11)} ${all} ${used} ${free} ${`${percent}%`.padStart(6)}`;
}

/** What is swapped to, as swapctl(8) lists it; with `full`, what else is known of each. */
export function swapText({ devices, only, full }: SwapData): string {
  if (devices.length === 0) return 'no swap devices configured';
  const lines = ['Device       512-blocks     Used    Avail Capacity  Priority'];
  for (const { path, pages, inUse, bad, enabled, priority } of devices) {
    lines.push(`${row(path, pages, inUse)}    ${priority}`);
    if (full && bad > 0) lines.push(`  ${bad} of its ${pages} pages are bad`);
    if (full && !enabled) lines.push('  all its pages are being brought in');
  }
  if (devices.length > 1) {
    const total = (field: 'pages' | 'inUse'): number => devices.reduce((sum, device) => sum + device[field], 0);
    lines.push(row('Total', total('pages'), total('inUse')));
  }
  if (full) lines.push(`${only} pages are on swap and nowhere else`);
  return lines.join('\n');
}
