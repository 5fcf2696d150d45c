/** A first look at a model: a few random schedules show most of what threads share, before anything is supposed. */
import { RandomPreemption } from '@faultline/kernel';
import { execute } from './execution.js';
import { ObservedStrategy } from './labelled-schedule/observed.js';
import type { Model } from './model.js';
import { type StepKnowledge, VisibleSteps } from './visible-steps.js';

/** Schedules that are looked at. Always the same ones, so that everybody begins with the same knowledge. */
const SCHEDULES = 6;
/** Steps of each at most. */
const MOST_STEPS = 2000;

/** What a few random schedules show of steps. */
export function survey(model: Model): StepKnowledge {
  const visible = new VisibleSteps();
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const looks = ({ current }: { readonly current: Parameters<VisibleSteps['isVisible']>[0] }): void => {
      if (!current.idle) visible.isVisible(current, current.op, current.object);
    };
    execute(model, new ObservedStrategy(new RandomPreemption(seed), { looks }), { maxSteps: MOST_STEPS });
  }
  return visible.knowledge;
}
