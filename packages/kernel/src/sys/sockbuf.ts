/** The buffer of one direction of a socket. `struct sockbuf`, sys/sys/socketvar.h. All of it with the socket's lock. */
import type { Kern } from '../kern/kern.js';
import { CondVar } from '../kern/sleepq.js';
import type { Stateful, StateWriter } from '../kern/state.js';
import type { Mbuf } from './mbuf.js';

/** Bytes in an mbuf with a cluster: what is copied at once. */
export const MCLBYTES = 2048;
/** The largest buffer there may be: what is left of 256 KiB (`sb_max`) when each cluster comes with an mbuf of 256 bytes. */
export const SB_MAX = Math.floor((262_144 * MCLBYTES) / (MCLBYTES + 256));

/** The buffer of one direction. What is sent goes right into the peer's: to send, a socket has a limit and nothing else. */
export class SockBuf implements Stateful {
  /** What is there, message by message; of a stream, all that is there is one. */
  readonly records: Mbuf[][] = [];
  /** Bytes that may be there. `sb_hiwat` */
  limit: number;
  /** Bytes that must be there, or have room, before anybody goes on. `sb_lowat` */
  least: number;
  /** Whether somebody moves bytes, so that others have to wait. `SB_LOCK` */
  locked = false;
  /** Who waits for bytes, or for room. `sb_cv` */
  readonly changed: CondVar;
  /** Who waits for his turn. `so_cv` */
  readonly turn: CondVar;

  constructor(kern: Kern, label: string, limits: { limit: number; least: number }) {
    this.limit = limits.limit;
    this.least = Math.min(limits.least, limits.limit);
    this.changed = new CondVar(kern.scheduler, 'netio', `${label} bytes`);
    this.turn = new CondVar(kern.scheduler, 'netlck', `${label} turn`);
  }

  /** Bytes there. `sb_cc` */
  get count(): number {
    let count = 0;
    for (const record of this.records) for (const mbuf of record) count += mbuf.length;
    return count;
  }

  /** Sets the most that may be there; answers whether it can be so much. `sbreserve()` */
  reserve(limit: number): boolean {
    if (limit <= 0 || limit > SB_MAX) return false;
    this.limit = limit;
    this.least = Math.min(this.least, limit);
    return true;
  }

  /** Adds to the last record, as of a stream. `sbappend()` */
  append(mbufs: readonly Mbuf[]): void {
    const last = this.records[this.records.length - 1];
    if (last === undefined) this.records.push([...mbufs]);
    else last.push(...mbufs);
  }

  /** Adds a record. `sbappendrecord()` */
  appendRecord(mbufs: readonly Mbuf[]): void {
    this.records.push([...mbufs]);
  }

  /** Takes everything out. `sbflush()` */
  flush(): Mbuf[] {
    return this.records.splice(0).flat();
  }

  writeState(writer: StateWriter): void {
    for (const record of this.records) {
      writer.field('mbufs', record.length);
      for (const mbuf of record) writer.part('mbuf', (part) => mbuf.writeState(part));
    }
    writer.field('limit', this.limit);
    writer.field('least', this.least);
    writer.field('locked', this.locked);
    writer.thing('changed', this.changed);
    writer.thing('turn', this.turn);
  }
}
