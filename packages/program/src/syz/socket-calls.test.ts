import { describe, expect, it } from 'vitest';
import { callsOf, runSyz } from '../../test/syz-run.js';

const PAIR = 'socketpair$unix(0x1, 0x1, 0x0, &(0x7f0000000000)={<r0=>0xffffffffffffffff, <r1=>0xffffffffffffffff})';

describe('sockets', () => {
  it('come in pairs; what is sent at one end is received at the other, in a program of NetBSD', () => {
    const lines = [
      PAIR,
      'setsockopt(r0, 0xffff, 0x1001, &(0x7f0000000100)=0x4000, 0x4)',
      'sendto(r0, &(0x7f0000001000)="61626364", 0x2000, 0x0, 0x0, 0x0)',
      'recvfrom(r1, &(0x7f0000004000)=""/16, 0x10, 0x2, 0x0, 0x0)',
      'recvfrom(r1, &(0x7f0000004000)=""/8192, 0x2000, 0x0, 0x0, 0x0)',
      'shutdown(r0, 0x1)',
      'sendto(r0, &(0x7f0000001000)="61", 0x1, 0x400, 0x0, 0x0)',
      'recvfrom(r1, &(0x7f0000004000)=""/16, 0x10, 0x0, 0x0, 0x0)',
    ];
    const results = callsOf(runSyz(lines)).map((call) => call.replace(/\(.*\)/, ''));
    expect(results).toEqual([
      'socketpair = 0',
      'setsockopt = 0',
      'sendto = 8192',
      'recvfrom = 16',
      'recvfrom = 8192',
      'shutdown = 0',
      'sendto = -1 EPIPE',
      'recvfrom = 0',
    ]);
  });

  it('are spoken of in Linux’s numbers by a program of Linux', () => {
    const result = runSyz(
      [
        PAIR.replace('0x1, 0x1,', '0x1, 0x80801,'),
        'setsockopt(r0, 0x1, 0x7, &(0x7f0000000100)=0x4000, 0x4)',
        'setsockopt(r0, 0x1, 0x9, &(0x7f0000000100)=0x1, 0x4)',
        'sendto(r0, &(0x7f0000001000)="61626364", 0x4, 0x8000, 0x0, 0x0)',
        'recvfrom(r1, &(0x7f0000004000)=""/16, 0x10, 0x40, 0x0, 0x0)',
        'recvfrom(r1, &(0x7f0000004000)=""/16, 0x10, 0x0, 0x0, 0x0)',
      ],
      { os: 'linux' },
    );
    const results = callsOf(result).map((call) => call.replace(/\(.*\)/, ''));
    expect(results).toEqual(['socketpair = 0', 'setsockopt = 0', 'sendto = 4', 'recvfrom = 4', 'recvfrom = -1 EAGAIN']);
    expect(result.remarks.join('\n')).toMatch(/MSG_MORE/);
  });
});
