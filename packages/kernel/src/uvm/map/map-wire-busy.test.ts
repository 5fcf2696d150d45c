/** What others may do to a map while its memory is wired; and the counters of pages that wiring moves. */
import { describe, expect, it } from 'vitest';
import { Bench } from '../../../test/maps.js';
import { startThread } from '../../../test/threads.js';
import { ENOMEM } from '../../kern/errno.js';
import { pause } from '../../kern/sleepq.js';
import { BUILD } from '../../kern/switch.js';
import { PROT_WRITE } from '../../machine/protection.js';
import { MCL_CURRENT } from '../../vm/mman.js';

describe('while a map is wired', () => {
  //   T1  pass 1, busy, reads the file ......... done, not busy
  //   T2                      faults
  //   T3                        wants to unmap ............ unmaps
  it('others may fault on it, and change it only afterwards', () => {
    const bench = new Bench();
    const file = bench.newFile(4);
    const { kern, map } = bench;
    bench.run(function* () {
      yield* bench.putFile(0, 4, file, 0);
      yield* bench.put(6, 8);
      yield* bench.write(6, 1);
    });
    const log: string[] = [];
    const wirer = startThread(kern, function* () {
      expect(yield* bench.wire(0, 4)).toBe(0);
      log.push('wired');
    });
    startThread(kern, function* () {
      expect(map.busy).toBe(wirer);
      yield* bench.read(6);
      log.push('faulted');
    });
    // In the direct build the thread that wires lies below the others on the stack, and would be waited for in vain.
    if (BUILD !== 'direct') {
      startThread(kern, function* () {
        yield* bench.remove(1, 2);
        log.push('unmapped');
      });
    }
    kern.scheduler.run();
    expect(log).toEqual(BUILD !== 'direct' ? ['faulted', 'wired', 'unmapped'] : ['faulted', 'wired']);
    expect([bench.picture(), bench.uvm.uvmexp.wired]).toEqual(BUILD !== 'direct' ? ['A.BB..cc', 3] : ['AAAA..bb', 4]);
    bench.expectSound();
  });

  //   entry  a a
  //   T1     wires the first page, sleeps ............ wires the second
  //   T2                  takes a fault on the first page, which it met before that was there
  it('a fault that comes late for a page that is wired by now leaves it wired', () => {
    const bench = new Bench();
    const { kern, map, uvm, machine } = bench;
    bench.run(() => bench.put(0, 2));
    const wireFault = uvm.uvmFaultInternal;
    Object.assign(uvm, {
      *uvmFaultInternal(...args: Parameters<typeof wireFault>) {
        if (args[1] === bench.at(1)) yield* pause(kern.scheduler, 'reading', 1);
        return yield* wireFault.apply(uvm, args);
      },
    });
    startThread(kern, function* () {
      expect(yield* bench.wire(0, 2)).toBe(0);
    });
    startThread(kern, function* () {
      expect(machine.pmapIsWired(map.pmap, bench.at(0))).toBe(true);
      expect(yield* uvm.uvmFault(map, bench.at(0), PROT_WRITE)).toBe(0);
    });
    kern.scheduler.run();
    expect(machine.pmapIsWired(map.pmap, bench.at(0))).toBe(true);
    expect(bench.uvm.uvmexp.wired).toBe(2);
    bench.expectSound();
  });

  it('nobody changes it: if that happened all the same, and wiring fails, the map is stale', () => {
    for (const all of [false, true]) {
      const bench = new Bench();
      const { uvm, map } = bench;
      bench.run(() => bench.put(0, 4));
      Object.assign(uvm, {
        *uvmFaultWire() {
          yield* pause(bench.kern.scheduler, 'failing', 1);
          map.timestamp++;
          return ENOMEM;
        },
      });
      const panic = bench.panicOf(() => (all ? uvm.uvmMapPageableAll(map, MCL_CURRENT, 0) : bench.wire(0, 4)));
      expect(panic).toBe(all ? 'uvm_map_pageable_all: stale map' : 'uvm_map_pageable: stale map');
    }
  });
});

describe('a kernel without DIAGNOSTIC', () => {
  it('does not look whether the map is stale', () => {
    const bench = new Bench({ diagnostic: false });
    const { uvm, map } = bench;
    bench.run(() => bench.put(0, 4));
    Object.assign(uvm, {
      *uvmFaultWire() {
        yield* pause(bench.kern.scheduler, 'failing', 1);
        map.timestamp++;
        return ENOMEM;
      },
    });
    expect(bench.run(() => bench.wire(0, 4))).toBe(ENOMEM);
    expect(bench.run(() => uvm.uvmMapPageableAll(map, MCL_CURRENT, 0))).toBe(ENOMEM);
    expect(bench.picture()).toBe('aaaa');
  });
});

describe('counters of 16 bits', () => {
  it('go round at 65,536, and without DIAGNOSTIC below zero, as those of the kernel did', () => {
    const bench = new Bench({ counterWidth: 16, diagnostic: false });
    bench.run(() => bench.put(0, 1));
    bench.run(() => bench.write(0, 1));
    bench.entryAt(0).wiredCount = 1;
    bench.run(() => bench.unwire(0, 1));
    expect(bench.uvm.pages.wireCount(bench.pageOf(0))).toBe(65_535);
    expect(bench.kern.console).toEqual(['pmap_unwire: wiring for pmap 1 va 0x10000 did not change!']);
  });

  it('are found out by an assertion when they go round', () => {
    for (const [counterWidth, most] of [[16, 65_535] as const, [32, 2 ** 32 - 1] as const]) {
      const bench = new Bench({ counterWidth });
      const file = bench.newFile(1);
      bench.run(function* () {
        yield* bench.putFile(0, 1, file, 0);
        yield* bench.wire(0, 1);
      });
      bench.uvm.pages.setWireCount(bench.pageOf(0), most);
      const panic = bench.panicOf(function* () {
        yield* bench.putFile(2, 3, file, 0);
        yield* bench.wire(2, 3);
      });
      expect(panic).toContain('"pg->wire_count != 0"');
    }
  });
});
