/** What a call did, step by step, told from the events that the kernel logged meanwhile. */
import {
  type BrokenEvent,
  EFBIG,
  ENOMEM,
  ENOSPC,
  type EntrySnapshot,
  errnoName,
  type LoggedEvent,
  type PanicEvent,
  type PrintfEvent,
  protectionText,
  type UvmEvent,
  type WireStep,
} from '@faultline/kernel';
import type { AddressNames } from './addresses.js';

/** A line of a walk. */
export interface WalkLine {
  /** How far it stands in: 0 for a function, 1 for what happens in it. */
  readonly depth: number;
  /** The kind of step: `clip start`. */
  readonly label: string;
  /** What happened. */
  readonly text: string;
  /** Why, or what is remarkable about it. */
  readonly remark: string;
}

type KnownEvent = UvmEvent | PanicEvent | PrintfEvent | BrokenEvent;

/** What happened, a line an event; events that say nothing of interest are left out. */
export function tellWalk(events: readonly LoggedEvent[], names: AddressNames): WalkLine[] {
  const lines: WalkLine[] = [];
  for (const { event } of events) {
    const told = tellEvent(event as KnownEvent, names);
    if (told !== null) lines.push(...told);
  }
  return lines;
}

/** All addresses that a walk speaks of. */
export function addressesIn(events: readonly LoggedEvent[]): number[] {
  const found: number[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value === 'number' && ['start', 'end', 'at', 'va'].includes(key) && value >= 4096) found.push(value);
    else if (value !== null && typeof value === 'object') for (const [name, inner] of Object.entries(value)) visit(inner, name);
  };
  for (const { event } of events) visit(event, '');
  return found;
}

function line(label: string, text: string, remark = '', depth = 1): WalkLine {
  return { depth, label, text, remark };
}

function tellEvent(event: KnownEvent, names: AddressNames): WalkLine[] | null {
  switch (event.kind) {
    case 'wire':
      return tellWireStep(event, names);
    case 'clip':
      return [tellClip(event, names)];
    case 'page-wire':
      return [line('wire', `page ${event.page}`, `wire_count ${event.count - 1} -> ${event.count}`)];
    case 'page-unwire':
      return [line('unwire', `page ${event.page}`, `wire_count is ${event.count} now`)];
    case 'fault':
      return event.wire ? null : [line('fault', `${names.short(event.va)} ${protectionText(event.access)}`)];
    case 'fault-resolved':
      return [
        line(
          `fault ${event.case}`,
          `${names.short(event.va)} -> page ${event.page}`,
          event.from === null ? '' : `copied from page ${event.from}`,
        ),
      ];
    case 'fault-device':
      return [line('fault', `${names.short(event.va)} -> memory of ${event.device}`)];
    case 'fault-failed':
      return [line('fault', `${names.short(event.va)} cannot be resolved`, errnoName(event.errno))];
    case 'fault-restart':
      return [line('fault', `${names.short(event.va)} is looked up again`, event.why)];
    case 'map':
      return [line('map', names.range(event.range), event.merged === 'no' ? 'an entry of its own' : `merged: ${event.merged}`)];
    case 'unmap':
      return [line('unmap', names.range(event.range))];
    case 'protect':
      return [line('protect', names.range(event.range), protectionText(event.protection))];
    case 'truncate':
      return [line('truncate', `object ${event.object}`, `${event.from} -> ${event.to} bytes`)];
    case 'pagein':
    case 'pageout':
      return [line(event.kind, `${event.pages} pages of object ${event.object} at ${event.offset}`, errnoName(event.errno))];
    case 'swap-in':
      return [line('swap in', `slot ${event.slot} -> page ${event.page}`, errnoName(event.errno))];
    case 'swap-out':
      return [line('swap out', slotsText(event.slot, event.pages), tellSwapOut(event.errno))];
    case 'scan':
      return [line('page daemon', `freed ${event.freed} pages, writes ${event.paging}`, `${event.free} are free now`)];
    case 'no-memory':
      return [line('memory', 'there is none to wait for', event.why)];
    case 'page-free':
      return [line('free', `page ${event.page}`)];
    case 'loan':
      return [line('loan', `page ${event.page}`, `loan_count is ${event.count} now`)];
    case 'unloan':
      return [line('unloan', `page ${event.page}`, `loan_count is ${event.count} now`)];
    case 'loan-break':
      return [line('loan break', `page ${event.page} -> page ${event.by}`, tellLeft(event.loans, event.wirings))];
    case 'page-orphan':
      return [line('orphan', `page ${event.page} has no owner any more`, `loan_count is ${event.loans}`)];
    case 'printf':
      return [line('console', event.line)];
    case 'panic':
      return [line('panic', event.message)];
    case 'broken':
      return [line('broken', event.finding)];
    default:
      return null;
  }
}

