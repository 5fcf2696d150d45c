/**
 * brk. Linux's answers where the break is now, NetBSD's whether it moved.
 *
 *     log                    here
 *     brk(NULL) = B          the first one of a program: its data segment begins at B; what lies below is not known
 *     brk(A) = A             brk(A) must succeed
 *     brk(A) = B, not A      Linux refused: brk(A) must fail
 */
import { asVa, PROT_READ, PROT_WRITE, roundPage } from '@faultline/kernel';
import { word } from './arguments.js';
import type { Handler } from './replay.js';
import type { Task } from './tasks.js';
import { mapZeros } from './zeros.js';

export const brk: Handler = (replay, actor, call) => {
  const { task } = actor;
  const wanted = word(call.args[0]);
  if (wanted === undefined || call.outcome.kind !== 'success') {
    replay.tally.name('notUnderstood', call.name);
    return;
  }
  const { value: now } = call.outcome;
  const { breakAt } = task.space;
  task.space.breakAt = now;
  if (breakAt === null) placeData(task, now);
  if (breakAt === null || wanted === 0) {
    replay.tally.name('noEffect', call.name);
    return;
  }
  const from = roundPage(breakAt);
  const to = roundPage(now);
  if (now === wanted) {
    const answer = replay.call(actor, call, (user) => user.brk(wanted), { kind: 'success', value: 0 });
    if (to > from && answer !== undefined && answer < 0) {
      replay.quietly(actor, (user) => mapZeros(user, from, to - from, PROT_READ | PROT_WRITE));
      task.process.layout.dataSize = to - task.process.layout.dataStart;
    }
    if (to > from) task.space.logged.add(from, to);
    else task.space.logged.remove(to, from);
    return;
  }
  const answer = replay.call(actor, call, (user) => user.brk(wanted), { kind: 'unknown' });
  if (answer !== 0) return;
  replay.differs(actor, call, answer, 'refused');
  replay.quietly(actor, (user) => user.brk(now));
};

function placeData({ process }: Task, at: number): void {
  process.layout.dataStart = asVa(roundPage(at));
  process.layout.dataSize = 0;
}
