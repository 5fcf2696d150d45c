/** What an exploration came to, as plain data: the same that `exploreReport` tells. */
import type { Exploration, LockOrderVerdict, RacingStep, TracedStep } from '@faultline/explorer';
import { type ExploreReportOptions, explainAll } from './explore-text.js';
import type { FoundExplanation } from './found.js';

/** Plain values, which JSON can hold. */
export type ExploreJson = Readonly<Record<string, unknown>>;

/** The report as plain data. */
export function exploreJson(exploration: Exploration, options: ExploreReportOptions = {}): ExploreJson {
  const { model, coverage, interleavings, milliseconds, schedulesToFirst, millisecondsToFirst, graph, found } = exploration;
  const explanations = options.explanations ?? explainAll(exploration);
  return {
    model: model.name,
    coverage,
    interleavings: interleavings === null ? null : String(interleavings),
    states: graph.states,
    executions: graph.executions,
    milliseconds,
    schedulesToFirst,
    millisecondsToFirst,
    preemptionsCovered: graph.levelsDone - 1,
    hashBits: graph.wide ? 128 : 64,
    found: found.map((each, index) => {
      const {
        failure,
        schedule,
        preemptions,
        fewestPreemptions,
        steps,
        pointOfNoReturn,
        waysBefore,
        doomedStates,
        nearestGood,
        loop,
      } = each;
      const explanation = explanations[index];
      return {
        failure,
        schedule,
        preemptions,
        fewestPreemptions,
        steps,
        pointOfNoReturn,
        waysBefore: waysBefore ?? null,
        doomedStates,
        nearestGood,
        loop: loop ?? null,
        explanation: explanation === undefined ? null : explanationJson(explanation),
      };
    }),
    dataRaces: exploration.races,
    lockOrder: exploration.lockOrder.map(lockOrderJson),
  };
}

function explanationJson({
  title,
  failure,
  threads,
  letters,
  first,
  race,
  sleeps,
  trace,
  aftermath,
  standing,
}: FoundExplanation): ExploreJson {
  const racing = (step: RacingStep): ExploreJson => ({
    thread: step.thread.name,
    call: step.call,
    op: step.op,
    object: step.object,
    step: step.number,
  });
  return {
    title,
    message: failure.message,
    threads: threads.map((thread) => ({ letter: letters.of(thread), ...thread })),
    first:
      first === null
        ? null
        : {
            step: stepJson(first.step),
            known: first.known,
            violations: first.violations,
            before: first.before,
            after: first.after,
          },
    race: race === null ? null : { first: racing(race.first), second: racing(race.second) },
    sleeps: sleeps.map(({ sleeper, channel, message, kind, check, wakeup, sleep }) => ({
      thread: sleeper.name,
      channel,
      message,
      kind,
      check: check === null ? null : stepJson(check),
      wakeup: wakeup === null ? null : stepJson(wakeup),
      sleep: stepJson(sleep),
    })),
    trace: trace.rows.map(({ number, thread, text }) => ({ step: number, thread: thread?.name ?? null, text })),
    leftOut: trace.leftOut,
    aftermath:
      aftermath === null
        ? null
        : {
            message: aftermath.failure.message,
            frames: aftermath.failure.frames,
            lwp: aftermath.failure.lwp,
            calls: aftermath.calls,
          },
    standing: standing.map(({ thread, call, waits, frames }) => ({ thread: thread.name, call, waits, frames })),
  };
}

function stepJson({ number, thread, op, object, call }: TracedStep): ExploreJson {
  return { number, thread: thread.name, op, object, call };
}

function lockOrderJson({ classes, verdict, because, orders, deadlock }: LockOrderVerdict): ExploreJson {
  return {
    classes,
    verdict,
    because,
    orders: orders.map(({ outer, inner, byTry, schedule }) => ({ outer, inner, byTry, schedule })),
    deadlock: deadlock?.schedule ?? null,
  };
}
