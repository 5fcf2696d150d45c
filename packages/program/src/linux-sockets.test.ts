import {
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_WAITALL,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from '@faultline/kernel';
import { describe, expect, it } from 'vitest';
import { netbsdMessageFlags, netbsdSocketOption, netbsdSocketType } from './linux-sockets.js';

describe('what Linux says about sockets', () => {
  it('types', () => {
    expect(netbsdSocketType(0x80801)).toEqual({ value: SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, untranslated: [] });
    expect(netbsdSocketType(0x12)).toEqual({ value: 2, untranslated: ['0x10'] });
  });

  it('flags of messages', () => {
    expect(netbsdMessageFlags(0x142)).toEqual({ value: MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL, untranslated: [] });
    expect(netbsdMessageFlags(0x8001)).toEqual({ value: 0, untranslated: ['MSG_OOB', 'MSG_MORE'] });
  });

  it('options', () => {
    expect(netbsdSocketOption(1, 7)).toEqual({ level: SOL_SOCKET, name: SO_SNDBUF });
    expect(netbsdSocketOption(1, 8)).toEqual({ level: SOL_SOCKET, name: SO_RCVBUF });
    expect([netbsdSocketOption(1, 9), netbsdSocketOption(6, 7)]).toEqual([undefined, undefined]);
  });
});
