import type { MapEntry } from './map-entry.js';
/** An entry in the layout of `show map`. */
export function showEntry(entry: MapEntry): string {
  return `${entry.start.toString(16)}->${entry.end.toString(16)}`;
}
