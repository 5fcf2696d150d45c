import { expect, it } from 'vitest';
import { MAP_ANON, MAP_PRIVATE } from '../src/index.js';
import { run } from './harness.js';

it('runs on this build', () => {
  const value = run(function* (user) {
    const address = yield* user.mmap(0, 8192, 3, MAP_ANON | MAP_PRIVATE);
    yield* user.store32(address + 4096, 42);
    return yield* user.load32(address + 4096);
  });
  expect(value).toBe(42);
});
