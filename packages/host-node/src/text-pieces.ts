/** The text of large files, piece by piece. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { errorsOf, HostFileError } from './host-error.js';

/** Bytes that are read at once: enough that the host is asked seldom, and little enough to stay in a processor's cache. */
const PIECE_BYTES = 256 * 1024;

/**
 * Reads a text file in pieces of bounded size; never more than one of them is held.
 *
 * => the file is opened when the first piece is asked for, and closed behind the last one, or when the consumer stops.
 * => UTF-8; a character is never cut in two, and a byte that belongs to none becomes U+FFFD.
 *
 * @throws {HostFileError} when the file cannot be read, or is compressed
 */
export function* textPieces(path: string): Generator<string, void, undefined> {
  const file = errorsOf(path, () => openSync(path, 'r'));
  try {
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.alloc(PIECE_BYTES);
    for (let first = true; ; first = false) {
      const length = errorsOf(path, () => readSync(file, buffer));
      if (length === 0) break;
      if (first && isGzip(buffer.subarray(0, length))) {
        throw new HostFileError(path, 'it is compressed; unpack it first, as with gunzip --keep.');
      }
      yield decoder.write(buffer.subarray(0, length));
    }
    const rest = decoder.end();
    if (rest !== '') yield rest;
  } finally {
    closeSync(file);
  }
}

/** Node unpacks in one go or asynchronously, and this is neither; but what is packed can at least be told. */
function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
