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
  /** Brings the defect back; null when it is open: the kernel of today has it. */
  readonly defect: NetbsdPatch | null;
  /** What must be found with the defect, and is not found without. */
  readonly finds: Finding;
  /** Other ways in which it shows, in other schedules. Default: none. */
  readonly also?: readonly Finding[];
  /** Programs much like this one in which nothing is wrong, with the defect or without. Default: none. */
  readonly sound?: readonly Program[];
  readonly remedies: readonly Remedy[];
}

/** The patches that bring an entry's defect about: none when it is open. */
export function defectsOf({ defect }: CatalogueEntry): readonly NetbsdPatch[] {
  return defect === null ? [] : [defect];
}

/** All patches of an entry: its defect, and its remedies. */
export function patchesOf(entry: CatalogueEntry): readonly NetbsdPatch[] {
  return [...defectsOf(entry), ...entry.remedies.map(({ patch }) => patch)];
}

/** All ways in which an entry shows. */
export function findingsOf({ finds, also = [] }: CatalogueEntry): readonly Finding[] {
  return [finds, ...also];
}
