/** What an entry of the catalogue is. */
import type { NetbsdPatch } from '@faultline/kernel';
import type { Program } from '@faultline/program';

/** A change that was proposed, or made, to cure a defect. */
export interface Remedy {
  /** The change; it goes on top of the defect's patch. */
  readonly patch: NetbsdPatch;
  /** Who proposed it and what became of it. */
  readonly history: string;
  /** Whether it cures the defect. */
  readonly cures: boolean;
}

/** A historical defect: how to bring it back, and what must then be found. */
export interface CatalogueEntry {
  /** Stable name: `netbsd-2019-mlock-zero`. */
  readonly id: string;
  readonly system: 'NetBSD' | 'FreeBSD';
  /** What it was, in a few words. */
  readonly title: string;
  /** What happened, in a paragraph. */
  readonly story: string;
  /** What is run. */
  readonly program: Program;
  /** Brings the defect back. */
  readonly defect: NetbsdPatch;
  /** What must be found with the defect, and is not found without. */
  readonly finds: {
    /** The invariant that is false first. */
    readonly invariant: string;
    /** The number of the call after which it is. */
    readonly call: number;
    /** What the kernel says when it stops. */
    readonly panic: string;
  };
  readonly remedies: readonly Remedy[];
}
