/**
 * `sysctl(2)`, as far as it shows memory: `vm`, `hw`, and what `kern` has of it. By name, as sysctlbyname(3) has it. sys/kern/kern_sysctl.c,
 * sys/uvm/uvm_meter.c.
 *
 * In 2003 the buffer for the answer was wired meanwhile (`SysOptions.sysctlWires`), so that the answer could be copied under locks; today
 * it is not.
 */
import { isSuperuser } from '../../kern/credentials.js';
import { EFAULT, EINVAL, ENOENT, ENOMEM, EPERM, type Errno, ESRCH } from '../../kern/errno.js';
import type { Lwp } from '../../kern/lwp.js';
import type { Step } from '../../kern/switch.js';
import { PAGE_MASK, PAGE_SHIFT, PAGE_SIZE } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import type { Sys } from '../sys.js';
import { quads, words } from './sysctl-bytes.js';
import { UVMEXP_SYSCTL } from './uvmexp-sysctl.js';
import { VMENTRY_BYTES, vmentryBytes } from './vmentry-sysctl.js';

/** How the names begin of what is asked about a process. */
const PROC_MAP = 'vm.proc.map.';

/** The largest number that an `int` holds. */
const INT_MAX = 0x7fffffff;

/** Bytes of a `struct vmtotal`, and where in it pages begin to be counted. */
const VMTOTAL_BYTES = 48;
const VMTOTAL_PAGES = 12;

/**
 * Reads a value of the kernel, and changes it. `sys___sysctl()`.
 *
 * @param old where the value goes, 0 for nowhere; `oldLength` bytes are there
 * @param fresh where the new value is, 0 for none
 * @returns the bytes that the value has; or minus ENOENT, EPERM (only the superuser may change, and not everything), EINVAL (a value that
 *   it cannot have), ESRCH (no such process), EFAULT, ENOMEM (there is less room: then there is the beginning of the value)
 */
export function* sysSysctl(
  this: Sys,
  name: string,
  old: number,
  oldLength: number,
  fresh: number,
  freshLength: number,
): Step<number> {
  if (oldLength < 0 || freshLength < 0) return -EINVAL;
  const request = { old, oldLength, fresh, freshLength };
  if (!this.sysctlWires || old === 0 || oldLength === 0) return yield* this.sysctlNode(name, request);
  const space = this.spaceOf(this.processOf(this.curlwp));
  const wiring = yield* this.vm.vslock(space, old, oldLength, PROT_WRITE);
  if (typeof wiring === 'number') return -wiring;
  const answer = yield* this.sysctlNode(name, request);
  yield* this.vm.vsunlock(space, old, oldLength, wiring);
  return answer;
}

/** What `sys___sysctl()` does while the buffer may be wired. `sysctl_dispatch()`, `sysctl_lookup()`. */
export function* sysctlNode(
  this: Sys,
  name: string,
  { old, oldLength, fresh, freshLength }: { old: number; oldLength: number; fresh: number; freshLength: number },
): Step<number> {
  const ofProcess = name.startsWith(PROC_MAP);
  const value = ofProcess ? yield* this.sysctlProcMap(name.slice(PROC_MAP.length)) : (this.sysctlValue(name) ?? ENOENT);
  if (typeof value === 'number') return -value;
  if (fresh !== 0 && !isSuperuser(this.processOf(this.curlwp).credentials)) return -EPERM;
  const short = old !== 0 && oldLength < value.length;
  // Of a table only whole rows.
  const room = ofProcess ? oldLength - (oldLength % VMENTRY_BYTES) : oldLength;
  if (old !== 0 && (yield* this.copyout(old, short ? value.subarray(0, room) : value)) !== 0) return -EFAULT;
  if (short) return -ENOMEM;
  if (fresh === 0) return value.length;
  const bytes = new Uint8Array(4);
  if (freshLength !== bytes.length) return -EINVAL;
  if ((yield* this.copyin(fresh, bytes)) !== 0) return -EFAULT;
  const errno = this.sysctlChange(name, new DataView(bytes.buffer).getInt32(0, true));
  return errno === 0 ? value.length : -errno;
}

/**
 * The mappings of a process, as an array of `struct kinfo_vmentry`. `fill_vmentries()`, sys/uvm/uvm_map.c.
 *
 * The kernel's name of it goes on with the process's number, -1 for the caller's own, and the size of an entry; ours with the former.
 *
 * @returns the bytes; or ESRCH when there is no such process, or it has ended; EPERM when it is another user's; EINVAL when that is no
 *   number
 */
