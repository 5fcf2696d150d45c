/** What the mapped memory costs: both run the same program, each in a process of its own. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROUNDS = 20;

async function measure(name) {
  const { core, clear } = (await import(`./${name}.mjs`)).prepare();
  const nanoseconds = [];
  let primes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    clear();
    const cpu = core();
    const began = performance.now();
    primes = cpu.run();
    nanoseconds.push(((performance.now() - began) * 1e6) / cpu.instructions);
  }
  // Whatever else the host does makes a round longer, never shorter.
  console.log(JSON.stringify({ primes, nanoseconds: Math.min(...nanoseconds) }));
}

const [, , only] = process.argv;
if (only !== undefined) await measure(only);
else {
  const [flat, mapped] = ['flat', 'mapped'].map((name) =>
    JSON.parse(spawnSync(process.execPath, [fileURLToPath(import.meta.url), name], { encoding: 'utf8' }).stdout),
  );
  if (flat.primes !== mapped.primes) throw new Error(`${flat.primes} primes with one memory, ${mapped.primes} with the other`);
  console.log(`${flat.primes} primes`);
  console.log(
    `an instruction takes ${flat.nanoseconds.toFixed(1)} ns with a flat buffer, ${mapped.nanoseconds.toFixed(1)} ns mapped`,
  );
  console.log(`ratio ${(mapped.nanoseconds / flat.nanoseconds).toFixed(2)}`);
}
