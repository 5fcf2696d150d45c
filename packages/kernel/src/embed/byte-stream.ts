/** Values as bytes, one after the other. */
import { SnapshotError } from './snapshot-graph.js';

const UNDEFINED = 0;
const NULL = 1;
const FALSE = 2;
const TRUE = 3;
const WHOLE = 4;
const NEGATIVE = 5;
const NUMBER = 6;
const TEXT = 7;
const BIGINT = 8;
const REFERENCE = 9;

/** Takes bytes down. */
export class Writer {
  private buffer = new Uint8Array(65_536);
  private length = 0;
  private readonly texts = new Map<string, number>();
  private readonly float = new DataView(new ArrayBuffer(8));

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  word(value: number): void {
    for (let i = 0; i < 4; i++) this.byte((value >>> (8 * i)) & 0xff);
  }

  /** A whole number from 0 up. */
  count(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) + 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  block(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A text: its number, and the first time its UTF-16 code units. */
  text(value: string): void {
    const known = this.texts.get(value);
    this.count(known ?? this.texts.size);
    if (known !== undefined) return;
    this.texts.set(value, this.texts.size);
    this.count(value.length);
    for (let i = 0; i < value.length; i++) this.count(value.charCodeAt(i));
  }

  reference(id: number): void {
    this.byte(REFERENCE);
    this.count(id);
  }

  value(value: unknown): void {
    if (typeof value === 'number') this.number(value);
    else if (typeof value === 'string') {
      this.byte(TEXT);
      this.text(value);
    } else if (typeof value === 'bigint') {
      this.byte(BIGINT);
      this.text(String(value));
    } else if (typeof value === 'boolean') this.byte(value ? TRUE : FALSE);
    else if (value === null) this.byte(NULL);
    else if (value === undefined) this.byte(UNDEFINED);
    else throw new TypeError(`a ${typeof value} cannot be written`);
  }

  /** All that was written. */
  bytes(): Uint8Array {
    return this.buffer.slice(0, this.length);
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.byte(value < 0 ? NEGATIVE : WHOLE);
      this.count(Math.abs(value));
      return;
    }
    this.byte(NUMBER);
    this.float.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.byte(this.float.getUint8(i));
  }

  private reserve(length: number): void {
    if (this.length + length <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.length + length));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }
}

/** Reads what a `Writer` has written. */
export class Reader {
  private readonly buffer: Uint8Array;
  private at: number;
  private readonly texts: string[] = [];
  private readonly float = new DataView(new ArrayBuffer(8));

  constructor(buffer: Uint8Array, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  byte(): number {
    const value = this.buffer[this.at++];
    if (value === undefined) throw new SnapshotError('the snapshot ends before it is complete');
    return value;
  }

  count(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  }

  block(length: number): Uint8Array {
    const from = this.at;
    this.at += length;
    if (this.at > this.buffer.length) throw new SnapshotError('the snapshot ends before it is complete');
    return this.buffer.slice(from, this.at);
  }

  text(): string {
    const number = this.count();
    const known = this.texts[number];
    if (known !== undefined) return known;
    let text = '';
    for (let left = this.count(); left > 0; left--) text += String.fromCharCode(this.count());
    this.texts.push(text);
    return text;
  }

  /** A value, or the number of a node; then `ref` is not -1. */
  valueOrReference(): { readonly ref: number; readonly value: unknown } {
    const tag = this.byte();
    if (tag === REFERENCE) return { ref: this.count(), value: undefined };
    return { ref: -1, value: this.value(tag) };
  }

  private value(tag: number): unknown {
    switch (tag) {
      case UNDEFINED:
        return undefined;
      case NULL:
        return null;
      case FALSE:
      case TRUE:
        return tag === TRUE;
      case WHOLE:
        return this.count();
      case NEGATIVE:
        return -this.count();
      case NUMBER:
        for (let i = 0; i < 8; i++) this.float.setUint8(i, this.byte());
        return this.float.getFloat64(0, true);
      case TEXT:
        return this.text();
      case BIGINT:
        return BigInt(this.text());
      default:
        throw new SnapshotError(`the snapshot has a value of kind ${tag}, which this Faultline does not know`);
    }
  }
}