export function* sysctlProcMap(this: Sys, pid: string): Step<Uint8Array | Errno> {
  if (!/^(-1|\d+)$/.test(pid)) return EINVAL;
  const caller = this.processOf(this.curlwp);
  const process = pid === '-1' ? caller : this.processes.get(Number(pid));
  const space = process?.space ?? null;
  if (process === undefined || space === null) return ESRCH;
  const { credentials } = caller;
  if (!isSuperuser(credentials) && credentials.uid !== process.credentials.uid) return EPERM;
  const paths = this.vfs.paths();
  // The process may end while this thread waits for the lock.
  yield* this.vm.shareSpace(space);
  const mappings = yield* this.vm.mappings(space);
  yield* this.vm.releaseSpace(space);
  const bytes = new Uint8Array(VMENTRY_BYTES * mappings.length);
  for (const [i, mapping] of mappings.entries()) {
    bytes.set(vmentryBytes(mapping, paths.get(mapping.object?.id ?? -1) ?? ''), VMENTRY_BYTES * i);
  }
  return bytes;
}

/** A value as bytes, null when there is none of that name. */
export function sysctlValue(this: Sys, name: string): Uint8Array | null {
  const counted: Readonly<Record<string, number>> = this.vm.statistics();
  const [top = '', ...rest] = name.split('.');
  const last = rest.join('.');
  const physmem = this.machine.ram.bytes.length;
  const { wired = 0 } = counted;
  const usermem = physmem - wired * PAGE_SIZE;
  switch (top) {
    case 'vm': {
      if (last === 'uvmexp2') return uvmexp2(counted);
      if (last === 'vmmeter') return vmtotal(counted, this.kern.scheduler.lwps);
      if (last === 'minaddress') return quads([this.userSpace.min]);
      if (last === 'maxaddress') return quads([this.userSpace.max]);
      const parameter = own(this.vm.parameters, last);
      return parameter === undefined ? null : int(parameter);
    }
    case 'hw':
      if (last === 'pagesize') return int(PAGE_SIZE);
      if (last === 'ncpu') return int(this.kern.cpus);
      if (last === 'physmem') return int(Math.min(physmem, INT_MAX));
      if (last === 'usermem') return int(Math.min(usermem, INT_MAX));
      if (last === 'physmem64') return quads([physmem]);
      return last === 'usermem64' ? quads([usermem]) : null;
    case 'kern': {
      if (last === 'maxphys') return int(this.maxphys);
      if (!last.startsWith('ipc.')) return null;
      const limit = own({ ...this.shm.limits }, last === 'ipc.shmmaxpgs' ? 'shmall' : last.slice('ipc.'.length));
      if (limit === undefined) return null;
      return last === 'ipc.shmmax' ? quads([limit]) : int(limit);
    }
    default:
      return null;
  }
}

/** Changes a value. @returns 0; EPERM when it is not to be changed; EINVAL when it cannot be that */
export function sysctlChange(this: Sys, name: string, value: number): Errno {
  const parameter = name.startsWith('vm.') ? name.slice(3) : '';
  return Object.hasOwn(this.vm.parameters, parameter) ? this.vm.setParameter(parameter, value) : EPERM;
}

function own(values: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function uvmexp2(counted: Readonly<Record<string, number>>): Uint8Array {
  const all: Readonly<Record<string, number>> = { ...counted, pagesize: PAGE_SIZE, pagemask: PAGE_MASK, pageshift: PAGE_SHIFT };
  return quads(UVMEXP_SYSCTL.map((field) => all[field] ?? 0));
}

/**
 * `struct vmtotal`, sys/sys/vmmeter.h: threads that can run, that wait for a disk, for a page, that sleep; then pages. `uvm_total()`,
 * sys/uvm/uvm_meter.c. What is shared is not counted, there as here.
 */
function vmtotal(counted: Readonly<Record<string, number>>, lwps: readonly Lwp[]): Uint8Array {
  const { npages = 0, free = 0, active = 0, swpginuse = 0 } = counted;
  const sleeping = lwps.filter(({ channel }) => channel !== null);
  const patient = sleeping.filter(({ interruptible }) => interruptible).length;
  const running = lwps.filter((lwp) => !lwp.idle).length - sleeping.length;
  const bytes = new Uint8Array(VMTOTAL_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [running, sleeping.length - patient, 0, patient].entries()) view.setInt16(2 * i, value, true);
  const used = npages - free;
  const pages = [used + swpginuse, active + swpginuse, used, active, 0, 0, 0, 0, free];
  bytes.set(words(pages), VMTOTAL_PAGES);
  return bytes;
}

function int(value: number): Uint8Array {
  return words([value]);
}
