/** What an entry of the catalogue is. */
import type { NetbsdPatch } from '@faultline/kernel';
import type { Program } from '@faultline/program';
import type { Finding } from './finding.js';

/** A change that was proposed, or made, to cure a defect. */
export interface Remedy {
  /** The change; it goes on top of the defect's patch. */
  readonly patch: NetbsdPatch;
  /** Who proposed it and what became of it. */
  readonly history: string;
  /** Whether it cures the defect. */
  readonly cures: boolean;
}

/** A defect: how to bring it about, and what must then be found. */
export interface CatalogueEntry {
  /** Stable name: `netbsd-2019-mlock-zero`; with `race` instead of a year when no release had the defect. */
  readonly id: string;
  readonly system: 'NetBSD' | 'FreeBSD';
  /** Whether a release had it. If not, it is what would happen without one of the checks that the kernel makes. */
  readonly historical: boolean;
  /** What it was, in a few words. */
  readonly title: string;
  /** What happened, in a paragraph. */
  readonly story: string;
  /** What is run. */
  readonly program: Program;
  /** Brings the defect back. */
  readonly defect: NetbsdPatch;
  /** What must be found with the defect, and is not found without. */
  readonly finds: Finding;
  readonly remedies: readonly Remedy[];
}
