/** Sockets: what is sent arrives, in its order, and waits for room; what ends it, and what it answers. */
import { describe, expect, it } from 'vitest';
import { act, bootProcess, expectNoLeak, expectSound } from '../../test/harness.js';
import { expectBytes, filled, pagesOnLoan, pairOf, socketsOf } from '../../test/sockets.js';
import { nothing } from '../../test/threads.js';
import {
  AF_LOCAL,
  BUILD,
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  ECONNRESET,
  EDESTADDRREQ,
  EFAULT,
  EINTR,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENOBUFS,
  ENODEV,
  ENOPROTOOPT,
  ENOTCONN,
  ENOTSOCK,
  EPIPE,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESPIPE,
  MAP_SHARED,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_WAITALL,
  O_CREAT,
  O_RDWR,
  PAGE_SIZE,
  RLIMIT_NOFILE,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SIGPIPE,
  SO_RCVBUF,
  SO_RCVLOWAT,
  SO_SNDBUF,
  SO_SNDLOWAT,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_NOSIGPIPE,
  SOCK_STREAM,
  SOL_SOCKET,
  type Step,
  type User,
} from '../index.js';
import { SB_MAX } from './sockbuf.js';

const PAGE = PAGE_SIZE;
const SIGUSR1 = 30;

/** Runs one thread with a pair, and memory: a page of ones to send, a page to receive into. */
function withPair<T>(
  job: (user: User, parts: { a: number; b: number; from: number; into: number }) => Step<T>,
  type = SOCK_STREAM,
): T {
  const { system, process } = bootProcess();
  const value = act(system, process, function* (user) {
    const [a, b] = yield* pairOf(user, type);
    const from = yield* filled(user, 1, 1);
    const into = yield* filled(user, 1, 0);
    return yield* job(user, { a, b, from, into });
  });
  expectSound(system);
  expectNoLeak(system);
  return value;
}

