/** An amap with its slots, as pmap(1) dumps one: `dump_amap()`, usr.bin/pmap/pmap.c. */
import { AMAP_SHARED, AMAP_SWAPOFF, type Amap } from '../anon/amap.js';
import { NO_PAGE } from '../page/page-array.js';
import type { Uvm } from '../uvm.js';
import { bitNames, marked, type Problem, pointer, referringEntries, type ViewSize } from './show.js';

/** A slot in use. */
export interface SlotData {
  readonly slot: number;
  /** Its place among the slots in use. */
  readonly backPointer: number;
  readonly anon: string | null;
  /** Amap slots that hold the anon. */
  readonly references: number;
  readonly page: string | null;
  /** Where on swap it is: 0 for nowhere, -1 when it was lost there. */
  readonly swapSlot: number;
}

/** An amap. */
export interface AmapData {
  readonly name: string;
  readonly references: number;
  readonly flags: number;
  readonly flagNames: readonly string[];
  readonly maxSlots: number;
  readonly slotCount: number;
  readonly usedCount: number;
  /** Which entries refer to it. */
  readonly entries: readonly string[];
  /** Reference counts of runs of slots, from slot 0 up; null while all references cover all slots. */
  readonly partial: readonly { readonly slots: number; readonly references: number }[] | null;
  /** The slots in use, in the order in which the amap lists them; null in a brief view. */
  readonly used: readonly SlotData[] | null;
  readonly problems: readonly Problem[];
}

/** An amap as data. */
export function describeAmap(uvm: Uvm, amap: Amap, size: ViewSize): AmapData {
  const entries = referringEntries(uvm, (entry) => entry.amap === amap);
  return {
    name: `amap ${amap.id}`,
    references: amap.references,
    flags: amap.flags,
    flagNames: bitNames(amap.flags, [
      [AMAP_SHARED, 'SHARED'],
      [AMAP_SWAPOFF, 'SWAPOFF'],
    ]),
    maxSlots: amap.maxSlots,
    slotCount: amap.slots,
    usedCount: amap.used.length,
    entries,
    partial: amap.partial === null ? null : amap.partial.runs.map(({ slots, references }) => ({ slots, references })),
    used: size.full ? amap.used.map((slot) => describeSlot(amap, slot)) : null,
    problems: amapProblems(uvm, amap, entries.length),
  };
}

function describeSlot(amap: Amap, slot: number): SlotData {
  const anon = amap.at(slot);
  return {
    slot,
    backPointer: amap.backPointer[slot] ?? -1,
    anon: anon === null ? null : `anon ${anon.id}`,
    references: anon?.references ?? 0,
    page: anon === null || anon.page === NO_PAGE ? null : `page ${anon.page}`,
    swapSlot: anon?.swapSlot ?? 0,
  };
}

function amapProblems(uvm: Uvm, amap: Amap, referrers: number): Problem[] {
  const problems: Problem[] = [];
  const say = (subject: string, what: string, seen = ''): void => void problems.push({ subject, what, seen });
  const name = `amap ${amap.id}`;
  if (referrers !== amap.references) say(name, 'REFERENCE COUNT IS WRONG', `${amap.references} counted, ${referrers} found`);
  if (amap.slots > amap.maxSlots) say(name, 'MORE SLOTS THAN ROOM', `${amap.slots} slots, room for ${amap.maxSlots}`);
  amap.used.forEach((slot, place) => {
    const subject = `slot ${slot}`;
    const anon = amap.at(slot);
    if (slot >= amap.slots) say(subject, 'SLOT IS BEHIND THE LAST', `slots ${amap.slots}`);
    if (amap.backPointer[slot] !== place) say(subject, 'BACK POINTER IS WRONG', `${amap.backPointer[slot]}, listed at ${place}`);
    if (anon === null) {
      say(subject, 'SLOT IS EMPTY');
      return;
    }
    if (anon.lock !== amap.lock) say(subject, 'ANON HAS ANOTHER LOCK', `anon ${anon.id}`);
    if (anon.references < 1) say(subject, 'ANON HAS NO REFERENCE', `anon ${anon.id}`);
    if (anon.page !== NO_PAGE && uvm.pages.uanon(anon.page) !== anon) {
      say(subject, 'PAGE DOES NOT POINT TO ITS ANON', `anon ${anon.id}, page ${anon.page}`);
    }
  });
  return problems;
}

/** An amap as pmap(1) dumps it; rows of slots that hold nothing and say nothing are left out. */
export function amapText(data: AmapData): string {
  const lines = [
    `  amap ${data.name} = { am_ref = ${data.references}, am_flags = ${data.flags.toString(16)},`,
    `      am_maxslot = ${data.maxSlots}, am_nslot = ${data.slotCount}, am_nused = ${data.usedCount} }`,
  ];
  const slots = data.used === null ? [] : slotLines(data, data.used);
  const problems = data.problems.map((problem) => `  ${marked(problem, data.name)}`);
  return [...lines, ...slots, ...problems].join('\n');
}

function slotLines(data: AmapData, used: readonly SlotData[]): string[] {
  const runs = new Map<number, { readonly slots: number; readonly references: number }>();
  let from = 0;
  for (const run of data.partial ?? []) {
    runs.set(from, run);
    from += run.slots;
  }
  const bySlot = new Map(used.map((slot) => [slot.slot, slot]));
  const rows = new Set([...bySlot.keys(), ...used.keys(), ...runs.keys()]);
  const partial = data.partial !== null;
  const lines = [
    ` page# ${'am_bckptr'.padStart(9)}  ${'am_slots'.padStart(8)}${partial ? `  ${'am_ppref'.padStart(8)}${' '.repeat(15)}` : ''}  ${'am_anon'.padStart(10)}`,
  ];
  for (const row of [...rows].sort((a, b) => a - b)) {
    const slot = bySlot.get(row);
    const cells = [
      row.toString(16).padStart(4),
      (slot === undefined ? '-' : slot.backPointer.toString(16)).padStart(8),
      (used[row]?.slot.toString(16) ?? '-').padStart(8),
    ];
    if (partial) cells.push(runText(runs.get(row)));
    const anon = pointer(slot?.anon ?? null).padStart(10);
    const what =
      slot === undefined
        ? '{ }'
        : `{ an_ref = ${slot.references}, an_page = ${pointer(slot.page)}${slot.swapSlot === 0 ? '' : `, an_swslot = ${slot.swapSlot}`} }`;
    lines.push(`  ${cells.join('  ')}  ${anon} = ${what}`);
  }
  return lines;
}

/** The length of a run and its count, where one begins: as the kernel keeps them, a length above 1 is negative, and the count is one more. */
function runText(run: { readonly slots: number; readonly references: number } | undefined): string {
  if (run === undefined) return `${'-'.padStart(8)}${' '.repeat(15)}`;
  const kept = run.slots === 1 ? run.references + 1 : -(run.references + 1);
  return `${String(kept).padStart(8)}  (${String(run.slots).padStart(4)} @ ${String(run.references).padStart(4)})`;
}
