/**
 * Wakeup trees (optimal DPOR): what is still to be explored from a frame, as sequences of steps that share their beginnings.
 *
 * Only the threads, and the ways of choices, are binding: what a thread does when its turn comes is looked up then.
 */
import { depend, type Footprint, type Frame, NONE } from './frame.js';

/** A step that is to be explored, and what is to come after it; a leaf leaves open what comes. */
export interface WakeupNode extends Footprint {
  /** Of a choice: the way to take; `NONE` of a step. */
  readonly way: number;
  readonly children: WakeupNode[];
}

/**
 * Whether the step of the sequence at `position` comes after none of those before it.
 *
 * @param as what is known of the step when it comes first; of the last step of a sequence, which is a reversed one, less is known
 */
function isInitial(sequence: readonly Frame[], position: number, as: Footprint): boolean {
  const step = sequence[position] as Frame;
  for (let i = 0; i < position; i++) {
    const other = sequence[i] as Frame;
    if (step.comesAfter(other) || depend(as, other)) return false;
  }
  return true;
}

/** Whether a step that is asleep is as good as the first of the sequence: then all that the sequence leads to is explored already. */
export function startsWith(sequence: readonly Frame[], asleep: Footprint): boolean {
  const position = sequence.findIndex(({ lwp }) => lwp === asleep.lwp);
  if (position >= 0) return isInitial(sequence, position, asleep);
  return sequence.every((step) => !depend(step, asleep));
}

/** Threads whose first step in the sequence could be the first of all, as bits. */
export function initials(sequence: readonly Frame[]): number {
  let seen = 0;
  let found = 0;
  for (const [position, step] of sequence.entries()) {
    const { lwp } = step;
    if ((seen & (1 << lwp)) !== 0) continue;
    seen |= 1 << lwp;
    if (isInitial(sequence, position, step)) found |= 1 << lwp;
  }
  return found;
}

/**
 * Adds a sequence to what is to be explored, unless something equivalent is there.
 *
 * => the first child is being explored, and the sequence is known not to begin with it.
 */
export function insert(children: WakeupNode[], sequence: readonly Frame[]): void {
  const rest = [...sequence];
  let level = children;
  for (let from = 1; rest.length > 0; from = 0) {
    const node = matching(level, from, rest);
    if (node === null) {
      append(level, rest);
      return;
    }
    // A leaf leaves open what comes: everything does.
    if (node.children.length === 0) return;
    level = node.children;
  }
}

/** The child with which the sequence, or an equivalent one, can begin; what it stands for is taken out of the sequence. */
function matching(level: readonly WakeupNode[], from: number, rest: Frame[]): WakeupNode | null {
  for (let i = from; i < level.length; i++) {
    const node = level[i] as WakeupNode;
    const position = rest.findIndex(({ lwp }) => lwp === node.lwp);
    if (position < 0) {
      if (rest.every((step) => !depend(step, node))) return node;
      continue;
    }
    const step = rest[position] as Frame;
    if (wayOf(step) !== node.way || !isInitial(rest, position, step) || !isInitial(rest, position, node)) continue;
    rest.splice(position, 1);
    return node;
  }
  return null;
}

function append(level: WakeupNode[], steps: readonly Frame[]): void {
  let at = level;
  for (const { lwp, thing, access, second, secondAccess, fails, ...step } of steps) {
    const node = { lwp, thing, access, second, secondAccess, fails, way: wayOf(step), children: [] };
    at.push(node);
    at = node.children;
  }
}

function wayOf({ kind, way }: Pick<Frame, 'kind' | 'way'>): number {
  return kind === 'choice' ? way : NONE;
}
