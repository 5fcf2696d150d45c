import { describe, expect, it } from 'vitest';
import { Bench, PRIVATE } from '../../../test/maps.js';
import type { BrokenRule } from '../../kern/invariant.js';
import { asOffset, asPfn, PAGE_SIZE, type Pfn } from '../../machine/address.js';
import { DEVICE_FIRST_FRAME } from '../../machine/device-memory.js';
import { PROT_WRITE } from '../../machine/protection.js';
import { NO_FRAME, type PageTransfer } from '../../vm/system.js';
import { uvmAdvisories } from '../audit/audit-advice.js';
import { NO_PAGE } from '../page/page-array.js';

/** A map with a page that a device is writing to. */
class Transferring extends Bench {
  readonly page: Pfn;
  readonly transfer: PageTransfer;
  /** What was said at once. */
  readonly broken: BrokenRule[] = [];

  constructor(frames?: readonly Pfn[]) {
    super();
    const bench = this;
    this.run(function* () {
      yield* bench.put(0, 1);
      yield* bench.write(0, 7);
      expect(yield* bench.uvm.uvmVslock(bench.space, bench.at(0), PAGE_SIZE, PROT_WRITE)).toBe(0);
    });
    this.page = this.pageOf(0);
    this.transfer = { label: 'st0 read', space: this.space, start: this.at(0), frames: frames ?? [this.page] };
    this.kern.onBroken = (broken) => this.broken.push(broken);
    this.uvm.uvmTransferBegins(this.transfer);
  }

  /** The bytes move; answers what is said then. */
  moves(): string[] {
    this.broken.length = 0;
    this.uvm.uvmTransferEnds(this.transfer, { moves: true });
    return this.broken.map(({ violation }) => violation.finding);
  }

  get findings(): string[] {
    return this.audit().flatMap(({ invariant, finding }) => (invariant === 'device-page' ? [finding] : []));
  }
}

describe('a page that a device has', () => {
  it('is all right as long as nobody touches it, and forgotten when the bytes have moved', () => {
    const bench = new Transferring();
    bench.expectSound();
    expect(bench.uvm.transfers.size).toBe(1);
    expect(bench.moves()).toEqual([]);
    expect(bench.uvm.transfers.size).toBe(0);
    bench.expectSound();
  });

  it('is not asked about when nothing moves', () => {
    const bench = new Transferring();
    bench.uvm.pages.setOwner(bench.page, null, null, asOffset(0));
    bench.uvm.uvmTransferEnds(bench.transfer, { moves: false });
    expect(bench.broken).toEqual([]);
    expect(bench.uvm.transfers.size).toBe(0);
  });

  it('must not be freed: that is said at once, with the functions it happened in', () => {
    const bench = new Transferring();
    bench.kern.log.on = true;
    bench.run(() => bench.remove(0, 1));
    const free = `st0 read: page ${bench.page} is free while the device has it`;
    expect(bench.broken.map(({ violation }) => violation)).toMatchObject([{ invariant: 'device-page', finding: free }]);
    expect(bench.broken[0]?.frames).toEqual(expect.arrayContaining(['uvm_pagefree', 'amap_wipeout', 'uvm_unmap']));
    expect(bench.kern.log.events().map(({ event }) => event)).toContainEqual({
      kind: 'broken',
      invariant: 'device-page',
      finding: free,
    });
    expect(bench.findings).toEqual([free]);
    expect(bench.moves(), 'when the bytes move').toEqual([free]);
    expect(bench.findings).toEqual([]);
  });

  it('must not change hands', () => {
    const bench = new Transferring();
    const { pages } = bench.uvm;
    const anon = pages.uanon(bench.page);
    pages.setOwner(bench.page, null, null, asOffset(0));
    const gone = `st0 read: page ${bench.page} belonged to anon ${anon?.id} when it was given to the device, and to nobody now`;
    expect(bench.findings).toEqual([gone]);
    expect(bench.moves()).toEqual([gone]);
  });

  it('must not be left to others who had it too: a child, after the program has stored to its copy', () => {
    const bench = new Transferring();
    bench.run(function* () {
      const child = yield* bench.uvm.uvmspaceFork(bench.space);
      expect(bench.findings).toEqual([]);
      yield* bench.write(0, 8);
      expect(bench.pageOf(0, child.map)).toBe(bench.page);
    });
    const anon = bench.uvm.pages.uanon(bench.page);
    const left = `st0 read: page ${bench.page} belongs to anon ${anon?.id}, which the program does not have any more`;
    expect(bench.moves()).toEqual([left]);
  });

  it('may be at another address by then', () => {
    const bench = new Transferring();
    bench.run(function* () {
      const to = { near: bench.at(4), size: PAGE_SIZE, fixed: true, align: 0 };
      expect(yield* bench.uvm.uvmMremap(bench.map, { start: bench.at(0), size: PAGE_SIZE }, to)).toBe(bench.at(4));
    });
    expect(bench.pageOf(4)).toBe(bench.page);
    expect(bench.moves()).toEqual([]);
  });

  it('must have been wired for it', () => {
    const bench = new Transferring();
    bench.run(function* () {
      yield* bench.put(1, 2, { flags: PRIVATE });
      yield* bench.write(1, 9);
    });
    const other: PageTransfer = { ...bench.transfer, frames: [bench.pageOf(1)] };
    bench.uvm.uvmTransferBegins(other);
    expect(bench.findings).toEqual([
      `st0 read: page ${bench.pageOf(1)} was never wired for 0x10000, where the device was sent to it`,
    ]);
  });

  it('must be one: not what an address leads to that maps nothing; and may be another device', () => {
    expect(new Transferring([NO_FRAME]).moves()).toEqual([
      'st0 read: nothing was mapped at 0x10000 when the device was told where to go',
    ]);
    expect(new Transferring([DEVICE_FIRST_FRAME]).moves()).toEqual([]);
    expect(NO_PAGE).toBe(NO_FRAME);
  });
});

describe('the advice not to wire what is on loan', () => {
  it('is about pages that are both', () => {
    const bench = new Transferring();
    bench.kern.auditor.registerAdvisories(uvmAdvisories(bench.uvm));
    expect(bench.kern.auditor.advise()).toEqual([]);
    bench.uvm.pages.setLoanCount(bench.page, 1);
    bench.uvm.pages.setLoanCount(asPfn(bench.page + 1), 1);
    expect(bench.kern.auditor.advise()).toMatchObject([
      { invariant: 'wired-loan', finding: `page ${bench.page} has wire_count 1, and loan_count 1` },
    ]);
  });
});
