/** The watched form of a module. */
export function toWatched(
  source: string,
  file: string,
  options?: { readonly name?: string; readonly runtime?: string },
): { readonly code: string; readonly map: { toString(): string } };
