/** Decision D11 for devices: everything that can change what happens later is told, and nothing else. */
import { describe, expect, it } from 'vitest';
import { asPfn, asVa, MAP_ANON, MAP_PRIVATE, MAP_SHARED, O_RDWR, PAGE_SIZE, PROT_WRITE, StateHash } from '../src/index.js';
import { PhysioBuffer, PhysioStatus } from '../src/sys/physio-buffer.js';
import type { RawTape } from '../src/sys/raw-tape.js';
import type { UvmDevice } from '../src/uvm/object/device-object.js';
import type { TransientWiring } from '../src/uvm/transfer/transient-wiring.js';
import { act, bootProcess } from './harness.js';
import { linesOf } from './state-subject.js';

const PAGE = PAGE_SIZE;

type Booted = ReturnType<typeof bootProcess>;

/** A process with a device mapped, and a buffer that a device was given. */
function subject(): Booted {
  const booted = bootProcess();
  const { system, process } = booted;
  system.addDevice('/dev/rst0', { kind: 'tape', records: [Uint8Array.of(1, 2), null, Uint8Array.of(3)] });
  system.addDevice('/dev/fb0', { kind: 'memory', pages: 1 });
  act(system, process, function* (user) {
    const mapped = yield* user.mmap(0, PAGE, 3, MAP_SHARED, yield* user.open('/dev/fb0', O_RDWR));
    yield* user.store8(mapped, 1);
  });
  // As physio() does it, up to where it waits, which cannot be left in the direct build.
  act(system, process, function* (user) {
    const { sys } = system;
    const address = yield* user.mmap(0, 2 * PAGE, 3, MAP_ANON | MAP_PRIVATE);
    yield* user.open('/dev/rst0', O_RDWR);
    const space = sys.spaceOf(process);
    const status = new PhysioStatus(system.kern, 'test');
    const chunk = new PhysioBuffer(sys, status, space, { label: 'read', write: false, address, offset: 0, length: 2 * PAGE });
    const wiring = yield* system.vm.vslock(space, address, 2 * PAGE, PROT_WRITE);
    if (typeof wiring === 'number') throw new Error(`the buffer cannot be wired: ${wiring}`);
    chunk.wiring = wiring;
    sys.vmapbuf(chunk);
    sys.physios.add(chunk);
  });
  return booted;
}

const tapeOf = ({ system }: Booted) => system.sys.devices.get('/dev/rst0') as RawTape;
const chunkOf = ({ system }: Booted) => [...system.sys.physios][0] as PhysioBuffer;
const wiringOf = ({ system }: Booted) => [...system.uvm.vslocks][0] as TransientWiring;
const objectOf = ({ system }: Booted) => system.uvm.deviceObjects[0] as UvmDevice;

function digestOf({ system }: Booted): string {
  const hash = new StateHash();
  system.writeState(hash);
  return hash.digest;
}

function expectTold(change: (booted: Booted) => void): void {
  const [before, after] = [subject(), subject()];
  expect(digestOf(after), 'the same twice').toBe(digestOf(before));
  change(after);
  expect(linesOf(after.system), 'the text').not.toEqual(linesOf(before.system));
  expect(digestOf(after), 'the hash').not.toBe(digestOf(before));
}

/** The plain fields of a structure, but for those that are no state. */
function plainFields(thing: object, but: readonly string[]): string[] {
  const fields = Object.entries(thing).filter(([, value]) => /^(number|string|boolean)$/.test(typeof value));
  for (const name of but) expect(fields.map(([known]) => known)).toContain(name);
  return fields.map(([name]) => name).filter((name) => !but.includes(name));
}

describe('told is each plain field', () => {
  const structures: readonly (readonly [name: string, of: (booted: Booted) => object, but: readonly string[]])[] = [
    ['chunk of raw I/O', chunkOf, ['label']],
    ['call of raw I/O', (booted) => chunkOf(booted).status, []],
    ['wiring for the time being', wiringOf, []],
    ['object of a device', objectOf, ['id', 'pagerName', 'needsWriteFault']],
  ];
  for (const [name, of, but] of structures) {
    for (const field of plainFields(of(subject()), but)) {
      it(`${name}: ${field}`, () => {
        expectTold((booted) => {
          const thing = of(booted) as Record<string, unknown>;
          const value = thing[field];
          thing[field] = typeof value === 'number' ? value + 1 : !value;
        });
      });
    }
  }
});

describe('told is of devices', () => {
  const changes: readonly (readonly [what: string, change: (booted: Booted) => void])[] = [
    ['where a tape stands', (booted) => tapeOf(booted).operate(3, 1)],
    ['what is on a tape', (booted) => tapeOf(booted).records.splice(1, 1, Uint8Array.of())],
    ['a byte of a record', (booted) => tapeOf(booted).records.splice(0, 1, Uint8Array.of(1, 9))],
    ['that somebody has it open', (booted) => tapeOf(booted).close()],
    ['a byte of device memory', ({ system }) => system.machine.deviceRanges[0]?.device.write(5, 1, 1)],
    ['a frame that a device was given', (booted) => chunkOf(booted).frames.reverse()],
    ['a page that was wired', (booted) => wiringOf(booted).note(wiringOf(booted).start, asPfn(-1))],
    ['that a transfer is under way', ({ system }) => system.uvm.transfers.clear()],
    ['what physiod has to do', (booted) => booted.system.sys.physiodQueue.push(chunkOf(booted))],
    ['that it is at work', ({ system }) => Object.assign(system.sys, { physiodAtWork: true })],
    ['which kernel addresses are in use', ({ system }) => system.uvm.kernelAddresses.allocate(PAGE)],
    ['which device an object is', (booted) => Object.assign(objectOf(booted), { device: { name: 'other', mmap: () => -1 } })],
    ['that a device has a name', ({ system }) => system.sys.devices.delete('/dev/fb0')],
    [
      'where raw I/O is mapped',
      (booted) => Object.assign(chunkOf(booted), { mappedAt: asVa((chunkOf(booted).mappedAt ?? 0) + PAGE) }),
    ],
  ];
  for (const [what, change] of changes) it(what, () => expectTold(change));
});
