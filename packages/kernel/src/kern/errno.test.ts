import { expect, it } from 'vitest';
import { isSuperuser, ROOT, USER } from './credentials.js';
import * as errno from './errno.js';

it('names every error number that the kernel knows', () => {
  for (const [name, value] of Object.entries(errno)) {
    if (typeof value !== 'number' || name === 'EWOULDBLOCK') continue;
    expect(errno.errnoName(value)).toBe(name);
  }
});

it('says OK for none, and the number for one without a name', () => {
  expect(errno.errnoName(0)).toBe('OK');
  expect(errno.errnoName(199)).toBe('errno 199');
});

it('has one number for a timeout and for a resource that is busy for now', () => {
  expect(errno.EWOULDBLOCK).toBe(errno.EAGAIN);
});

it('knows the superuser by uid 0', () => {
  expect([ROOT, USER, { uid: 0, gid: 5 }, { uid: 5, gid: 0 }].map(isSuperuser)).toEqual([true, false, true, false]);
});
