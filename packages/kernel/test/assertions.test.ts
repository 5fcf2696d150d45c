/**
 * The assertions that the kernel must have: each fires when what it asks for is not so, with the kernel's words, and in the function
 * where it belongs.
 */
import { describe, expect, it } from 'vitest';
import { AMAP_ROWS } from './assertions/amaps.js';
import { FAULT_ROWS } from './assertions/faults.js';
import { IDENTITY_ROWS } from './assertions/identity.js';
import { LOAN_ROWS } from './assertions/loans.js';
import { MAP_ROWS } from './assertions/maps.js';
import { PAGE_ROWS } from './assertions/pages.js';
import type { Row } from './assertions/row.js';
import { SPACE_ROWS } from './assertions/spaces.js';
import { SWAP_ROWS } from './assertions/swap.js';

const ROWS: readonly Row[] = [PAGE_ROWS, IDENTITY_ROWS, LOAN_ROWS, SWAP_ROWS, MAP_ROWS, SPACE_ROWS, AMAP_ROWS, FAULT_ROWS].flat();

/** All that there must be: where, what it asks for, and which defects it catches. */
const TABLE = `
  uvm_pageunwire         | wire_count != 0; page not queued                             | unbalanced unwire (2019, vslock races)
  uvm_pagewire           | count non-zero after ++                                      | counter wrap
  loan ++ sites          | loan_count non-zero after ++                                 | wrap
  uvm_pagefree           | no PAGEOUT; not FREE; owner write-locked                     | double free, unlocked free
  uvm_pagefree (loaned)  | wire_count == 0                                              | loan+wire mix (P3)
  uvm_pagelookup         | RELEASED/PAGEOUT only with BUSY                              | leaked state
  uvm_page_unbusy        | BUSY; not PAGEOUT; not FAKE unless RELEASED; anon RELEASED has ref | wrong release path
  uvm_page_own           | single owner tag; owner locked                               | double busy
  uvm_pagealloc          | flags == BUSY|CLEAN|FAKE; obj xor anon; owner write-locked   | free-list corruption
  uvm_pagereplace        | old TABLED, new not, same locks                              | loan break races
  uvm_pagegetdirty       | not both CLEAN and DIRTY; tag matches                        | dirtiness drift
  pagedaemon victim      | queued, owner locked, wire_count 0                           | wired page on queue
  scan: freed clean anon | an_swslot != 0                                               | data loss
  uvm_pageout_done       | paging >= n                                                  | accounting
  swap get/markbad/free  | swpgonly/npginuse >= n; device found                         | slot double free
  aiodone                | swpgonly+n <= swpginuse; slot matches page                   | I/O completion mixups
  map unlink             | entry is not hint nor first_free                             | stale hints
  mapent_check           | start<end; OBJ has object; others offset 0                   | bad entries
  tree sanity            | gap/maxgap/list/tree agree, gap < map size                   | findspace corruption
  map_enter              | hint == prev; UNMAP needs FIXED, excludes NOWAIT             | merge logic
  findspace              | result monotonic vs hint; fits gap                           | kern/51254
  unmap_detach           | entry not wired, not submap                                  | missed unwire
  map_pageable           | timestamp == saved+1 on backout                              | busy protocol broken
  fault_unwire_locked    | start in map; no gap between entries                         | unwire over hole
  amap_lookup/add        | slot < nslot; anon lock == amap lock; an_ref != 0            | amap corruption
  amap_add               | slot empty unless replace                                    | lost race in promote
  amap_free              | ref 0, nused 0, not SWAPOFF, unlocked                        | early free
  pp_adjref              | 0 <= ref <= am_ref                                           | partial-ref bugs
  amap_cow_now           | page resident and wire_count > 0                             | wired_count lies (2019)
  upper_promote          | old an_ref > 1 before --                                     | COW refcount
  anon release           | RELEASED+BUSY, ref 0, loan 0, own page                       | PR 23171 class
  analloc                | fresh anon all zero                                          | reuse
  unloanpage             | loan_count > 0; freed page not BUSY                          | double unloan
  loanbreak              | object write-locked                                          | orphan break
  lower                  | page BUSY [16]; pg.uobject == uobj; promote needs amap       | fault flow
  lower_enter            | write access excludes RDONLY                                 | hole writes
  vmspace addref/free    | refcnt>0, not DYING; size and nentries 0                     | teardown
  vm_map_unlock          | busy null or me                                              | protocol
`;

/** The rows of the table, each as `where: condition`. Only a bar with blanks around it stands between columns. */
const NAMES = TABLE.trim()
  .split('\n')
  .map((line) =>
    line
      .split(' | ')
      .slice(0, 2)
      .map((cell) => cell.trim())
      .join(': '),
  );

describe('of the assertions', () => {
  it('each is tested', () => {
    expect(ROWS.map(({ where, condition }) => `${where}: ${condition}`).sort()).toEqual([...NAMES].sort());
    expect(ROWS.every(({ firings }) => firings.length > 0)).toBe(true);
  });

  it.each(ROWS.map((row): [string, Row] => [`${row.where}: ${row.condition}`, row]))('%s', (_, { firings }) => {
    const expected = firings.map(([what, words, inside]) => ({ what, words, inside }));
    expect(firings.map(([what, , , bring]) => ({ what, ...bring() }))).toEqual(expected);
  });
});
