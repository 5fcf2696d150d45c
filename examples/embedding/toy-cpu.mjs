/** A toy processor whose programs load, store, fault, fork and swap. All of its memory is Faultline's. */
import * as bsd from '@faultline/kernel/direct';

const PAGE = 4096;
const TEXT = 0x10000;
const DATA = 0x1000000;
const PAGES = 400;
const PRIVATE = bsd.MAP_ANON | bsd.MAP_PRIVATE | bsd.MAP_FIXED;

/** What the processor can do, with a register a, and a register b or a number n. What comes of it goes into register a. */
const OPERATIONS = {
  set: (_, _a, n) => n,
  page: (_, _a, n) => n * PAGE,
  add: ({ r }, a, b) => r[a] + r[b],
  load: ({ r, thread }, _, b) => thread.load32(r[b]),
  store: ({ r, thread }, a, b) => thread.store32(r[b], r[a]),
  less: (cpu, a, b) => cpu.jump(cpu.r[a] < cpu.r[b] ? 0 : 1),
  jump: (cpu, _, n) => cpu.jump(n),
  fork: (cpu, a) => cpu.fork(a),
  wait: (cpu) => cpu.jump(cpu.thread.wait(-1, { nohang: true }) === 0 ? -1 : 0),
  print: ({ r, thread }) =>
    console.log(`process ${thread.process.pid}: the sum is ${r[3]}; page 0 is in ${whereIs(DATA, thread)}`),
  exit: ({ thread }) => thread.exit(0),
};
const NAMES = Object.keys(OPERATIONS);

/** `less` passes over the next instruction when it is not so; r0 is 1, r1 an address, r2 a page's number, r3 the sum. */
// biome-ignore format: a table
const PROGRAM = [
  ['set', 0, 1], ['page', 6, 1], ['set', 5, PAGES],
  ['page', 1, DATA / PAGE],
    ['store', 2, 1], // the number of each page into the page
    ['add', 1, 6], ['add', 2, 0], ['less', 2, 5], ['jump', 0, -5],
  ['fork', 4], ['less', 4, 0], ['set', 7, 1], // r7 is 1 in the child, and 0 in the parent
  ['wait'], // the child has nobody to wait for
  ['page', 1, DATA / PAGE], ['set', 2, 0],
    ['load', 4, 1], ['add', 4, 7], ['store', 4, 1], // the child adds 1 to what is in each page
    ['add', 3, 4], ['add', 1, 6], ['add', 2, 0], ['less', 2, 5], ['jump', 0, -8],
  ['print'],
  ['less', 7, 0], ['load', 4, 8], // the parent looks at address 0
  ['exit'],
].map(([name, a = 0, b = 0]) => NAMES.indexOf(name) | (a << 8) | (b << 16));

class ToyCpu {
  constructor(thread, pc, registers) {
    this.thread = thread;
    this.pc = pc;
    this.r = Int32Array.from(registers);
  }

  /** Carries out so many instructions. */
  run(count) {
    for (let left = count; left > 0; left--) {
      const word = this.thread.fetch32(this.pc);
      this.pc += 4;
      const a = (word >>> 8) & 15;
      const result = OPERATIONS[NAMES[word & 0xff]](this, a, (word | 0) >> 16);
      if (typeof result === 'number') this.r[a] = result;
    }
  }

  jump(instructions) {
    this.pc += 4 * instructions;
  }

  fork(a) {
    const pid = this.thread.fork();
    cpus.push(new ToyCpu(system.thread(pid), this.pc, this.r.with(a, 0)));
    return pid;
  }
}

const system = bsd.boot({ ram: 1 * bsd.MIB, swap: [{ name: 'wd0', pages: 1024 }] });
let faults = 0;
system.onMemoryFault = ({ user, address }) => {
  if (address < DATA || address >= DATA + PAGES * PAGE) return 'signal';
  faults++;
  user.mmap(address, 16 * PAGE, bsd.PROT_READ | bsd.PROT_WRITE, PRIVATE);
  return 'retry';
};

const whereIs = (address, thread) => system.space(thread).translate(address).content.kind;

const first = system.spawn('toy');
first.mmap(TEXT, PAGE, bsd.PROT_READ | bsd.PROT_WRITE, PRIVATE);
first.storeBytes(TEXT, new Uint8Array(Int32Array.from(PROGRAM).buffer));
first.mprotect(TEXT, PAGE, bsd.PROT_READ | bsd.PROT_EXEC);

const cpus = [new ToyCpu(first, TEXT, new Int32Array(16))];
for (let cpu = cpus.shift(); cpu !== undefined; cpu = cpus.shift()) {
  try {
    cpu.run(1000);
    cpus.push(cpu);
  } catch (error) {
    if (!(error instanceof bsd.ProcessEnded)) throw error;
    console.log(error.message);
  }
}
console.log(`${faults} faults mended`);
