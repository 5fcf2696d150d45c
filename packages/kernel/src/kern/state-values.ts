/**
 * What is in a variable: numbers and texts as they are, lists and records by what is in them, functions by what they were made of.
 *
 * A thing of the kernel that is told with the rest of the state is referred to by its number; that is not decided here.
 */
import { around, type Tagged } from './frames.js';
import type { Stateful, StateWriter } from './state.js';

/** Tells of something that nobody has told of, by what is in it. */
export function tellContent(thing: object, writer: StateWriter): void {
  const teller = (thing as Tagged)[around];
  if (teller !== undefined) tellParts('around', teller(), writer);
  if (typeof thing === 'function') {
    // One without a teller has nothing around it but its module; or it is a program's, which the program's history tells of.
    if (teller === undefined) writer.field('function', thing.name);
    return;
  }
  if (isStateful(thing)) {
    writer.field('class', thing.constructor.name);
    thing.writeState(writer);
  } else if (Array.isArray(thing)) tellParts('list', thing, writer);
  else if (thing instanceof Map) {
    tellParts('keys', [...thing.keys()], writer);
    tellParts('values', [...thing.values()], writer);
  } else if (thing instanceof Set) tellParts('set', [...thing], writer);
  else if (thing instanceof Uint8Array) writer.bytes('bytes', thing);
  else if (ArrayBuffer.isView(thing)) writer.bytes('bytes', new Uint8Array(thing.buffer, thing.byteOffset, thing.byteLength));
  else tellRecord(thing, writer);
}

function tellParts(name: string, parts: readonly unknown[], writer: StateWriter): void {
  writer.field(name, parts.length);
  for (let i = 0; i < parts.length; i++) writer.value('at', parts[i]);
}

function tellRecord(thing: object, writer: StateWriter): void {
  const { constructor: kind } = thing;
  if (thing instanceof WeakMap || thing instanceof WeakSet) {
    throw new TypeError(`a thread that waits holds a ${kind.name} in a variable, of which nobody can tell what is in it`);
  }
  // That of a generator is no function.
  if (typeof kind === 'object') {
    throw new TypeError('a thread that waits holds a generator in a variable, of which nobody can tell what it will do');
  }
  writer.field('class', kind?.name ?? '');
  if (thing instanceof Error) writer.field('message', thing.message);
  for (const key of Object.keys(thing)) writer.value(key, (thing as Readonly<Record<string, unknown>>)[key]);
}

function isStateful(thing: object): thing is Stateful {
  return typeof (thing as Partial<Stateful>).writeState === 'function';
}
