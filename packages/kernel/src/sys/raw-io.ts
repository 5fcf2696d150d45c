/** A request to a raw device as the I/O that it is. */
import type { Errno } from '../kern/errno.js';
import type { StepObject } from '../kern/lwp.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Step } from '../kern/switch.js';
import type { IoOperation } from '../machine/io.js';
import type { RawRequest } from './device.js';
import type { Sys } from './sys.js';

/** What a device does with a request. */
export interface RawDeviceSteps {
  /** Moves so many bytes at most, and says in `resid` how many were not moved. @returns 0 or an errno */
  readonly move: (most: number) => Errno;
  /** Ticks of virtual time that this takes. */
  readonly delay?: () => number;
  /** The device is free for the next request. */
  readonly next?: () => Step<void>;
}

/** A request under way. What it touches is RAM: whose page it is by now is anybody's guess. */
export class RawIo implements IoOperation, Stateful {
  readonly label: string;
  readonly medium: StepObject;
  readonly site: 'io.read' | 'io.write';
  readonly #request: RawRequest;
  readonly #steps: RawDeviceSteps;

  constructor(sys: Sys, label: string, request: RawRequest, steps: RawDeviceSteps) {
    this.label = label;
    this.medium = sys.machine.ram;
    this.site = request.write ? 'io.write' : 'io.read';
    this.#request = request;
    this.#steps = steps;
  }

  delay(): number {
    return this.#steps.delay?.() ?? 0;
  }

  transfer(): Errno {
    return this.#steps.move(this.#request.length);
  }

  /** The first half. */
  transferPart(): void {
    this.#steps.move(Math.floor(this.#request.length / 2));
  }

  *done(errno: Errno): Step<void> {
    this.#request.errno = errno;
    // Of what went wrong nothing counts, even if some bytes have moved.
    if (errno !== 0) this.#request.resid = this.#request.length;
    yield* this.#request.done();
    if (this.#steps.next !== undefined) yield* this.#steps.next();
  }

  writeState(writer: StateWriter): void {
    writer.field('label', this.label);
    writer.reference('request', this.#request);
  }
}
