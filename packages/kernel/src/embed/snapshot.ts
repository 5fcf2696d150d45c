/**
 * Snapshots of whole machines.
 *
 *     system.snapshot() ── Snapshot ──┬── system.restore(snapshot)            the same system, as often as one likes
 *                                     └── toBytes() … Snapshot.fromBytes()    another system, in another process, at another time
 *
 * What is carried is the machine with all that it knows: RAM, disks and files in memory, swap, processes, their threads and descriptors. What is
 * not: programs that are under way, which are somebody's JavaScript; files of the host; the log; who decides and watches (strategies,
 * hooks). A machine is not copied while anybody is in the middle of something (docs/decisions/0019-embedding.md).
 */
import type { NetbsdSystem } from '../boot.js';
import { BUILD } from '../kern/build.js';
import { decodeSnapshot, encodeSnapshot } from './snapshot-bytes.js';
import { capture, type Externals } from './snapshot-capture.js';
import { machineClasses } from './snapshot-classes.js';
import { SnapshotError, type SnapshotNode } from './snapshot-graph.js';
import { bind, fill } from './snapshot-restore.js';

/** How a snapshot is taken, or gone back to. */
export interface SnapshotOptions {
  /**
   * Things of the embedder's own that the machine refers to, by names of its choice: signal handlers, devices, files of the host. They are not
   * carried, and neither is what is in them; going back, the things of these names take their places.
   */
  readonly external?: Externals;
}

/** What two systems must have in common for a snapshot of one to be one of the other. */
export type MachineTraits = Readonly<Record<string, number | string | boolean>>;

/** A whole machine at a quiet point. */
export class Snapshot {
  private readonly nodes: readonly SnapshotNode[];
  private readonly traits: MachineTraits;
  /** Where there are functions, which cannot be turned into bytes. */
  private readonly functions: readonly string[];
  /** The system that it was taken of, or has been restored to, and the objects that the nodes stand for there. */
  private bound: { readonly system: NetbsdSystem; readonly things: object[] } | null;

  private constructor(
    parts: { nodes: readonly SnapshotNode[]; traits: MachineTraits; functions: readonly string[] },
    bound: Snapshot['bound'],
  ) {
    this.nodes = parts.nodes;
    this.traits = parts.traits;
    this.functions = parts.functions;
    this.bound = bound;
  }

  /** Takes a machine down; see `System.snapshot`. */
  static take(system: NetbsdSystem, options: SnapshotOptions): Snapshot {
    mustBeQuiet(system, 'a snapshot is taken');
    const { nodes, objects, functions } = capture(system, machineClasses(system), options.external ?? {});
    return new Snapshot({ nodes, traits: traitsOf(system), functions }, { system, things: objects });
  }

  /**
   * Reads what `toBytes` has written.
   *
   * @throws {SnapshotError} when that is no snapshot, or a damaged one, or one of another format
   */
  static fromBytes(bytes: Uint8Array): Snapshot {
    return new Snapshot({ ...decodeSnapshot(bytes), functions: [] }, null);
  }

  /**
   * The snapshot as bytes: to be kept in a file, or sent elsewhere.
   *
   * @throws {SnapshotError} when there is a function in it, such as a signal's handler, that has no name in `external`
   */
  toBytes(): Uint8Array {
    const [first] = this.functions;
    if (first !== undefined) {
      throw new SnapshotError(
        `${first} is a function, which no file can hold: take the snapshot with a name for it in \`external\``,
      );
    }
    return encodeSnapshot({ nodes: this.nodes, traits: this.traits });
  }

  /** How many objects there are in it. */
  get size(): number {
    return this.nodes.length;
  }

  /** Gives a machine back what was taken down; see `System.restore`. */
  restoreTo(system: NetbsdSystem, options: SnapshotOptions): void {
    mustBeQuiet(system, 'a snapshot is gone back to');
    const classes = machineClasses(system);
    if (this.bound?.system !== system) {
      mustMatch(this.traits, traitsOf(system));
      this.bound = { system, things: bind(this.nodes, system, classes, options.external ?? {}) };
      system.sys.forgetUsers();
    }
    const { machine } = system;
    for (const cpu of machine.cpus) cpu.dismissReader();
    fill(this.nodes, this.bound.things, classes);
    // Digests that were taken of pages are of what was there before.
    machine.ram.changed.fill(1);
  }
}

/** @throws {SnapshotError} that says who is in the middle of what */
function mustBeQuiet({ kern }: NetbsdSystem, what: string): void {
  const { scheduler, panicked } = kern;
  if (panicked !== null) throw new SnapshotError(`the kernel has panicked (${panicked.message}): ${what} of a sound one only`);
  if (!scheduler.outside) {
    throw new SnapshotError(`${what} from outside of every thread, not while thread ${scheduler.current.name} is running`);
  }
  const busy = scheduler.lwps.find(({ continuation }) => continuation !== null && continuation.begin === null);
  if (busy !== undefined) {
    const where = busy.channel === null ? 'is in the middle of its program' : `sleeps on "${busy.waitMessage}"`;
    throw new SnapshotError(`thread ${busy.name} ${where}: ${what} while no thread has a job`);
  }
  if (kern.inside > 0 || scheduler.kernelThreads > 0)
    throw new SnapshotError(`something is under way in the kernel: run the system first`);
}

function traitsOf({ kern, machine, uvm, sys, patches }: NetbsdSystem): MachineTraits {
  return {
    ram: machine.ram.bytes.length,
    processors: kern.cpus,
    diagnostic: kern.diagnostic,
    'first frame': BUILD === 'watched' ? 'watched' : 'usual',
    'block size': uvm.blockSize,
    'page policy': uvm.policy.name,
    'user space': `${sys.userSpace.min}-${sys.userSpace.max}`,
    patches: patches.join(', '),
  };
}

function mustMatch(there: MachineTraits, here: MachineTraits): void {
  for (const [trait, value] of Object.entries(there)) {
    if (here[trait] === value) continue;
    throw new SnapshotError(
      `the snapshot is of a machine with ${trait} ${String(value)}, and this one has ${String(here[trait])}`,
    );
  }
}