describe('a pair of stream sockets', () => {
  it('carries bytes both ways, in their order, however they were cut', () => {
    withPair(function* (user, { a, b, from, into }) {
      for (let i = 0; i < 200; i++) yield* user.store8(from + i, i);
      expect(yield* user.send(a, from, 100)).toBe(100);
      expect(yield* user.write(a, from + 100, 100)).toBe(100);
      expect(yield* user.recv(b, into, 150)).toBe(150);
      expect(yield* user.read(b, into + 150, 500)).toBe(50);
      for (const at of [0, 99, 100, 149, 150, 199]) expect(yield* user.load8(into + at)).toBe(at);
      expect(yield* user.send(b, from, 10)).toBe(10);
      expect(yield* user.recv(a, into, 10)).toBe(10);
    });
  });

  it('holds 4096 bytes each way; then sending waits, or is EAGAIN', () => {
    withPair(function* (user, { a, from }) {
      expect(yield* user.send(a, from, 3000, MSG_DONTWAIT)).toBe(3000);
      // What is left is less than anybody begins with, and more than would fit.
      expect(yield* user.send(a, from, 3000, MSG_DONTWAIT)).toBe(-EAGAIN);
      expect(yield* user.send(a, from, 1000, MSG_DONTWAIT)).toBe(1000);
      expect(yield* user.send(a, from, 0, MSG_DONTWAIT)).toBe(0);
    });
  });

  it('sends a part when not all of it has room and nobody may wait', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, 6000)).toBe(0);
      expect(yield* user.send(a, from, 3000, MSG_DONTWAIT)).toBe(3000);
      expect(yield* user.send(a, from, 4000, MSG_DONTWAIT)).toBe(3000);
      expect(yield* user.recv(b, into, PAGE)).toBe(PAGE);
    });
  });

  it('leaves what is only looked at', () => {
    withPair(function* (user, { a, b, from, into }) {
      for (let i = 0; i < 8; i++) yield* user.store8(from + i, i);
      yield* user.send(a, from, 3);
      yield* user.send(a, from + 3, 5);
      expect(yield* user.recv(b, into, 6, MSG_PEEK)).toBe(6);
      expect(yield* user.load8(into + 5)).toBe(5);
      expect(yield* user.recv(b, into, 100, MSG_PEEK)).toBe(8);
      expect(yield* user.recv(b, into, 100)).toBe(8);
      expect(yield* user.recv(b, into, 100, MSG_DONTWAIT | MSG_PEEK)).toBe(-EAGAIN);
    });
  });

  it('receives nothing when nothing is asked for, and does not wait for the rest unless told to', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.recv(b, into, 0)).toBe(0);
      yield* user.send(a, from, 5);
      expect(yield* user.recv(b, into, 100)).toBe(5);
      expect(yield* user.recv(b, into, 1, MSG_DONTWAIT)).toBe(-EAGAIN);
    });
  });

  it('is at its end when the other is closed, once it is empty; to send is EPIPE, and SIGPIPE unless told otherwise', () => {
    const signals: number[] = [];
    withPair(function* (user, { a, b, from, into }) {
      user.sigaction(SIGPIPE, function* () {
        signals.push(SIGPIPE);
        yield* nothing();
        return 'skip';
      });
      yield* user.send(a, from, 5);
      expect(yield* user.close(a)).toBe(0);
      expect(yield* user.recv(b, into, 100)).toBe(5);
      expect(yield* user.recv(b, into, 100)).toBe(0);
      expect(yield* user.send(b, from, 5, MSG_NOSIGNAL)).toBe(-EPIPE);
      expect(signals).toEqual([]);
      expect(yield* user.send(b, from, 5)).toBe(-EPIPE);
      expect(yield* user.write(b, from, 5)).toBe(-EPIPE);
      expect(yield* user.shutdown(b, SHUT_WR)).toBe(-ENOTCONN);
    });
    expect(signals).toEqual([SIGPIPE, SIGPIPE]);
  });

  it('can be shut down in one direction', () => {
    withPair(function* (user, { a, b, from, into }) {
      yield* user.send(a, from, 5);
      expect(yield* user.shutdown(a, SHUT_WR)).toBe(0);
      expect(yield* user.send(a, from, 5, MSG_NOSIGNAL)).toBe(-EPIPE);
      expect(yield* user.recv(b, into, 100)).toBe(5);
      expect(yield* user.recv(b, into, 100)).toBe(0);
      expect(yield* user.send(b, from, 5)).toBe(5);
      expect(yield* user.recv(a, into, 100)).toBe(5);
      yield* user.send(b, from, 7);
      // What was there is thrown away.
      expect(yield* user.shutdown(a, SHUT_RD)).toBe(0);
      expect(yield* user.recv(a, into, 100)).toBe(0);
      expect(yield* user.shutdown(a, SHUT_RDWR)).toBe(0);
      expect(yield* user.shutdown(a, 3)).toBe(-EINVAL);
    });
  });

  it('answers EFAULT for memory that is not there, and keeps what could not be delivered', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.send(a, 0x1000, 10)).toBe(-EFAULT);
      yield* user.send(a, from, 10);
      expect(yield* user.recv(b, 0x1000, 10)).toBe(-EFAULT);
      expect(yield* user.recv(b, into, 10)).toBe(10);
      expect(yield* user.send(a, from, -1)).toBe(-EINVAL);
      expect(yield* user.recv(a, from, -1)).toBe(-EINVAL);
    });
  });

  it('has bounds for what may be under way', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, 0)).toBe(-EINVAL);
      expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, SB_MAX + 1)).toBe(-ENOBUFS);
      expect(yield* user.setsockopt(a, SOL_SOCKET, 0x1006, 1)).toBe(-ENOPROTOOPT);
      expect(yield* user.setsockopt(a, 0, SO_SNDBUF, 1)).toBe(-ENOPROTOOPT);
      expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDBUF, 100)).toBe(0);
      expect(yield* user.send(a, from, 300, MSG_DONTWAIT)).toBe(100);
      expect(yield* user.setsockopt(b, SOL_SOCKET, SO_RCVLOWAT, 200)).toBe(0);
      expect(yield* user.recv(b, into, 300, MSG_DONTWAIT)).toBe(100);
      expect(yield* user.setsockopt(a, SOL_SOCKET, SO_SNDLOWAT, 50)).toBe(0);
      expect(yield* user.send(a, from, 60, MSG_DONTWAIT)).toBe(60);
      expect(yield* user.send(a, from, 60, MSG_DONTWAIT)).toBe(-EAGAIN);
      expect(yield* user.setsockopt(b, SOL_SOCKET, SO_RCVBUF, 500)).toBe(0);
    });
  });
});

