/**
 * Kernel stacks for people: which kernel functions a thread is in.
 *
 * A function that stands for one of the kernel's bears its name in camel case, so the name of the kernel's function follows from
 * the host's stack. Only names that a kernel module registered appear; the host's own machinery does not.
 */

/** Name of a function -> name of the kernel's function that it is, or is a part of. */
const registered = new Map<string, string>();

/** Frames of these functions end a kernel stack: below them is the scheduler, or the embedder. */
const BOTTOM = 'resume';

const DEPTH = 200;

/**
 * Makes the functions of a kernel module visible in stacks.
 *
 * @param parts for a function that is only a part of one of the kernel's: whose part it is, in camel case too; empty for one that
 *   stands for nothing in the kernel, and does not appear
 */
export function registerKernelFunctions(functions: object, parts: Readonly<Record<string, string>> = {}): void {
  for (const [name, value] of Object.entries(functions)) {
    const shown = parts[name] ?? name;
    if (typeof value === 'function' && shown !== '') registered.set(name, kernelName(shown));
  }
}

/** `uvmMapPageable` -> `uvm_map_pageable`. */
export function kernelName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A stack that is read only if somebody asks for it: to take it is cheap, to write it out is not. */
export interface TakenStack {
  readonly stack?: string;
}

/** Takes the stack as it is now, for `kernelFrames`. */
export function takeStack(): TakenStack {
  const host = Error as { stackTraceLimit?: number };
  const limit = host.stackTraceLimit;
  host.stackTraceLimit = DEPTH;
  const taken = new Error();
  if (limit !== undefined) host.stackTraceLimit = limit;
  return taken;
}

/** The kernel functions that are running, innermost first, under their kernel names. */
export function kernelStack(): string[] {
  return kernelFrames(takeStack());
}

/** The kernel functions that were running when a stack was taken, innermost first, under their kernel names. */
export function kernelFrames(taken: TakenStack): string[] {
  const frames: string[] = [];
  for (const line of (taken.stack ?? '').split('\n')) {
    const name = functionName(line);
    if (name === BOTTOM) break;
    const frame = registered.get(name);
    // A function and its parts are one frame.
    if (frame !== undefined && frame !== frames.at(-1)) frames.push(frame);
  }
  return frames;
}

/** The last part of the name in a line of a stack trace, as V8 (`at A.name (…)`, `at name.next (…)`) or others (`name@…`) write it. */
function functionName(line: string): string {
  const v8 = /^\s*at (?:async |new )?([^\s(]+)/.exec(line);
  const path = (v8?.[1] ?? line.split('@')[0] ?? '').replace(/\.next$/, '');
  return path.slice(path.lastIndexOf('.') + 1).replace(/[^\w$]/g, '');
}
