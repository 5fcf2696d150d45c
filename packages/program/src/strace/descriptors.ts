/** The descriptors of a process, as the log numbers them, and the files behind them. */

/** A regular file of the log. */
export interface LoggedFile {
  readonly path: string;
  /** Bytes that the log has shown it to have. */
  size: number;
  /** Whether the log has told its size, rather than only shown that it is not less. */
  sizeTold: boolean;
  /** Its name in this system, null while it has no pages here. */
  name: string | null;
}

/** An open file; descriptors that were duplicated or inherited share it. */
export interface Description {
  /** Null for what has no pages: pipes, sockets, terminals. */
  readonly file: LoggedFile | null;
  /** NetBSD's `O_*`. */
  readonly flags: number;
  offset: number;
}

/** Larger numbers are followed no more; Linux allows more only where somebody has raised the limit. */
export const MAX_DESCRIPTORS = 65_536;

/** The descriptors of a process. */
export class Descriptors {
  readonly #open: Map<number, { readonly description: Description; readonly closeOnExec: boolean }>;

  constructor(from?: Descriptors) {
    this.#open = new Map(from === undefined ? [] : from.#open);
  }

  /** What a descriptor leads to. */
  get(fd: number): Description | undefined {
    return this.#open.get(fd)?.description;
  }

  /** Notes that a descriptor leads somewhere. */
  set(fd: number, description: Description, options: { closeOnExec: boolean }): void {
    if (fd >= 0 && fd < MAX_DESCRIPTORS && Number.isInteger(fd)) this.#open.set(fd, { description, ...options });
  }

  /** Notes that the descriptors from one to another are closed. */
  close(first: number, last = first): void {
    if (first === last) this.#open.delete(first);
    else for (const fd of [...this.#open.keys()]) if (fd >= first && fd <= last) this.#open.delete(fd);
  }

  /** Notes that the descriptors from one to another will be closed when the process execs. */
  closeAtExec(first: number, last: number): void {
    for (const [fd, { description }] of this.#open) {
      if (fd >= first && fd <= last) this.#open.set(fd, { description, closeOnExec: true });
    }
  }

  /** Notes that the process execs. */
  exec(): void {
    for (const [fd, { closeOnExec }] of [...this.#open]) if (closeOnExec) this.#open.delete(fd);
  }
}
