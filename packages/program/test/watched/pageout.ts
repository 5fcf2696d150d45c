/** Pages go out to swap when a program says so, and not when the page daemon finds them: fewer steps, and each at its place. */
import {
  definePatch,
  NO_PAGE,
  PG_BUSY,
  PG_CLEAN,
  PG_PAGEOUT,
  PGO_DEACTIVATE,
  PROT_NONE,
  type Process,
  ROOT,
  type Step,
  type User,
  type UserProgram,
} from '@faultline/kernel';
import type { Program } from '../../src/index.js';

/** `madvise(MADV_DONTNEED)` begins to write the first page of its range to swap, as the page daemon would, and does not wait for it. */
export const dontneedPagesOut = definePatch({
  id: 'test-dontneed-pages-out',
  summary: 'madvise(MADV_DONTNEED) begins to write the first page of its range to swap',
  replace: {
    uvm: {
      uvmMapClean: (original) =>
        function* (map, start, end, flags) {
          if (flags !== PGO_DEACTIVATE) return yield* original.call(this, map, start, end, flags);
          const { machine, pages } = this;
          yield* this.vmMapLockRead(map);
          const entry = this.uvmMapLookupEntry(map, start);
          const { amap } = entry;
          if (amap === null) {
            yield* this.vmMapUnlockRead(map);
            return 0;
          }
          yield* amap.lock.enter();
          const anon = this.amapLookup(entry, start - entry.start);
          const page = anon?.page ?? NO_PAGE;
          const idle = page !== NO_PAGE && (pages.flags(page) & PG_BUSY) === 0 && pages.wireCount(page) === 0;
          if (anon !== null && idle) this.uvmAnonDropswap(anon);
          const slots = idle ? this.uvmSwapAlloc(1, { lessOk: false }) : null;
          if (anon !== null && slots !== null) {
            machine.pmapPageProtect(page, PROT_NONE);
            machine.pmapClearModify(page);
            pages.setFlags(page, PG_BUSY | PG_PAGEOUT | PG_CLEAN);
            this.uvmPageOwn(page, 'madvise');
            yield* this.pageqLock.enter();
            this.uvmPagedequeue(page);
            yield* this.pageqLock.exit();
            anon.swapSlot = slots.slot;
          }
          yield* amap.lock.exit();
          yield* this.vmMapUnlockRead(map);
          if (slots === null) return 0;
          this.uvmPageoutStart(1);
          yield* this.uvmSwapPut(slots.slot, [page]);
          return 0;
        },
    },
  },
});

/** A program of the superuser's, on a machine with two slots of swap. */
export function rootProgram(
  name: string,
  parts: { setUp: (user: User) => Step<void>; main: UserProgram; check?: Program['check'] },
): Program {
  return {
    name,
    machine: { ramPages: 48, swap: [{ name: 'wd0', pages: 2 }] },
    ...(parts.check !== undefined && { check: parts.check }),
    run(session) {
      const { system } = session;
      const process: Process = system.spawn('main', { credentials: ROOT });
      session.withoutCounting(() => system.perform(process, parts.setUp));
      const [thread] = process.lwps;
      if (thread !== undefined) system.startProgram(thread, parts.main);
      system.run();
    },
  };
}