describe('a pair of datagram sockets', () => {
  it('carries messages whole; what of one is not asked for is lost', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.send(a, from, 10)).toBe(10);
      expect(yield* user.send(a, from, 0)).toBe(0);
      expect(yield* user.send(a, from, 20)).toBe(20);
      expect(yield* user.recv(b, into, 4, MSG_PEEK)).toBe(4);
      expect(yield* user.recv(b, into, 4)).toBe(4);
      expect(yield* user.recv(b, into, 100)).toBe(0);
      expect(yield* user.recv(b, into, 100)).toBe(20);
      expect(yield* user.recv(b, into, 100, MSG_DONTWAIT)).toBe(-EAGAIN);
    }, SOCK_DGRAM);
  });

  it('has no room for more than 2048 bytes in one message, nor 4096 in all', () => {
    withPair(function* (user, { a, b, from, into }) {
      expect(yield* user.send(a, from, 2049)).toBe(-EMSGSIZE);
      expect(yield* user.send(a, from, 2048)).toBe(2048);
      expect(yield* user.send(a, from, 2048)).toBe(2048);
      expect(yield* user.send(a, from, 1)).toBe(-ENOBUFS);
      expect(yield* user.recv(b, into, PAGE)).toBe(2048);
      expect(yield* user.send(a, from, 1)).toBe(1);
    }, SOCK_DGRAM);
  });

  it('learns once that the other has gone, and has nobody to send to from then on', () => {
    withPair(function* (user, { a, b, from, into }) {
      yield* user.close(a);
      expect(yield* user.recv(b, into, 10, MSG_PEEK)).toBe(-ECONNRESET);
      expect(yield* user.recv(b, into, 10)).toBe(-ECONNRESET);
      expect(yield* user.recv(b, into, 10, MSG_DONTWAIT)).toBe(-EAGAIN);
      expect(yield* user.send(b, from, 10)).toBe(-EDESTADDRREQ);
    }, SOCK_DGRAM);
  });

  it('lends large messages as well, all of one or nothing', () => {
    withPair(function* (user, { a, b, from, into }) {
      for (const fd of [a, b]) {
        expect(yield* user.setsockopt(fd, SOL_SOCKET, SO_SNDBUF, 8192)).toBe(0);
        expect(yield* user.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, 8192)).toBe(0);
      }
      expect(yield* user.send(a, from, PAGE)).toBe(PAGE);
      yield* user.store8(from, 9);
      expect(yield* user.recv(b, into, PAGE)).toBe(PAGE);
      yield* expectBytes(user, into, PAGE, 1);
      expect(yield* user.send(a, from, PAGE)).toBe(PAGE);
      // A message of which a part is not asked for is given back whole.
      expect(yield* user.recv(b, into, 1)).toBe(1);
    }, SOCK_DGRAM);
  });
});

describe('socketpair(2) and descriptors', () => {
  it('refuses other domains, types and protocols', () => {
    withPair(function* (user) {
      expect(yield* user.socketpair(2, SOCK_STREAM)).toBe(-EAFNOSUPPORT);
      expect(yield* user.socketpair(AF_LOCAL, 3)).toBe(-EPROTOTYPE);
      expect(yield* user.socketpair(AF_LOCAL, SOCK_STREAM, 6)).toBe(-EPROTONOSUPPORT);
    });
  });

  it('takes no descriptor when there are not two', () => {
    withPair(function* (user) {
      expect(yield* user.setrlimit(RLIMIT_NOFILE, { current: 3, maximum: 1024 })).toBe(0);
      expect(yield* user.socketpair(AF_LOCAL, SOCK_STREAM)).toBe(-EMFILE);
      expect(yield* user.dup(0)).toBe(2);
    });
  });

  it('makes ends that do not wait, close at exec, or send no SIGPIPE, as asked', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const pair = yield* user.socketpair(AF_LOCAL, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC | SOCK_NOSIGPIPE);
      if (typeof pair === 'number') throw new Error('there is a pair');
      const into = yield* filled(user, 1, 0);
      expect(yield* user.recv(pair[0], into, 5)).toBe(-EAGAIN);
      expect(process.files.open({ closeOnExec: true })).toEqual(pair);
      yield* user.close(pair[1]);
      expect(yield* user.write(pair[0], into, 5)).toBe(-EPIPE);
    });
    expect(process.ending).toBeNull();
  });

  it('is no file: it cannot be sought in, mapped, or read at an offset; and a file is no socket', () => {
    withPair(function* (user, { a, from }) {
      expect(yield* user.lseek(a, 0, 0)).toBe(-ESPIPE);
      expect(yield* user.pread(a, from, 1, 0)).toBe(-ESPIPE);
      expect(yield* user.pwrite(a, from, 1, 0)).toBe(-ESPIPE);
      expect(yield* user.ftruncate(a, 0)).toBe(-EINVAL);
      expect(yield* user.fsync(a)).toBe(-EINVAL);
      expect(yield* user.mmap(0, PAGE, 1, MAP_SHARED, a)).toBe(-ENODEV);
      const file = yield* user.open('/file', O_RDWR | O_CREAT);
      expect(yield* user.send(file, from, 1)).toBe(-ENOTSOCK);
      expect(yield* user.recv(file, from, 1)).toBe(-ENOTSOCK);
      expect(yield* user.shutdown(file, SHUT_RD)).toBe(-ENOTSOCK);
      expect(yield* user.setsockopt(file, SOL_SOCKET, SO_SNDBUF, 1)).toBe(-ENOTSOCK);
      expect(yield* user.send(99, from, 1)).toBe(-EBADF);
    });
  });

  it('lives as long as a descriptor leads there, in whichever process', () => {
    withPair(function* (user, { a, b, from, into }) {
      const pid = yield* user.fork(function* (child) {
        yield* child.close(b);
        yield* child.send(a, from, 6);
      });
      yield* user.close(a);
      // The child’s descriptor is the last; it goes when the child does.
      expect(yield* user.recv(b, into, 100)).toBe(6);
      yield* user.wait(pid);
      expect(yield* user.recv(b, into, 100)).toBe(0);
    });
  });
});

