import { describe, expect, it } from 'vitest';
import { readHeader } from './header.js';

type Options = Parameters<typeof readHeader>[0];

function read(options: Record<string, boolean | number | string>) {
  return readHeader(new Map(Object.entries(options)) satisfies Options);
}

describe('the header', () => {
  it('asks for nothing when it is not there', () => {
    expect(read({})).toMatchObject({ threaded: false, times: 1, faultCall: -1, remarks: [] });
  });

  it('the options that mean nothing here are said, and those that ask for nothing are not', () => {
    const { remarks } = read({ threaded: true, procs: 8, sandbox: 'none', slowdown: 1, tmpdir: true, close_fds: false });
    expect(remarks).toEqual(['options of the header that mean nothing here: procs 8, tmpdir true']);
  });

  it('a program is repeated as often as it says, up to a bound, and once for ever', () => {
    expect(read({ repeat: true, repeat_times: 3 })).toMatchObject({ times: 3, remarks: [] });
    expect(read({ repeat: false, repeat_times: 3 }).times).toBe(1);
    const forEver = read({ repeat: true });
    expect([forEver.times, forEver.remarks.length]).toEqual([1, 1]);
    const many = read({ repeat: true, repeat_times: 10 ** 9 });
    expect(many).toMatchObject({
      times: 1000,
      remarks: ['the header asks for the program to be run 1000000000 times; it was run 1000 times'],
    });
  });

  it('the older way to order a fault counts calls and occasions from 0', () => {
    expect(read({ fault: true, fault_call: 2, fault_nth: 0 })).toMatchObject({ faultCall: 2, faultNth: 1, remarks: [] });
    expect(read({ fault: false, fault_call: 2, fault_nth: 0 }).faultCall).toBe(-1);
  });
});
