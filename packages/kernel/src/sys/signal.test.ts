import { describe, expect, it } from 'vitest';
import { EACCES, EFAULT, EINVAL, EIO, ENOMEM, ENOSPC } from '../kern/errno.js';
import { faultSignal, SIGBUS, SIGKILL, SIGSEGV, SIGXFSZ, signalCodeName, signalName } from './signal.js';

describe('the signal for a fault that could not be resolved', () => {
  const signals: [what: string, errno: number, signal: string, code: string][] = [
    ['nothing is mapped there', EFAULT, 'SIGSEGV', 'SEGV_MAPERR'],
    ['the mapping does not allow it', EACCES, 'SIGSEGV', 'SEGV_ACCERR'],
    ['the file ends before it', EINVAL, 'SIGBUS', 'BUS_ADRERR'],
    ['the file cannot be read', EIO, 'SIGBUS', 'BUS_OBJERR'],
    ['the file system is full', ENOSPC, 'SIGBUS', 'BUS_OBJERR'],
    ['there is no memory', ENOMEM, 'SIGKILL', '0'],
  ];
  for (const [what, errno, signal, code] of signals) {
    it(`is ${signal} with ${code} when ${what}`, () => {
      const info = faultSignal(errno, 0x1234);
      expect([signalName(info.signal), signalCodeName(info.signal, info.code), info.address]).toEqual([signal, code, 0x1234]);
    });
  }
});

describe('a signal', () => {
  it('has a name, and so have its codes, where they have one here', () => {
    expect([SIGKILL, SIGBUS, SIGXFSZ, 30].map(signalName)).toEqual(['SIGKILL', 'SIGBUS', 'SIGXFSZ', 'signal 30']);
    expect([signalCodeName(SIGSEGV, 1), signalCodeName(SIGSEGV, 9), signalCodeName(SIGKILL, 1)]).toEqual([
      'SEGV_MAPERR',
      '9',
      '1',
    ]);
  });
});
