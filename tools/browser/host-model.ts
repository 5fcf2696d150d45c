/** A model that breaks the rules: what it does depends on where it runs. For seeing that this does not go unnoticed. */
import type { Model } from '@faultline/explorer';
import { AtomicCell, Kern, type Step } from '@faultline/kernel';

/** Counts to three in three steps; in a browser the second one counts double. */
export function hostModel(): Model {
  return {
    name: 'host',
    boot(strategy) {
      const kern = new Kern({ strategy });
      const word = new AtomicCell('word', 0);
      const { scheduler } = kern;
      scheduler.start(scheduler.create({ pid: 1, name: 'host' }, 1), () => count(kern, word));
      return {
        kern,
        run: () => scheduler.run(),
        writeState: (writer) => {
          writer.thing('word', word);
          kern.writeState(writer);
        },
        atEnd: () => [{ kind: 'check', message: 'it always fails' }],
      };
    },
  };
}

function* count({ scheduler }: Kern, word: AtomicCell): Step<void> {
  const inBrowser = 'document' in globalThis;
  for (let i = 0; i < 3; i++) yield* word.add(scheduler, inBrowser && i === 1 ? 2 : 1);
}
