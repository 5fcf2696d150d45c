/** What tests of replacement policies start with: a system that is nothing but pages. */
import { Kern } from '../src/kern/kern.js';
import type { Step } from '../src/kern/switch.js';
import { asOffset, asPfn, PAGE_SIZE, type Pfn } from '../src/machine/address.js';
import { Anon } from '../src/uvm/anon/anon.js';
import type { UvmObject } from '../src/uvm/object/object.js';
import { PageArray, PQ_ANON } from '../src/uvm/page/page-array.js';
import { newPolicy } from '../src/uvm/pagedaemon/pdpolicies.js';
import type { OwnerLock, PageKind, PagePolicy, PolicyHost, PolicyName } from '../src/uvm/pagedaemon/pdpolicy.js';
import { Uvmexp } from '../src/uvm/uvmexp.js';
import { runJob } from './threads.js';

/** Pages, of which each belongs to an anon of its own unless told otherwise. */
export class PolicyBench implements PolicyHost {
  readonly kern = new Kern();
  readonly pages: PageArray;
  readonly uvmexp = new Uvmexp();
  readonly referenced = new Set<Pfn>();
  /** Pages whose owner is locked by somebody else. */
  readonly locked = new Set<Pfn>();
  /** Pages that have a slot on swap. */
  readonly slots = new Set<Pfn>();
  swapIsFull = false;
  readonly machine = {
    pmapIsReferenced: (page: Pfn): boolean => this.referenced.has(page),
    pmapClearReference: (page: Pfn): boolean => this.referenced.delete(page),
  };
  readonly policy: PagePolicy;
  readonly anons: Anon[] = [];
  readonly #first: number;

  constructor(name: PolicyName, frames = 16) {
    this.pages = new PageArray(frames, { counterWidth: 32 });
    this.#first = this.pages.first;
    this.uvmexp.npages = frames;
    this.policy = newPolicy(name, this);
    for (let i = 0; i < frames; i++) {
      const anon = new Anon(i + 1);
      anon.page = this.page(i);
      this.anons.push(anon);
      this.pages.setOwner(anon.page, null, anon, asOffset(0));
      this.pages.setPqflags(anon.page, PQ_ANON);
    }
  }

  /** A page by its number, from 0. */
  page(number: number): Pfn {
    return asPfn(this.#first + number);
  }

  /** The numbers of pages. */
  numbers(pages: readonly Pfn[]): number[] {
    return pages.map((page) => page - this.#first);
  }

  /** The numbers of the pages on a queue. */
  queue(name: string): number[] {
    const queue = this.policy.queues.find((known) => known.name === name);
    if (queue === undefined) throw new Error(`there is no queue ${name}`);
    return this.numbers(queue.list.toArray());
  }

  /** Makes pages active. */
  activate(...numbers: readonly number[]): void {
    for (const number of numbers) this.policy.activate(this.page(number));
  }

  /** Makes pages inactive. */
  deactivate(...numbers: readonly number[]): void {
    for (const number of numbers) this.policy.deactivate(this.page(number));
  }

  /** Says that pages were used. */
  use(...numbers: readonly number[]): void {
    for (const number of numbers) this.referenced.add(this.page(number));
  }

  /** Gives pages to an object of a kind. */
  own(kind: PageKind, ...numbers: readonly number[]): void {
    const counter = ({ anon: 'anonpages', file: 'filepages', exec: 'execpages' } as const)[kind];
    const object = { counter } as UvmObject;
    for (const number of numbers) {
      this.pages.setOwner(this.page(number), kind === 'anon' ? null : object, null, asOffset(number * PAGE_SIZE));
      this.pages.clearPqflags(this.page(number), PQ_ANON);
    }
    this.uvmexp[counter] += numbers.length;
  }

  /** The victims of one scan, so many at most, in order; they stay where they are. */
  victims(most = Number.POSITIVE_INFINITY): number[] {
    const { policy } = this;
    return runJob(this.kern, function* () {
      const found: Pfn[] = [];
      policy.tune();
      policy.scanInit();
      while (found.length < most) {
        const victim = yield* policy.selectVictim();
        if (victim === null) break;
        found.push(victim.page);
        yield* victim.lock.exit();
      }
      policy.scanEnd();
      return found;
    }).map((page) => page - this.#first);
  }

  /** Has victims go. */
  evict(...numbers: readonly number[]): void {
    for (const number of numbers) this.policy.dequeue(this.page(number));
  }

  balance(swapShortage = 0): void {
    runJob(this.kern, () => this.policy.balanceQueue(swapShortage));
  }

  /** What the policy finds wrong with itself. */
  get problems(): string[] {
    const problems: string[] = [];
    this.policy.check((what) => problems.push(what));
    return problems;
  }

  *uvmpdTrylockowner(page: Pfn): Step<OwnerLock | null> {
    yield* noStep();
    return this.locked.has(page) ? null : { exit: noStep };
  }

  *uvmpdTrydropswap(page: Pfn): Step<boolean> {
    yield* noStep();
    return this.slots.delete(page);
  }

  uvmSwapIsFull(): boolean {
    return this.swapIsFull;
  }
}

function* noStep(): Step<void> {}
