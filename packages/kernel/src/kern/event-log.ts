/**
 * The event log: what the kernel did, as typed records in a bounded ring. Feeds the views, the explanations and the traces (D8).
 *
 * While the log is off, an event costs one test: `if (log.on) log.emit({ … })`, so that the record is not even made.
 */
import type { Scheduler } from './scheduler.js';

/** What every event has. Each layer of the kernel adds a union of its own kinds. */
export interface KernelEvent {
  readonly kind: string;
}

/** An event with its place in the run. */
export interface LoggedEvent<E extends KernelEvent = KernelEvent> {
  /** Number of the event since boot, from 0; gaps at the front mean that the ring has overwritten older ones. */
  readonly sequence: number;
  readonly step: number;
  /** The thread it happened in, as `pid.lid`. */
  readonly lwp: string;
  readonly event: E;
}

/** The event log of one machine. */
export class EventLog {
  /** Whether events are recorded. */
  on = false;
  readonly #scheduler: Scheduler;
  readonly #capacity: number;
  readonly #ring: LoggedEvent[] = [];
  #sequence = 0;

  /** @param options.capacity how many events are kept; older ones are overwritten */
  constructor(scheduler: Scheduler, options: { capacity?: number } = {}) {
    this.#scheduler = scheduler;
    this.#capacity = options.capacity ?? 65_536;
    if (!Number.isInteger(this.#capacity) || this.#capacity < 1) {
      throw new RangeError(`an event log holds a whole number of events from 1 up, not ${options.capacity}`);
    }
  }

  /** Records an event. Call it only while `on`. */
  emit(event: KernelEvent): void {
    const { steps, current } = this.#scheduler;
    const logged: LoggedEvent = { sequence: this.#sequence, step: steps, lwp: current.name, event };
    this.#ring[this.#sequence % this.#capacity] = logged;
    this.#sequence++;
  }

  /** How many events were emitted since boot, the overwritten ones included. */
  get emitted(): number {
    return this.#sequence;
  }

  /** The recorded events from number `since` on, oldest first. */
  events(since = 0): LoggedEvent[] {
    const events: LoggedEvent[] = [];
    for (let at = Math.max(since, this.#sequence - this.#capacity, 0); at < this.#sequence; at++) {
      events.push(this.#ring[at % this.#capacity] as LoggedEvent);
    }
    return events;
  }
}
