/** Reading plain data that may be anything: each field says what is wrong with it, and where it stands. */
import { FindingError } from './finding-file.js';

/** A value in a file, and the way to it. */
export class Field {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path = '') {
    this.#value = value;
    this.#path = path;
  }

  /** A field of this one, which must be there. */
  at(name: string): Field {
    const field = this.#own(name);
    if (field === undefined) throw new FindingError(`the field "${this.#under(name)}" is missing`);
    return new Field(field, this.#under(name));
  }

  /** A field of this one, null when it is not there. */
  maybe(name: string): Field | null {
    const field = this.#own(name);
    return field === undefined ? null : new Field(field, this.#under(name));
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.#mustBe('a text');
    return this.#value;
  }

  /** A whole number, from 0 up. */
  count(): number {
    const value = this.#value;
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw this.#mustBe('a whole number from 0 up');
    return value;
  }

  flag(): boolean {
    if (typeof this.#value !== 'boolean') throw this.#mustBe('true or false');
    return this.#value;
  }

  /** One of some texts. */
  oneOf<T extends string>(...texts: readonly T[]): T {
    const found = texts.find((text) => text === this.#value);
    if (found === undefined) throw this.#mustBe(texts.map((text) => `"${text}"`).join(' or '));
    return found;
  }

  /** Whether it is this text. */
  is(text: string): boolean {
    return this.#value === text;
  }

  /** The fields of this one, whatever they are called. */
  entries(): [name: string, field: Field][] {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value)) throw this.#mustBe('an object');
    return Object.keys(this.#value).map((name) => [name, this.at(name)]);
  }

  /** The elements of a list. */
  list(): Field[] {
    if (!Array.isArray(this.#value)) throw this.#mustBe('a list');
    return this.#value.map((element, index) => new Field(element, `${this.#path}[${index}]`));
  }

  /** Complains about this field. */
  fail(why: string): FindingError {
    return new FindingError(`the field "${this.#path}" ${why}`);
  }

  #own(name: string): unknown {
    if (typeof this.#value !== 'object' || this.#value === null || Array.isArray(this.#value)) throw this.#mustBe('an object');
    return Object.hasOwn(this.#value, name) ? (this.#value as Readonly<Record<string, unknown>>)[name] : undefined;
  }

  #under(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #mustBe(what: string): FindingError {
    const shown = JSON.stringify(this.#value) ?? String(this.#value);
    const is = shown.length > 40 ? `${shown.slice(0, 40)}…` : shown;
    if (this.#path === '') return new FindingError(`this is no finding: it must be ${what}, not ${is}`);
    return new FindingError(`the field "${this.#path}" must be ${what}, not ${is}`);
  }
}
