/**
 * The memory of a process as its users list it: pmap(1), and the file `maps` of procfs. usr.bin/pmap/pmap.c,
 * sys/miscfs/procfs/procfs_map.c.
 */
import { PROT_ALL, PROT_EXEC, PROT_READ, PROT_WRITE, protectionText } from '../machine/protection.js';
import type { MappingDescription } from '../vm/system.js';
import { MAXSSIZ } from './param.js';
import type { Process } from './process.js';
import type { Sys } from './sys.js';

/** A mapping, with what people call it. */
export interface ListedMapping extends MappingDescription {
  /** What it is: a file's path, or `[ stack ]`, `[ heap ]`, `[ anon ]`. */
  readonly name: string;
}

/** The memory of a process. */
export interface SpaceListing {
  readonly pid: number;
  readonly process: string;
  /** Which address space it is; processes may share one. */
  readonly space: string;
  readonly mappings: readonly ListedMapping[];
  /** Bytes in mappings that allow any access. */
  readonly total: number;
  readonly residentPages: number;
}

/** The memory of a process as data. @returns null when the process has none left */
export function listSpace(sys: Sys, process: Process): SpaceListing | null {
  const { space } = process;
  if (space === null) return null;
  const paths = sys.vfs.paths();
  const mappings = sys.vm.describeSpace(space).map((mapping) => ({ ...mapping, name: nameOf(process, paths, mapping) }));
  return {
    pid: process.pid,
    process: process.name,
    space: space.label,
    mappings,
    total: mappings.reduce((sum, { protection, start, end }) => sum + ((protection & PROT_ALL) === 0 ? 0 : end - start), 0),
    residentPages: mappings.reduce((sum, { residentPages }) => sum + residentPages, 0),
  };
}

/**
 * What a mapping is called. `findname()`, usr.bin/pmap/pmap.c.
 *
 * The heap is the data segment where no file is mapped. NetBSD's looks for memory that can be executed there, which no heap of today
 * can.
 */
function nameOf({ layout }: Process, paths: ReadonlyMap<number, string>, mapping: MappingDescription): string {
  const { object, start, end } = mapping;
  if (object !== null) return paths.get(object.id) ?? object.label;
  if (layout.stackLimit <= start && layout.stackLimit + MAXSSIZ >= end) return '[ stack ]';
  if (layout.dataStart < end && start < layout.dataStart + layout.dataSize) return '[ heap ]';
  return '[ anon ]';
}

const KIB = 1024;

/** An address or offset, as wide as a pointer. */
function wide(value: number): string {
  return value.toString(16).padStart(16, '0');
}

/** What is no file is set in. */
function listed({ object, name }: ListedMapping): string {
  return object === null ? `  ${name}` : name;
}

/** `pmap`. */
export function pmapText({ mappings, total }: SpaceListing): string {
  const lines = mappings.map((mapping) => {
    const { start, end, protection } = mapping;
    const size = String((end - start) / KIB).padStart(6);
    return `${wide(start).toUpperCase()} ${size}K ${rightsText(protection).padEnd(15)}   ${listed(mapping)}`;
  });
  lines.push(`${' total'.padEnd(14)} ${String(total / KIB).padStart(8)}K`);
  return lines.join('\n');
}

/** `read/write/exec` */
function rightsText(protection: number): string {
  const rights: readonly (readonly [number, string])[] = [
    [PROT_READ, 'read'],
    [PROT_WRITE, 'write'],
    [PROT_EXEC, 'exec'],
  ];
  return rights
    .filter(([bit]) => (protection & bit) !== 0)
    .map(([, name]) => name)
    .join('/');
}

/** `pmap -a`. A file's inode is the number of its memory object. */
export function pmapAllText({ mappings, total }: SpaceListing): string {
  const heads = ['Start'.padEnd(16), 'End'.padEnd(16), 'Size '.padStart(8), 'Offset'.padEnd(16)];
  const lines = [`${heads.join(' ')} rwxpc  RWX  I/W/A Dev  ${'Inode'.padStart(8)} - File`];
  for (const mapping of mappings) {
    const { start, end, offset, object, inheritance, wiredCount, advice } = mapping;
    const size = String((end - start) / KIB).padStart(7);
    const rights = `${protectionText(mapping.protection)}${mapping.copyOnWrite ? 'p' : 's'}${mapping.needsCopy ? '+' : '-'}`;
    const inode = String(object?.id ?? 0).padStart(7);
    const vnode = object === null ? '' : ` [object ${object.id}]`;
    lines.push(
      `${wide(start)}-${wide(end - 1)} ${size}k ${wide(offset)} ${rights} (${protectionText(mapping.maxProtection)}) ` +
        `${inheritance}/${wiredCount}/${advice} 00:00 ${inode} - ${listed(mapping)}${vnode}`,
    );
  }
  lines.push(`${' total'.padEnd(31)} ${String(total / KIB).padStart(9)}k`);
  return lines.join('\n');
}

/** `/proc/PID/maps`, the one that Linux programs read. Blanks at the ends of lines are left out. */
export function procMapsText({ mappings }: SpaceListing): string {
  const lines = mappings.map(({ start, end, protection, copyOnWrite, offset, object, name }) => {
    const rights = `${protectionText(protection)}${copyOnWrite ? 'p' : 's'}`;
    const file = object?.kind === 'vnode' ? { inode: object.id, path: name } : { inode: 0, path: '' };
    const inode = String(file.inode).padEnd(8);
    return `${wide(start)}-${wide(end)} ${rights} ${wide(offset)} 00:00 ${inode} ${' '.repeat(25)} ${file.path}`.trimEnd();
  });
  return lines.join('\n');
}
