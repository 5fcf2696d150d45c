/** Each invariant of the kernel's windows, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { expectFindings, type Harm, Patient } from '../../../test/audit.js';
import { asOffset, asVa, PAGE_SIZE, pfnToPa } from '../../machine/address.js';
import { PROT_READ, PROT_WRITE } from '../../machine/protection.js';
import { PG_RDONLY } from '../page/page-array.js';
import { UBC_KVA, UBC_WINSIZE, type UbcWindow } from '../vnode/ubc-window.js';

/** Has the first page of the file read through a window, and answers the window: number 0, with pages 0 and 1 of the file. */
function readThrough(patient: Patient): UbcWindow {
  expect(patient.run(() => patient.uvm.uvmVnodeRead(patient.file, 0, new Uint8Array(1)))).toBe(1);
  const [window] = patient.uvm.ubc.windows;
  if (window === undefined) throw new Error('there is no window');
  return window;
}

function harm(what: string, job: (patient: Patient, window: UbcWindow) => void, ...findings: string[]): Harm {
  return [what, (patient) => job(patient, readThrough(patient)), findings];
}

describe('ubc-window', () => {
  const harms: Harm[] = [
    harm(
      'a window in use when nobody is in the kernel',
      (_, window) => {
        window.references = 1;
      },
      'ubc-window: window 0 has 1 references, and nobody is in the kernel',
      'ubc-window: window 0 has 1 references, and is 1 times on the inactive queue',
    ),
    harm(
      'a window that is on no queue',
      ({ uvm }, window) => uvm.ubc.dequeue(window),
      'ubc-window: window 0 has 0 references, and is 0 times on the inactive queue',
    ),
    harm(
      'a range that can still be written',
      (_, window) => {
        window.writeLength = 1;
      },
      'ubc-window: window 0 can be written through, and nobody does',
    ),
    harm(
      'pages that are still held',
      (patient, window) => {
        window.busyPages = [patient.file.lookup(asOffset(0))];
      },
      'ubc-window: window 0 holds 1 pages busy',
    ),
    harm(
      'an object that does not know its window',
      ({ file }) => file.windows?.clear(),
      'ubc-window: window 0 shows object 1 at 0x0, which does not know',
    ),
    harm(
      'a window that knows nothing of its object',
      ({ machine }, window) => {
        machine.pmapRemove(machine.kernelPmap, UBC_KVA, asVa(UBC_KVA + UBC_WINSIZE));
        machine.pmapUpdate(machine.kernelPmap);
        window.object = null;
      },
      'ubc-window: object 1 takes window 0 to show it at 0x0, and it does not',
    ),
  ];
  it.each(harms)('finds %s', (...each) => expectFindings(each));

  it('finds a window onto an object that is gone', () => {
    const patient = new Patient();
    readThrough(patient);
    patient.uvm.objects.delete(patient.file);
    expect(patient.findings()).toContain('ubc-window: window 0 shows object 1, which is gone');
  });
});

describe('ubc-mapping', () => {
  const writable = (patient: Patient, page = 0): void => {
    const pa = pfnToPa(patient.file.lookup(asOffset(page * PAGE_SIZE)));
    patient.machine.pmapEnter(patient.machine.kernelPmap, asVa(UBC_KVA + page * PAGE_SIZE), pa, PROT_READ | PROT_WRITE, 0);
    patient.machine.pmapUpdate(patient.machine.kernelPmap);
  };
  const harms: Harm[] = [
    harm(
      'mappings in a window that should have none',
      (_, window) => {
        window.mappingCached = false;
      },
      'ubc-mapping: the kernel maps page 3 in window 0, which should have no mappings',
      'ubc-mapping: the kernel maps page 4 in window 0, which should have no mappings',
    ),
    harm(
      'a mapping of another page',
      ({ file, machine }) => {
        const pa = pfnToPa(file.lookup(asOffset(2 * PAGE_SIZE)));
        machine.pmapEnter(machine.kernelPmap, UBC_KVA, pa, PROT_READ, 0);
        machine.pmapUpdate(machine.kernelPmap);
      },
      'ubc-mapping: the kernel maps page 5 in window 0, which shows object 1, and that has page 3 there',
    ),
    harm(
      'a mapping through which a clean file can be stored to',
      (patient) => writable(patient),
      'ubc-mapping: the kernel maps page 3 in window 0, which is writable there, and object 1 would not learn of a store',
    ),
    harm(
      'a hole that can be stored to',
      (patient) => {
        patient.file.dirty = true;
        patient.uvm.pages.setFlags(patient.file.lookup(asOffset(PAGE_SIZE)), PG_RDONLY);
        writable(patient, 1);
      },
      'ubc-mapping: the kernel maps page 4 in window 0, which is writable there, although the page stands for a hole',
    ),
  ];
  it.each(harms)('finds %s', (...each) => expectFindings(each));

  it('finds a page on loan that can be stored to', () => {
    const patient = new Patient();
    readThrough(patient);
    patient.file.dirty = true;
    writable(patient);
    patient.uvm.pages.setLoanCount(patient.file.lookup(asOffset(0)), 1);
    expect(patient.findings()).toContain(
      'ubc-mapping: the kernel maps page 3 in window 0, which is writable there, although the page is on loan',
    );
  });

  it('finds mappings where there is no window', () => {
    const patient = new Patient();
    const { machine, file } = patient;
    machine.pmapEnter(machine.kernelPmap, UBC_KVA, pfnToPa(file.lookup(asOffset(0))), PROT_READ, 0);
    expect(patient.findings()).toEqual(['ubc-mapping: the kernel maps page 3 in window 0, which is none']);
  });
});
