/** What is replayed, by name: a model is made of code, and only its name can be told to another engine. */
import { CATALOGUE, defectsOf, findEntry } from '@faultline/catalogue/watched';
import type { Model } from '@faultline/explorer';
import type { SyzProgram } from '@faultline/formats';
import { SeededRandom } from '@faultline/kernel';
import { generateSyz, programModel, syzProgram } from '@faultline/program/watched';
import { hostModel } from './host-model.js';
import { locksModel } from './locks-model.js';

/** What random kernel programs run on. */
const MACHINE = { ramPages: 64, counterWidth: 16 } as const;

/** What may be wrong with the kernel that they run on: the defects that a program of one process can show. */
const DEFECTS = CATALOGUE.filter(({ finds }) => finds.call !== undefined).flatMap(defectsOf);

/** The names of the models of the catalogue, each with its defect. */
export const CATALOGUE_MODELS: readonly string[] = CATALOGUE.map(({ id }) => `catalogue ${id}`);

/** Short random programs of memory calls, on a kernel with a defect. */
export const callsModelName = (seed: number): string => `calls ${seed}`;

/** Random programs of locks and sleeps. */
export const locksModelName = (seed: number): string => `locks ${seed}`;

/** A model by its name. */
export function modelOf(name: string): Model {
  const [kind, what = ''] = name.split(' ');
  switch (kind) {
    case 'catalogue': {
      const entry = findEntry(what);
      if (entry === null) throw new RangeError(`the catalogue has no entry named "${what}"`);
      return programModel(entry.program, { patches: defectsOf(entry) });
    }
    case 'calls': {
      const seed = Number(what);
      const patches = DEFECTS.filter((_, index) => index === seed % DEFECTS.length);
      return programModel(syzProgram(randomCalls(seed), { name }), { machine: MACHINE, patches });
    }
    case 'locks':
      return locksModel(Number(what));
    case 'host':
      return hostModel();
    default:
      throw new RangeError(`there is no model named "${name}"`);
  }
}

/** A random program of which about half of the calls are made beside those that follow. */
function randomCalls(seed: number): SyzProgram {
  const random = new SeededRandom(seed);
  const program = generateSyz(random, { calls: 8, pages: 3 });
  const calls = program.calls.map((call) => {
    const waits = call.name === 'fork' || call.name === 'wait4' || random.below(2) === 0;
    return waits ? call : { ...call, props: { ...call.props, async: true } };
  });
  return { ...program, calls };
}
