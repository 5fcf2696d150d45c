/** Each invariant of anonymous objects and files of tmpfs, broken just so: the audit names it, and what is wrong. */
import { describe, expect, it } from 'vitest';
import { AobjBench } from '../../../test/aobj.js';
import { asOffset, PAGE_SIZE } from '../../machine/address.js';
import { PROT_WRITE } from '../../machine/protection.js';
import type { UvmAobj } from '../object/aobj.js';
import { TmpfsMount, type TmpfsVnode } from '../object/tmpfs-vnode.js';
import { PQ_AOBJ } from '../page/page-array.js';

/** A bench with an object of four pages, of which the first is in memory and mapped, and a file of tmpfs of two pages, both in memory. */
class Patient extends AobjBench {
  readonly aobj: UvmAobj;
  readonly mount = new TmpfsMount(64 * PAGE_SIZE);
  readonly file: TmpfsVnode;

  constructor() {
    super([8]);
    const { uvm, mount } = this;
    const aobj = this.newAobj(4);
    this.aobj = aobj;
    const put = (): ReturnType<AobjBench['putAobj']> => this.putAobj(0, 1, aobj);
    const write = (): ReturnType<AobjBench['write']> => this.write(0, 1);
    this.file = this.run(function* () {
      yield* put();
      yield* write();
      const file = yield* uvm.tmpfsAllocNode(mount, 'file');
      expect(yield* file.write(uvm, 0, new Uint8Array(2 * PAGE_SIZE).fill(5))).toBe(2 * PAGE_SIZE);
      return file;
    });
    const { file } = this;
    uvm.vnodeReferrers.push({ heldReferences: (held) => (held === file ? 1 : 0) });
    this.expectSound();
  }
}

/** Something that breaks a kernel in one place, and what the audit has to say then. */
type Harm = readonly [what: string, harm: (patient: Patient) => void, findings: readonly string[]];

const HARMS: readonly Harm[] = [
  [
    'an object that is not on the list',
    ({ uvm, aobj }) => void uvm.aobjs.delete(aobj),
    ['aobj-list: object 1 is not on the list of objects'],
  ],
  [
    'an object that is on the list, and gone',
    ({ uvm, aobj }) => {
      const stranger = Object.create(aobj, { id: { value: 9 } }) as UvmAobj;
      uvm.aobjs.add(stranger);
    },
    ['aobj-list: object 9 is on the list of objects, but gone'],
  ],
  [
    'a page that is lost on swap, but in memory',
    (patient) => void patient.aobj.swapSlots.set(0, -1 >>> 0),
    ['aobj-list: page 0 of object 1 is lost, but in memory as page 0'],
  ],
  [
    'a page behind the end of an object',
    ({ aobj, uvm }) => {
      const page = aobj.lookup(asOffset(0));
      aobj.pages.set(0, 0);
      aobj.pages.set(4, page + 1);
      uvm.pages.setOwner(page, aobj, null, asOffset(4 * PAGE_SIZE));
    },
    [
      'aobj-list: object 1 has a page at 0x4000, but ends at 0x4000',
      'mapping-allowed: the mapping of 0x10000 in map 1 leads to page 0; the entry has page -1 there',
    ],
  ],
  [
    'a reference that nobody has',
    ({ aobj }) => void aobj.references++,
    ['object-references: object 1 (object) counts 3 references; 1 entries map it and 1 others hold it'],
  ],
  [
    'a reference to the memory of a file that the file has not',
    ({ file }) => void file.aobj.references++,
    ['object-references: object 2 (file) counts 2 references; 0 entries map it and 1 others hold it'],
  ],
  [
    'a page that does not say whose it is',
    (patient) => patient.uvm.pages.clearPqflags(patient.pageIn(patient.aobj, 0), PQ_AOBJ),
    ['page-owner: page 0 disagrees with its flag AOBJ'],
  ],
  [
    'a page that its object has wired, and that counts it not',
    (patient) => {
      const { aobj, uvm } = patient;
      uvm.objectWirings = [{ object: aobj, start: asOffset(0), end: asOffset(PAGE_SIZE) }];
    },
    ['wire-count: page 0 has wire_count 0; 0 wired entries map it, and its object has it wired 1 times'],
  ],
  [
    'a file that counts another size than it has',
    ({ file }) => {
      file.bytesUsed += PAGE_SIZE;
    },
    [
      'tmpfs-file: object 3 (file) counts 12288 bytes; its size is 8192',
      'tmpfs-file: a file system of memory counts 8192 bytes; its files have 12288',
    ],
  ],
  [
    'a file system that counts what no file has',
    ({ mount }) => {
      mount.bytesUsed += PAGE_SIZE;
    },
    ['tmpfs-file: a file system of memory counts 12288 bytes; its files have 8192'],
  ],
  [
    'a file whose memory is gone',
    ({ uvm, file }) => {
      uvm.aobjs.delete(file.aobj);
      uvm.objects.delete(file.aobj);
    },
    ['tmpfs-file: object 3 (file) has its pages in object 2, which is gone'],
  ],
  [
    'a file that is locked by itself',
    ({ file, aobj }) => void Object.assign(file, { lock: aobj.lock }),
    ['tmpfs-file: object 3 (file) and object 2, which has its pages, have different locks'],
  ],
  [
    'a page of a file behind its end',
    ({ file }) => {
      file.size = file.writeSize = PAGE_SIZE;
      file.bytesUsed = file.mount.bytesUsed = PAGE_SIZE;
    },
    ['file-end: there is a page at 0x1000, behind the end of object 3 (file), which is at 0x1000'],
  ],
];

describe('of anonymous objects and files of tmpfs, the audit finds', () => {
  it.each(HARMS)('%s', (_, harm, findings) => {
    const patient = new Patient();
    harm(patient);
    const first = patient.uvm.pages.first;
    const told = patient.audit().map(({ invariant, finding }) => `${invariant}: ${finding.replaceAll(String(first), '0')}`);
    expect(told).toEqual(findings);
  });

  it('a slot of a file behind its end', () => {
    const patient = new Patient();
    patient.pageOutOf(patient.file.aobj, 1);
    patient.expectSound();
    const { file } = patient;
    file.size = file.writeSize = PAGE_SIZE;
    file.bytesUsed = file.mount.bytesUsed = PAGE_SIZE;
    const told = patient.audit().map(({ invariant, finding }) => `${invariant}: ${finding}`);
    expect(told).toEqual([
      'file-end: there is a slot for the page at 0x1000, behind the end of object 3 (file), which is at 0x1000',
    ]);
  });

  it('nothing in a page that is brought in, wired, or on swap', () => {
    const patient = new Patient();
    patient.unbusy(patient.aobj, patient.ask(patient.aobj, 1, 2, { access: PROT_WRITE }));
    patient.pageOutOf(patient.aobj, 1);
    patient.run(() => patient.uvm.uvmObjWirepages(patient.aobj, asOffset(0), asOffset(patient.aobj.size)));
    patient.expectSound();
  });
});
