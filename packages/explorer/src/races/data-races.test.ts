import {
  type FieldWatcher,
  Kern,
  Mutex,
  RandomPreemption,
  type Step,
  type Strategy,
  sleepOn,
  WaitChannel,
  wakeup,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import type { Model } from '../model.js';
import { findDataRaces } from './data-races.js';

/** Threads that share one watched field. */
function sharing(
  make: (kern: Kern, field: { read(): void; write(): void; pass(writes: boolean): void }) => readonly (() => Step<void>)[],
): Model {
  return {
    name: 'sharing',
    boot(strategy: Strategy) {
      const kern = new Kern({ strategy, witness: false });
      const thing = {};
      let watcher: FieldWatcher | null = null;
      const field = {
        pass: (writes: boolean) => watcher?.passed(thing, 'flag', writes),
        read: () => watcher?.read(thing, 'field', 0),
        write: () => watcher?.wrote(thing, 'field'),
      };
      for (const [index, body] of make(kern, field).entries()) {
        kern.scheduler.start(kern.scheduler.create({ pid: 1, name: 'test' }, index + 1), body);
      }
      return {
        kern,
        run: () => kern.scheduler.run(),
        writeState: (writer) => kern.writeState(writer),
        watch: (told) => {
          watcher = told;
        },
      };
    },
  };
}

const SCHEDULES = () => Array.from({ length: 20 }, (_, seed) => () => new RandomPreemption(seed));

describe('finding data races', () => {
  it('finds two writes that nothing orders, in whatever order they come', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const lock = new Mutex(kern, kern.lockClass('other'));
        function* body(): Step<void> {
          yield* lock.enter();
          yield* lock.exit();
          field.write();
        }
        return [body, body];
      }),
      SCHEDULES().slice(0, 1),
    );
    expect(races.map(({ field }) => field)).toEqual(['Object.field']);
  });

  it('finds none where a lock is held around each access', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const lock = new Mutex(kern, kern.lockClass('lock'));
        function* body(): Step<void> {
          yield* lock.enter();
          field.read();
          field.write();
          yield* lock.exit();
        }
        return [body, body, body];
      }),
      SCHEDULES(),
    );
    expect(races).toEqual([]);
  });

  it('finds none where a wakeup comes between', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const channel = new WaitChannel('done');
        const lock = new Mutex(kern, kern.lockClass('lock'));
        let done = false;
        function* writer(): Step<void> {
          field.write();
          yield* lock.enter();
          done = true;
          yield* wakeup(kern.scheduler, channel);
          yield* lock.exit();
        }
        function* reader(): Step<void> {
          yield* lock.enter();
          while (!done) {
            yield* sleepOn(kern.scheduler, channel, { message: 'done', interlock: lock });
            yield* lock.enter();
          }
          yield* lock.exit();
          field.read();
        }
        return [writer, reader];
      }),
      SCHEDULES(),
    );
    expect(races).toEqual([]);
  });

  it('finds none between what a thread does before it starts another one, and what that one does', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const lock = new Mutex(kern, kern.lockClass('lock'));
        function* parent(): Step<void> {
          const child = kern.scheduler.create({ pid: 2, name: 'child' }, 1);
          yield* lock.enter();
          yield* lock.exit();
          field.write();
          kern.scheduler.start(child, function* () {
            field.read();
            yield* lock.enter();
            yield* lock.exit();
          });
        }
        return [parent];
      }),
      SCHEDULES(),
    );
    expect(races).toEqual([]);
  });

  it('takes a field that is made to be looked at without a lock for what orders others', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const lock = new Mutex(kern, kern.lockClass('lock'));
        let done = false;
        function* writer(): Step<void> {
          yield* lock.enter();
          field.write();
          done = true;
          field.pass(true);
          yield* lock.exit();
        }
        function* reader(): Step<void> {
          const other = new Mutex(kern, kern.lockClass('other'));
          yield* other.enter();
          field.pass(false);
          if (done) field.read();
          yield* other.exit();
        }
        return [writer, reader];
      }),
      SCHEDULES(),
    );
    expect(races).toEqual([]);
  });

  it('is not misled by a try that failed', () => {
    const races = findDataRaces(
      sharing((kern, field) => {
        const lock = new Mutex(kern, kern.lockClass('lock'));
        function* holder(): Step<void> {
          yield* lock.enter();
          field.write();
          yield* lock.exit();
        }
        function* trying(): Step<void> {
          const got = yield* lock.tryEnter();
          field.write();
          if (got) yield* lock.exit();
        }
        return [holder, trying];
      }),
      SCHEDULES(),
    );
    expect(races.map(({ field }) => field)).toEqual(['Object.field']);
  });
});
