/**
 * The line between programs and the kernel, in the watched build: what a program is given when it comes back over it.
 *
 * Programs need not tell what is in their variables. Each does the same as long as it is given the same, so a digest of all that it was
 * given stands for them. It must not look at anything else: neither at the kernel's structures, nor at the variables of another thread.
 */
import type { Digest } from '../kern/digest.js';
import type { Lwp } from '../kern/lwp.js';
import type { Step } from '../kern/switch.js';

/** What has a thread. */
interface OfThread {
  readonly lwp: Lwp;
}

type Call = (this: OfThread, ...args: unknown[]) => Step<unknown>;

/** Has each call among the methods of a class note what it answers in the history of its thread. */
export function watchCalls(prototype: object): void {
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    // What begins with a dollar is a private method.
    if (isGenerator(value) && !name.startsWith('$')) Object.defineProperty(prototype, name, { value: watchedCall(name, value) });
  }
}

function watchedCall(name: string, call: Call): Call {
  return function* (this: OfThread, ...args: unknown[]): Step<unknown> {
    const { lwp } = this;
    const { depth } = lwp.frames;
    const { label, live0, live1, live2 } = lwp;
    lwp.inKernel++;
    try {
      const answer = yield* call.apply(this, args);
      lwp.history.text(name);
      mixIn(lwp.history, answer);
      // What a call has put into an array of the program's.
      for (const arg of args) if (arg instanceof Uint8Array) lwp.history.bytes(arg);
      return answer;
    } catch (error) {
      lwp.history.text(`${name} threw`);
      throw error;
    } finally {
      lwp.inKernel--;
      // The program is where it was before, as far as the kernel can see.
      lwp.frames.depth = depth;
      Object.assign(lwp, { label, live0, live1, live2 });
    }
  };
}

/** Mixes a value of any kind into a digest. */
export function mixIn(digest: Digest, value: unknown): void {
  if (typeof value === 'number') digest.mix(value);
  else if (value instanceof Uint8Array) digest.bytes(value);
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) mixIn(digest, part);
  else digest.text(`${typeof value} ${value}`);
}

function isGenerator(value: unknown): value is Call {
  return typeof value === 'function' && Object.prototype.toString.call(value) === '[object GeneratorFunction]';
}
