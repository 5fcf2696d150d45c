import { describe, expect, it } from 'vitest';
import { asOffset, asPfn, type Pfn } from '../../machine/address.js';
import { Anon } from '../anon/anon.js';
import { NO_PAGE, PageArray, PageList, PG_BUSY, PG_CLEAN, PG_WANTED, PQ_ACTIVE, PQ_ANON, PQ_FREE } from './page-array.js';

const pages = (): PageArray => new PageArray(4, { counterWidth: 32 });
const pfns = (...numbers: number[]): Pfn[] => numbers.map(asPfn);

describe('the state of pages', () => {
  it('begins as nobody’s: no flags, no owner, no neighbours', () => {
    const array = pages();
    const page = asPfn(3);
    expect(array.length).toBe(4);
    expect([array.flags(page), array.pqflags(page), array.wireCount(page), array.loanCount(page), array.offset(page)]).toEqual([
      0, 0, 0, 0, 0,
    ]);
    expect([array.uobject(page), array.uanon(page)]).toEqual([null, null]);
    expect([array.next(page), array.prev(page)]).toEqual([NO_PAGE, NO_PAGE]);
  });

  it('has flags that are set and cleared one by one, or replaced all at once', () => {
    const array = pages();
    const page = asPfn(1);
    array.setFlags(page, PG_BUSY | PG_CLEAN);
    array.setFlags(page, PG_WANTED);
    array.clearFlags(page, PG_BUSY);
    expect(array.flags(page)).toBe(PG_CLEAN | PG_WANTED);
    array.putFlags(page, PG_BUSY);
    expect(array.flags(page)).toBe(PG_BUSY);
    array.setPqflags(page, PQ_ANON | PQ_ACTIVE);
    array.clearPqflags(page, PQ_ACTIVE | PQ_FREE);
    expect(array.pqflags(page)).toBe(PQ_ANON);
    expect(array.flags(asPfn(0)) | array.flags(asPfn(2)) | array.pqflags(asPfn(0)), 'its neighbours are untouched').toBe(0);
  });

  for (const width of [16, 32] as const) {
    it(`counts in ${width} bits, and wraps there`, () => {
      const array = new PageArray(1, { counterWidth: width });
      const page = asPfn(0);
      const most = 2 ** width - 1;
      array.setWireCount(page, most);
      array.setLoanCount(page, most);
      expect([array.wireCount(page), array.loanCount(page)]).toEqual([most, most]);
      array.setWireCount(page, most + 1);
      expect(array.wireCount(page)).toBe(0);
      array.setWireCount(page, -1);
      array.setLoanCount(page, -1);
      expect([array.wireCount(page), array.loanCount(page)]).toEqual([most, most]);
    });
  }

  it('knows offsets of files beyond 4 GiB to the byte', () => {
    const array = pages();
    const anon = new Anon(1);
    array.setOwner(asPfn(2), null, anon, asOffset(2 ** 52 + 4096));
    expect(array.offset(asPfn(2))).toBe(2 ** 52 + 4096);
    expect(array.uanon(asPfn(2))).toBe(anon);
  });
});

describe('a list of pages', () => {
  it('is empty at first, and again when its last page has left', () => {
    const list = new PageList(pages());
    expect(list.head).toBe(NO_PAGE);
    list.insertTail(asPfn(0));
    expect(list.head).toBe(0);
    list.remove(asPfn(0));
    expect(list.head).toBe(NO_PAGE);
    expect(list.toArray()).toEqual([]);
  });

  it('keeps its order when pages come at either end', () => {
    const list = new PageList(pages());
    list.insertTail(asPfn(1));
    list.insertHead(asPfn(0));
    list.insertTail(asPfn(2));
    list.insertHead(asPfn(3));
    expect(list.toArray()).toEqual([3, 0, 1, 2]);
  });

  for (const [where, page, left] of [
    ['head', 0, [1, 2]],
    ['middle', 1, [0, 2]],
    ['tail', 2, [0, 1]],
  ] as const) {
    it(`closes up when a page leaves at its ${where}, which can come back`, () => {
      const array = pages();
      const list = new PageList(array);
      for (const pfn of pfns(0, 1, 2)) list.insertTail(pfn);
      list.remove(asPfn(page));
      expect(list.toArray()).toEqual(left);
      expect([array.next(asPfn(page)), array.prev(asPfn(page))]).toEqual([NO_PAGE, NO_PAGE]);
      list.insertTail(asPfn(page));
      expect(list.toArray()).toEqual([...left, page]);
    });
  }

  it('says so when its links form a ring, instead of going round', () => {
    const array = pages();
    const list = new PageList(array);
    for (const pfn of pfns(0, 1, 2)) list.insertTail(pfn);
    array.setNext(asPfn(2), asPfn(1));
    expect(() => list.toArray()).toThrow('the links of a page list form a ring');
  });
});