function slotsText(slot: number, count: number): string {
  return count === 1 ? `1 page -> slot ${slot}` : `${count} pages -> slots ${slot} to ${slot + count - 1}`;
}

/** What became of pages that were to be written to swap. */
function tellSwapOut(errno: number): string {
  if (errno === 0) return '';
  const kept = errno === ENOMEM || errno === ENOSPC || errno === EFBIG;
  return `${errnoName(errno)}: ${kept ? 'they stay in memory' : 'they are lost'}`;
}

/** What a page whose loan was broken goes on with. */
function tellLeft(loans: number, wirings: number): string {
  const loaned = `the old page is on loan still: loan_count ${loans}`;
  return wirings === 0 ? loaned : `${loaned}, and wired: wire_count ${wirings}`;
}

function tellClip(event: Extract<UvmEvent, { kind: 'clip' }>, names: AddressNames): WalkLine {
  const label = `clip ${event.edge}`;
  if (event.split !== null) {
    const [front, tail] = event.split;
    const halves = `${names.range(front)}${names.range(tail)} wired ${front.wiredCount}, ${tail.wiredCount}`;
    return line(label, halves, `split: ${names.short(event.at)} lies strictly inside`);
  }
  const at = names.short(event.at);
  const where =
    event.at === event.entry.start
      ? `${at} is the entry's own start`
      : event.at === event.entry.end
        ? `${at} is the entry's own end`
        : `${at} lies outside the entry`;
  return line(label, `no split: ${where}`);
}

function wired(entry: EntrySnapshot, names: AddressNames): string {
  return `${names.range(entry)} wired ${entry.wiredCount}`;
}

function tellWireStep(event: Extract<UvmEvent, { kind: 'wire' }>, names: AddressNames): WalkLine[] | null {
  const { step, direction, range } = event;
  switch (step.name) {
    case 'lookup':
      return [
        line('', `uvm_map_pageable(start ${names.short(range.start)}, end ${names.short(range.end)}, ${direction})`, '', 0),
        step.entry === null
          ? line('lookup', 'nothing', 'no entry holds the start')
          : line('lookup', wired(step.entry, names), 'the entry that holds the start'),
      ];
    case 'empty':
      return [line('empty range', 'start and end are the same', 'nothing to do')];
    case 'count':
      return [line('pass 1', `${names.range(step.entry)} wired ${step.before} -> ${step.entry.wiredCount}`)];
    case 'skip':
      return [line('pass 2', wired(step.entry, names), 'skipped: it counts as wired before')];
    case 'fault-in':
      return [line('pass 2', wired(step.entry, names), 'its pages are faulted in')];
    case 'unwire':
      return [line('unwire', `${names.range(step.entry)} wired ${step.entry.wiredCount} -> 0`)];
    case 'pass-end':
      return tellPassEnd(step, range.end, direction, names);
    case 'backout':
      return [line('back out', errnoName(step.errno), step.why)];
    case 'return':
      return [line('return', step.errno === 0 ? '0' : errnoName(step.errno))];
  }
}

/** A pass that had something to do ends without a word; one that had nothing to do says why. */
function tellPassEnd(
  step: Extract<WireStep, { name: 'pass-end' }>,
  end: number,
  direction: 'wire' | 'unwire',
  names: AddressNames,
): WalkLine[] | null {
  if (step.rounds > 0) return null;
  const label = direction === 'wire' ? `pass ${step.pass}` : 'unwire';
  const why = step.at === null ? 'there is no entry' : `entry.start < end is ${names.short(step.at.start)} < ${names.short(end)}`;
  const remark =
    direction === 'unwire'
      ? `nothing is unwired; wired stays ${step.at?.wiredCount ?? 0}`
      : step.pass === 2
        ? '<- nothing is wired here'
        : '';
  return [line(label, `no round: ${why}`, remark)];
}
