/** Panics: the kernel found that one of its own rules is broken. */

/** The kernel stopped. The machine stays as it was at that moment, for inspection. */
export class KernelPanic extends Error {
  override readonly name = 'KernelPanic';
  /** The kernel functions it happened in, innermost first. */
  readonly frames: readonly string[];
  /** The thread it happened in, as `pid.lid`. */
  readonly lwp: string;

  constructor(message: string, where: { frames: readonly string[]; lwp: string }) {
    super(message);
    this.frames = where.frames;
    this.lwp = where.lwp;
  }
}
