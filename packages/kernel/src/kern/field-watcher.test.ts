import { describe, expect, it } from 'vitest';
import { type FieldWatcher, watchFields, watchMethods } from './field-watcher.js';

/** Takes down what it is told. */
function recorder(): FieldWatcher & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    read: (_thing, field, value) => told.push(`read ${field} ${String(value)}`),
    wrote: (_thing, field) => told.push(`wrote ${field}`),
    passed: (_thing, field) => told.push(`passed ${field}`),
  };
}

describe('watching fields', () => {
  it('tells of reads with what was read, and of writes, and leaves the structure as it is otherwise', () => {
    const entry = { wiredCount: 1, size: 2 };
    const watcher = recorder();
    watchFields(entry, watcher);
    entry.wiredCount += 1;
    expect(watcher.told).toEqual(['read wiredCount 1', 'wrote wiredCount']);
    expect({ ...entry }).toEqual({ wiredCount: 2, size: 2 });
  });

  it('tells of methods as accesses to what they stand for', () => {
    class Column {
      readonly #values = [5, 6];
      get(index: number): number {
        return this.#values[index] ?? 0;
      }
      set(index: number, value: number): void {
        this.#values[index] = value;
      }
    }
    const column = new Column();
    const owner = {};
    const watcher = recorder();
    const field = (index: number) => `value ${index}`;
    watchMethods(column, owner, { get: { field, writes: false }, set: { field, writes: true } }, watcher);
    column.set(1, column.get(0));
    expect(column.get(1)).toBe(5);
    expect(watcher.told).toEqual(['read value 0 5', 'wrote value 1', 'read value 1 5']);
  });
});
