/** What `sysctl(2)` tells of UVM. */

/** The fields of `struct uvmexp_sysctl`, 64 bits each; those of which nothing is known here are 0. sys/uvm/uvm_extern.h */
export const UVMEXP_SYSCTL = (
  'pagesize pagemask pageshift npages free active inactive paging wired zeropages reserve_pagedaemon reserve_kernel freemin ' +
  'freetarg inactarg wiredmax nswapdev swpages swpginuse swpgonly nswget unused1 cpuhit cpumiss faults traps intrs swtch softs ' +
  'syscalls pageins swapins swapouts pgswapin pgswapout forks forks_ppwait forks_sharevm pga_zerohit pga_zeromiss zeroaborts ' +
  'fltnoram fltnoanon fltpgwait fltpgrele fltrelck fltrelckok fltanget fltanretry fltamcopy fltnamap fltnomap fltlget fltget ' +
  'flt_anon flt_acow flt_obj flt_prcopy flt_przero pdwoke pdrevs unused4 pdfreed pdscans pdanscan pdobscan pdreact pdbusy ' +
  'pdpageouts pdpending pddeact anonpages filepages execpages colorhit colormiss ncolors bootpages poolpages countsyncone ' +
  'countsyncall anonunknown anonclean anondirty fileunknown fileclean filedirty fltup fltnoup'
).split(' ');
