/** Decision D11, as `state.test.ts`: page loans, sockets and what is offered in pipes. */
import { describe, expect, it } from 'vitest';
import { AF_LOCAL, PAGE_SIZE, SOCK_STREAM } from '../src/index.js';
import type { Socket } from '../src/sys/socket.js';
import { UvmKernelLoan } from '../src/uvm/loan/kernel-loan.js';
import { act } from './harness.js';
import { socketsOf } from './sockets.js';
import { Subject } from './state-subject.js';

const PAGE = PAGE_SIZE;

/** A process with a pair of sockets: a page on loan and ten bytes lie at the other end. */
class Sender extends Subject {
  readonly pair: readonly [number, number];

  constructor() {
    super();
    this.pair = act(this.system, this.process, function* (user) {
      const pair = yield* user.socketpair(AF_LOCAL, SOCK_STREAM);
      if (typeof pair === 'number') throw new Error(`there is no pair: ${pair}`);
      const from = yield* user.mmap(0, 2 * PAGE, 3, 0x1002);
      yield* user.store8(from, 1);
      yield* user.setsockopt(pair[0], 0xffff, 0x1001, 3 * PAGE);
      expect(yield* user.send(pair[0], from, PAGE)).toBe(PAGE);
      expect(yield* user.send(pair[0], from, 10)).toBe(10);
      return pair;
    });
  }

  get sender(): Socket {
    return socketsOf(this.system)[0] as Socket;
  }

  get receiver(): Socket {
    return socketsOf(this.system)[1] as Socket;
  }

  get loan(): UvmKernelLoan {
    return [...this.system.uvm.kernelLoans][0] as UvmKernelLoan;
  }
}

type Change = readonly [what: string, change: (sender: Sender) => void];

function expectTold([, change]: Change): void {
  const [before, after] = [new Sender(), new Sender()];
  expect(after.digest, 'the same twice').toBe(before.digest);
  change(after);
  expect(after.lines, 'the text').not.toEqual(before.lines);
  expect(after.digest, 'the hash').not.toBe(before.digest);
}

describe('told is', () => {
  const changes: Change[] = [
    ['what lies in a buffer', (s) => s.receiver.receive.records[0]?.pop()],
    ['how much of what is on loan was taken', (s) => s.receiver.receive.records[0]?.[0]?.trim(1)],
    ['how messages are cut', (s) => s.receiver.receive.records.push([])],
    ['how much may lie there', (s) => s.receiver.receive.reserve(100)],
    [
      'how much must be there',
      (s) => {
        s.receiver.receive.least = 7;
      },
    ],
    [
      'whose turn it is',
      (s) => {
        s.receiver.receive.locked = true;
      },
    ],
    ['who waits for his turn', (s) => Object.assign(s.receiver.receive, { turn: s.receiver.send.turn })],
    ['who waits for bytes', (s) => Object.assign(s.receiver.receive, { changed: s.receiver.send.changed })],
    [
      'who is at the other end',
      (s) => {
        s.sender.peer = null;
      },
    ],
    [
      'that nothing can be sent',
      (s) => {
        s.sender.cantSend = true;
      },
    ],
    [
      'that nothing can be received',
      (s) => {
        s.sender.cantReceive = true;
      },
    ],
    [
      'an error that waits',
      (s) => {
        s.sender.error = 5;
      },
    ],
    ['which kind of socket it is', (s) => Object.assign(s.sender, { type: 'datagram' })],
    ['that there is a socket', (s) => s.process.files.remove(s.pair[0])],
    ['what is on loan', (s) => s.system.uvm.kernelLoans.clear()],
    ['which pages a loan has', (s) => Object.assign(s.loan, { pages: [s.anon.page] })],
    ['where a loan is mapped', (s) => Object.assign(s.loan, { start: s.loan.start + PAGE })],
    ['which loans are to be given back', (s) => s.system.sys.pendfree.push(s.loan)],
    [
      'that a thread gives them back',
      (s) => {
        s.system.sys.pendfreeRuns = true;
      },
    ],
    [
      'how many addresses are in use for them',
      (s) => {
        s.system.sys.socurkva++;
      },
    ],
    ['which addresses are in use', (s) => s.system.uvm.kernelAddresses.allocate(PAGE)],
    ['which anons are on loan', (s) => s.system.uvm.anonLoans.push(s.anon)],
  ];
  for (const change of changes) it(change[0], () => expectTold(change));

  it('that a loan is one more thing, and not only what its page counts', () => {
    const [one, two] = [new Sender(), new Sender()];
    two.system.uvm.kernelLoans.add(new UvmKernelLoan(two.loan.start, [...two.loan.pages]));
    expect(two.digest).not.toBe(one.digest);
  });
});
