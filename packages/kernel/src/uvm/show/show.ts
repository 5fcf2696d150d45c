/**
 * What the views of UVM's structures have in common (decision D8).
 *
 *     structure ──describe…()──> data, for JSON ──…Text()──> text, in the layout of NetBSD's debugger
 *                     └── checks what it passes on the way ──> data.problems ──> lines between >>> and <<<
 *
 * Views change nothing, take no lock and never sleep, so they can be asked for at any time, after a panic too. There are no kernel
 * addresses here: where NetBSD prints a pointer, a view prints a name that is the same in each run, such as `map 3`.
 */
import type { MapEntry } from '../map/map-entry.js';
import type { Uvm } from '../uvm.js';

/** Something that does not agree with the rest, found by a view. */
export interface Problem {
  /** What it is found in: `entry 3`. */
  readonly subject: string;
  /** What is wrong, each time in the same words: `AMAP RANGE TOO LARGE`. */
  readonly what: string;
  /** The values that do not agree; empty when there are none to tell. */
  readonly seen: string;
}

/** Views are brief or full, as the debugger's `show` and `show/f`. */
export interface ViewSize {
  readonly full: boolean;
}

/** A name in the place of a kernel address, null for none: `map 3`. */
export function nameOf(kind: string, thing: { readonly id: number } | null): string | null {
  return thing === null ? null : `${kind} ${thing.id}`;
}

/** A name as `%p` would stand there. */
export function pointer(name: string | null): string {
  return name ?? '0x0';
}

/** What is wrong, marked as the debugger marks it. @param within the structure that the line stands under, which it need not name */
export function marked({ subject, what, seen }: Problem, within: string): string {
  const where = subject === within ? '' : `${subject}: `;
  return `>>> ${where}${what} <<<${seen === '' ? '' : ` (${seen})`}`;
}

/** A bit, and its name. */
export type BitName = readonly [bit: number, name: string];

/** The names of the bits that are set, the lowest bit first. */
export function bitNames(value: number, names: readonly BitName[]): string[] {
  return names.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
}

/** `0x9<BUSY,CLEAN>`. `snprintb(9)`. */
export function bitText(value: number, names: readonly string[]): string {
  if (value === 0) return '0';
  return `0x${value.toString(16)}${names.length === 0 ? '' : `<${names.join(',')}>`}`;
}

/** A count with its noun: `1 page`, `3 pages`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The entries of all maps that refer to something: `entry 3 of map 1`. */
export function referringEntries(uvm: Uvm, refers: (entry: MapEntry) => boolean): string[] {
  return [...uvm.maps].flatMap((map) => {
    const referring = map.entries().filter(refers);
    return referring.map((entry) => `entry ${entry.id} of map ${map.id}`);
  });
}
