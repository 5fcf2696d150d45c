/**
 * Drives a replacement policy with references to pages, and counts the misses: what `pdsim` is for NetBSD's policies.
 *
 * There is no fault, no lock and no I/O in it: memory that is full gives up one page for each that comes in, and the policy says which.
 *
 *     simulatePolicy('clockpro', { frames: 100, references: [1, 2, 3, 1] }).misses
 */
import type { Kern } from '../../kern/kern.js';
import type { Step } from '../../kern/switch.js';
import { asOffset, asPfn, type Pfn } from '../../machine/address.js';
import { Anon } from '../anon/anon.js';
import { PageArray, PQ_ANON } from '../page/page-array.js';
import { Uvmexp } from '../uvmexp.js';
import { newPolicy } from './pdpolicies.js';
import type { OwnerLock, PagePolicy, PolicyHost, PolicyName } from './pdpolicy.js';

/** What is to be simulated. */
export interface Simulation {
  /** Pages of memory. */
  readonly frames: number;
  /** The pages that are used, by whatever number, in order. */
  readonly references: Iterable<number>;
}

function* noStep(): Step<void> {}

/** Nobody else is there who could have it. */
const FREE_LOCK: OwnerLock = { exit: noStep };

/** After so many rounds of the page daemon each page has passed before it unused. */
const MOST_ROUNDS = 16;

/** Memory that is full from the first page on for which there is no frame. */
class SimulatedMemory implements PolicyHost {
  readonly kern: Kern;
  readonly pages: PageArray;
  readonly uvmexp = new Uvmexp();
  readonly machine = {
    pmapIsReferenced: (page: Pfn): boolean => this.#referenced[page - this.pages.first] === 1,
    pmapClearReference: (page: Pfn): boolean => {
      const was = this.machine.pmapIsReferenced(page);
      this.#referenced[page - this.pages.first] = 0;
      return was;
    },
  };
  misses = 0;
  readonly #policy: PagePolicy;
  readonly #referenced: Uint8Array;
  /** Number of a page -> what stands for it, with its frame if it has one. */
  readonly #known = new Map<number, Anon>();
  readonly #free: Pfn[] = [];

  constructor(kern: Kern, policy: PolicyName, frames: number) {
    this.kern = kern;
    this.pages = new PageArray(frames, { counterWidth: 32 });
    this.uvmexp.npages = frames;
    this.uvmexp.free = frames;
    this.#referenced = new Uint8Array(frames);
    for (let frame = this.pages.end - 1; frame >= this.pages.first; frame--) this.#free.push(asPfn(frame));
    this.#policy = newPolicy(policy, this);
  }

  *uvmpdTrylockowner(_page: Pfn): Step<OwnerLock> {
    yield* noStep();
    return FREE_LOCK;
  }

  *uvmpdTrydropswap(_page: Pfn): Step<boolean> {
    yield* noStep();
    return false;
  }

  uvmSwapIsFull(): boolean {
    return false;
  }

  /** Uses a page. */
  *use(number: number): Step<void> {
    let anon = this.#known.get(number);
    if (anon === undefined) {
      anon = new Anon(number);
      this.#known.set(number, anon);
    }
    if (anon.page < 0) {
      this.misses++;
      anon.page = yield* this.#frame();
      this.pages.setOwner(anon.page, null, anon, asOffset(0));
      this.pages.setPqflags(anon.page, PQ_ANON);
      this.uvmexp.anonpages++;
      this.#policy.activate(anon.page);
    }
    this.#referenced[anon.page - this.pages.first] = 1;
  }

  /** A free frame; the policy gives one up if there is none. */
  *#frame(): Step<Pfn> {
    for (let rounds = 0; rounds <= MOST_ROUNDS; rounds++) {
      const frame = this.#free.pop();
      if (frame !== undefined) {
        this.uvmexp.free--;
        return frame;
      }
      yield* this.#giveUp();
    }
    throw new Error(`the policy ${this.#policy.name} gives up no page`);
  }

  /** One round of the page daemon, content with one page. */
  *#giveUp(): Step<void> {
    const policy = this.#policy;
    policy.tune();
    policy.scanInit();
    const victim = yield* policy.selectVictim();
    if (victim !== null) {
      const { page } = victim;
      const anon = this.pages.uanon(page);
      policy.dequeue(page);
      if (anon !== null) anon.page = asPfn(-1);
      this.pages.setOwner(page, null, null, asOffset(0));
      this.pages.clearPqflags(page, PQ_ANON);
      this.uvmexp.anonpages--;
      this.uvmexp.free++;
      this.#free.push(page);
    }
    policy.scanEnd();
    yield* policy.balanceQueue(0);
  }
}

/** Uses pages in order on a memory of so many frames; answers how often a page was not there. => in a thread of `kern`, or with nobody else */
export function* simulatePolicy(kern: Kern, policy: PolicyName, { frames, references }: Simulation): Step<{ misses: number }> {
  const memory = new SimulatedMemory(kern, policy, frames);
  for (const page of references) yield* memory.use(page);
  return { misses: memory.misses };
}
