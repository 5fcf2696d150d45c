/** What tests of the audit start with: a kernel with one of everything, to be broken in one place. */
import { expect } from 'vitest';
import { PAGE_SIZE, type Pfn } from '../src/machine/address.js';
import type { Cpu } from '../src/machine/cpu.js';
import type { Anon } from '../src/uvm/anon/anon.js';
import { UVM_FLAG_NOMERGE } from '../src/uvm/map/map-arguments.js';
import type { UvmVnode } from '../src/uvm/vnode/vnode.js';
import { Bench, PRIVATE, RW, SHARED } from './maps.js';

/**
 * A map of these pages, and a processor that runs in it:
 *
 *     0 1 2 3 4 5 6 7 8 9
 *     a a . B . c c d d e      a anonymous, stored to   B the same, wired   c a file, shared   d nobody has touched   e shared, empty
 */
export class Patient extends Bench {
  readonly file: UvmVnode;
  readonly cpu: Cpu;

  constructor() {
    super();
    const file = this.newFile(4);
    this.file = file;
    const bench = this;
    this.run(function* () {
      yield* bench.put(0, 2);
      yield* bench.write(0, 50);
      yield* bench.write(1, 51);
      yield* bench.put(3, 4);
      yield* bench.wire(3, 4);
      yield* bench.putFile(5, 7, file, 0, { protection: RW });
      yield* bench.read(5);
      yield* bench.read(6);
      yield* bench.put(7, 9);
      yield* bench.put(9, 10, { flags: SHARED });
    });
    const [cpu] = this.machine.cpus;
    if (cpu === undefined) throw new Error('a machine has a processor');
    this.cpu = cpu;
    cpu.activate(this.map.pmap);
    expect(this.picture()).toBe('aa.B.ccdde');
    this.expectSound();
  }

  /** The anon of a page. */
  anonOf(page: number): Anon {
    const anon = this.amapAt(page).at(this.entryAt(page).amapOffset + (this.at(page) - this.entryAt(page).start) / PAGE_SIZE);
    expect(anon, `there is no anon at page ${page}`).not.toBeNull();
    return anon as Anon;
  }

  /** A page that is free. */
  freePage(): Pfn {
    return this.uvm.freeList.head;
  }

  /** Maps an entry that stands alone. */
  putAlone(from: number, to: number): void {
    this.run(() => this.put(from, to, { flags: PRIVATE | UVM_FLAG_NOMERGE }));
  }

  /** What the audit finds, each as `invariant: finding`. */
  findings(): string[] {
    return this.audit().map(({ invariant, finding }) => `${invariant}: ${finding}`);
  }
}

/** Something that breaks a kernel in one place, and what the audit has to say then, as `Patient.findings` tells it. */
export type Harm = readonly [what: string, harm: (patient: Patient) => void, findings: readonly string[]];

/** Breaks a new kernel, and expects exactly those findings. */
export function expectFindings([, harm, findings]: Harm): void {
  const patient = new Patient();
  harm(patient);
  expect(patient.findings()).toEqual(findings);
}
