/** What the page daemon knows. Its functions are in `pdaemon.ts`. */
import type { Lwp } from '../../kern/lwp.js';
import type { Stateful, StateWriter } from '../../kern/state.js';

/** The page daemon's state. With the free list's lock, but for what it says otherwise. */
export class Pagedaemon implements Stateful {
  /** Its thread, null while it sleeps: there is a thread only while there is work. `uvm.pagedaemon_lwp` */
  lwp: Lwp | null = null;
  /** Threads that have begun to wait for memory since it has woken all of them. `uvm_pagedaemon_waiters` */
  waiters = 0;
  /** How often it has looked for memory since a page was freed last, and there was none. */
  fruitless = 0;
  /** How often threads were told to wait for memory since one of them got what it wanted: they may be taking it from each other for ever. */
  promises = 0;
  /** Pages that somebody could have used above what is kept free. `uvm_extrapages` */
  extraPages = 0;
  /** Pages that the scan under way has freed; 0 when there is none. Its own. */
  freed = 0;
  /** Owners of pages that the scan under way could not lock; 0 when there is none. Its own. */
  notLocked = 0;

  writeState(writer: StateWriter): void {
    writer.reference('lwp', this.lwp);
    writer.field('waiters', this.waiters);
    writer.field('fruitless', this.fruitless);
    writer.field('promises', this.promises);
    writer.field('extraPages', this.extraPages);
    writer.field('freed', this.freed);
    writer.field('notLocked', this.notLocked);
  }
}
