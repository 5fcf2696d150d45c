/** Addresses in reports: as short as they can be and still be told apart. */

/** Digits that are always shown. */
const FEWEST_DIGITS = 6;

/** Shortens addresses that all begin alike. */
export class AddressNames {
  readonly #digits: number;

  /** @param addresses all that will be named */
  constructor(addresses: Iterable<number>) {
    const texts = new Set([...addresses].map((address) => address.toString(16)));
    let digits = FEWEST_DIGITS;
    const tails = (): Set<string> => new Set([...texts].map((text) => text.slice(-digits)));
    const heads = (): Set<string> => new Set([...texts].map((text) => text.slice(0, -digits)));
    // Short names must be unambiguous, and what is left out must be the same for all.
    while (digits < 16 && (tails().size < texts.size || heads().size > 1)) digits++;
    this.#digits = digits;
  }

  /** `7f7ff7ed6000` -> `ed6000` */
  short(address: number): string {
    return address.toString(16).slice(-this.#digits);
  }

  /** `[ed6000 .. eff000)` */
  range(range: { readonly start: number; readonly end: number }): string {
    return `[${this.short(range.start)} .. ${this.short(range.end)})`;
  }
}
