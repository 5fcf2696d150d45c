/** `faultline show` and `faultline catalogue`. */
import { describe, expect, it } from 'vitest';
import { faultline, fixture } from './command.js';

const PROGRAM = fixture('two-threads.ts');
const DEFECT = 'catalogue:netbsd-2019-mlock-zero';

describe('faultline show', () => {
  it.each<[view: string, text: RegExp]>([
    ['map', /^MAP map 1: \[0x1000->/],
    ['amap', /am_nused = 1/],
    ['page', /anon 1/],
    ['object', /^There is no object to show\.$/m],
    ['uvmexp', /1 wired/],
    ['vmstat', /^ +1 pages wired$/m],
    ['swap', /^no swap devices configured$/m],
    ['pmap', /read\/write {10}\[ anon \]/],
    ['maps', /rw-p/],
    ['ps', /main/],
    ['locks', /no LWP holds/],
  ])('shows %s after a call, as text and as data', (view, text) => {
    const shown = faultline('show', view, PROGRAM, '--after', '3');
    expect([shown.stderr, shown.status]).toEqual(['', 0]);
    expect(shown.stdout).toMatch(text);
    expect(JSON.parse(faultline('show', view, PROGRAM, '--after', '3', '--json').stdout)).toBeDefined();
  });

  it('shows the disks that the options ask for', () => {
    const { stdout } = faultline('show', 'swap', PROGRAM, '--swap', '64', '--swap', '1M:5');
    expect(stdout).toMatch(/^\/dev\/wd0 +512 +0 +512 +0% +0$/m);
    expect(stdout).toMatch(/^\/dev\/wd1 +2048 +0 +2048 +0% +5$/m);
  });

  it('shows the map right after the call that broke it', () => {
    const { stdout } = faultline('show', 'map', DEFECT, '--after', '1', '--full');
    expect(stdout).toMatch(/wc=1/);
    expect(faultline('show', 'map', DEFECT, '--after', '1', '--full', '--no-defect').stdout).not.toMatch(/wc=1/);
  });

  it('shows the system as the panic left it, and says by its status that there was one', () => {
    const { status, stdout } = faultline('show', 'locks', DEFECT);
    expect(stdout).toMatch(/vmmaplk|vm_map/);
    expect(status).toBe(1);
  });
});

describe('faultline catalogue', () => {
  it('lists the entries', () => {
    expect(faultline('catalogue').stdout).toMatch(/^netbsd-2019-mlock-zero +a zero-length mlock corrupts wired_count/m);
    const listed: unknown = JSON.parse(faultline('catalogue', '--json').stdout);
    expect(listed).toContainEqual(expect.objectContaining({ id: 'netbsd-2019-mlock-zero', system: 'NetBSD' }));
  });

  it('brings an entry back, explains it, and tries its remedies', () => {
    const { status, stdout } = faultline('catalogue', 'netbsd-2019-mlock-zero');
    expect(stdout).toMatch(/^ +FOUND +assertion "pg->wire_count != 0"/m);
    expect(stdout).toMatch(/wire_count is 65535 now/);
    expect(stdout).toMatch(/^ +OK +4 calls/m);
    expect(stdout).toMatch(/netbsd-empty-range-returns[\s\S]*?CURES/);
    expect(stdout).toMatch(/netbsd-wrapped-range-is-refused[\s\S]*?FAILS/);
    expect(stdout).toContain('All as the catalogue says.');
    expect(status).toBe(0);
  });

  it('says the same as data', () => {
    const { asExpected, trials } = JSON.parse(faultline('catalogue', 'netbsd-2019-mlock-zero', '--json').stdout);
    expect(asExpected).toBe(true);
    expect(trials.map(({ clean }: { clean: boolean }) => clean)).toEqual([false, false, true, true, false]);
  });
});