// Who waits for another to take bytes needs both to be switched.
describe.skipIf(BUILD === 'direct')('threads at both ends', () => {
  it('move more than the buffer holds, and wait for each other', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const [a, b] = yield* pairOf(user);
      const from = yield* filled(user, 5, 7);
      const into = yield* filled(user, 5, 0);
      yield* user.lwpCreate(function* (sender) {
        expect(yield* sender.send(a, from, 5 * PAGE)).toBe(5 * PAGE);
      });
      expect(yield* user.recv(b, into, 5 * PAGE, MSG_WAITALL)).toBe(5 * PAGE);
      yield* expectBytes(user, into, 5 * PAGE, 7);
    });
    expectNoLeak(system);
  });

  it('senders take turns: what one sends is not mixed with what another does', () => {
    const { system, process } = bootProcess();
    act(system, process, function* (user) {
      const [a, b] = yield* pairOf(user);
      const from = [yield* filled(user, 2, 1), yield* filled(user, 2, 2)];
      const into = yield* filled(user, 4, 0);
      for (const address of from) {
        yield* user.lwpCreate(function* (sender) {
          expect(yield* sender.send(a, address, 2 * PAGE)).toBe(2 * PAGE);
        });
      }
      expect(yield* user.recv(b, into, 4 * PAGE, MSG_WAITALL)).toBe(4 * PAGE);
      const bytes = new Uint8Array(4 * PAGE);
      yield* user.loadBytes(into, bytes);
      expect(bytes.filter((byte) => byte === 1)).toHaveLength(2 * PAGE);
    });
    expectNoLeak(system);
  });

  it('a signal ends a wait with EINTR, or with what was moved until then', () => {
    const { system, process } = bootProcess();
    const answers: number[] = [];
    act(system, process, function* (user) {
      const [a, b] = yield* pairOf(user);
      const from = yield* filled(user, 3, 7);
      const calls = [(one: User) => one.recv(a, from, 10), (one: User) => one.send(a, from, 3 * PAGE)];
      const children: number[] = [];
      for (const call of calls) {
        const child = yield* user.fork(function* (one) {
          one.sigaction(SIGUSR1, function* () {
            yield* nothing();
            return 'skip';
          });
          answers.push(yield* call(one));
          yield* one.exit(0);
        });
        children.push(child);
      }
      // The children run, and wait, when this one waits.
      yield* user.fork(function* (killer) {
        for (const child of children) yield* killer.kill(child, SIGUSR1);
        yield* killer.exit(0);
      });
      for (let i = 0; i < 3; i++) yield* user.wait();
      yield* user.close(a);
      yield* user.close(b);
    });
    expect(answers.sort((x, y) => x - y)).toEqual([-EINTR, PAGE]);
    expect(pagesOnLoan(system)).toBe(0);
    expectSound(system);
  });

  it('who waits learns of the end at once', () => {
    const { system, process } = bootProcess();
    const answers: number[] = [];
    act(system, process, function* (user) {
      const [a, b] = yield* pairOf(user);
      const from = yield* filled(user, 2, 7);
      yield* user.send(a, from, PAGE);
      yield* user.lwpCreate(function* (receiver) {
        answers.push(yield* receiver.recv(a, from, 10));
      });
      yield* user.lwpCreate(function* (sender) {
        answers.push(yield* sender.send(a, from, PAGE, MSG_NOSIGNAL));
      });
      yield* user.lwpCreate(function* (closer) {
        yield* closer.close(b);
      });
    });
    expect(answers.sort()).toEqual([-EPIPE, 0]);
    expect(socketsOf(system)).toHaveLength(1);
    expectNoLeak(system);
  });
});
