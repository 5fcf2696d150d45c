/** Other threads that explore along. Each loads the program for itself, and joins as soon as it has. */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Assignment, Crew, WorkerReport } from '@faultline/explorer';
import type { SubjectNames } from './subject.js';
import type { Answer, Order } from './thread.js';

/** Milliseconds between two looks whether there is something to do. */
const IDLE_MS = 1;

/** Room in a thread for what dies young, in MB: machines come and go by the thousand, and to collect them takes a tenth of the time. */
const YOUNG_MB = 192;

interface Member {
  readonly thread: Worker;
  ready: boolean;
  /** What it was told last to work on. */
  assignment: Assignment | null;
  /** Whether it works on the level that is under way. */
  busy: boolean;
}

/** A crew of threads. */
export class ThreadCrew implements Crew {
  readonly #members: Member[];
  #assignment: Assignment | null = null;
  #levelIsOpen = false;
  #reports: WorkerReport[] = [];
  #error: Error | null = null;
  #closing = false;
  /** Called whenever somebody has reported, or cannot. */
  #onChange: () => void = () => undefined;

  /** @param size how many threads there are, besides the one that leads them */
  constructor(names: SubjectNames, size: number) {
    this.#members = Array.from({ length: size }, () => this.#recruit(names));
  }

  begin(assignment: Assignment | null): void {
    this.#assignment = assignment ?? this.#assignment;
    this.#levelIsOpen = true;
    for (const member of this.#members) if (member.ready) this.#send(member);
  }

  async reports(): Promise<readonly WorkerReport[]> {
    while (this.#error === null && this.#members.some(({ busy }) => busy)) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    if (this.#error !== null) throw this.#error;
    this.#levelIsOpen = false;
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  async pause(idle: boolean): Promise<void> {
    if (this.#error !== null) throw this.#error;
    await (idle ? setTimeout(IDLE_MS) : setImmediate());
  }

  /** Sends everybody home. */
  async close(): Promise<void> {
    this.#closing = true;
    await Promise.all(this.#members.map(({ thread }) => thread.terminate()));
  }

  #recruit(names: SubjectNames): Member {
    // What the program prints when it is loaded was printed already.
    const thread = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: names,
      stdout: true,
      stderr: true,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const member: Member = { thread, ready: false, assignment: null, busy: false };
    thread.on('message', (answer: Answer) => {
      if (answer.kind === 'ready') {
        member.ready = true;
        if (this.#levelIsOpen) this.#send(member);
        return;
      }
      member.busy = false;
      this.#reports.push(answer.report);
      this.#onChange();
    });
    thread.on('error', (error) => this.#fail(error));
    thread.on('exit', () => {
      if (!this.#closing) this.#fail(new Error('a thread of the exploration has ended before it was through'));
    });
    return member;
  }

  #send(member: Member): void {
    const assignment = member.assignment === this.#assignment ? null : this.#assignment;
    member.assignment = this.#assignment;
    member.busy = true;
    const order: Order = { assignment };
    member.thread.postMessage(order);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#onChange();
  }
}
