import type { Pfn } from '../machine/address.js';
import type { Uvm } from './uvm.js';
/** A page in the layout of `show page`. */
export function showPage(uvm: Uvm, pfn: Pfn): string {
  return `PAGE ${pfn}: ${uvm.pages.flags(pfn)}`;
}
