import { type Stats, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';

/** A password, a token or a URL, bytes. */
export const MOST_SECRET_BYTES = 64 * 1024;
/** Certificates: a bundle of all public authorities has some 220 KiB. */
export const MOST_CERTIFICATE_BYTES = 1024 * 1024;

/** Without it the open of a pipe waits for a writer. On a regular file it changes nothing. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file that is not read for what it is. The message completes "names a file that …". */
export class UnfitFile extends Error {
  readonly code = 'UNFIT';
}

/**
 * Reads a small regular file. A pipe, a socket or a device, from which nothing or no end might ever come, is not read.
 *
 * @throws UnfitFile, or the error of the system
 */
export function readBounded(path: string, mostBytes: number): Buffer {
  // Before the open as well, which does something to some devices.
  refuseUnfit(statSync(path), mostBytes);
  const file = openSync(path, FLAGS);
  try {
    refuseUnfit(fstatSync(file), mostBytes);
    const buffer = Buffer.alloc(mostBytes + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null);
    return within(buffer, length);
  } finally {
    closeSync(file);
  }
}

/** As `readBounded`, without holding up the process. */
export async function readBoundedLater(path: string, mostBytes: number): Promise<Buffer> {
  refuseUnfit(await stat(path), mostBytes);
  const file = await open(path, FLAGS);
  try {
    refuseUnfit(await file.stat(), mostBytes);
    const buffer = Buffer.alloc(mostBytes + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < buffer.length; length += read)
      read = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
    return within(buffer, length);
  } finally {
    await file.close();
  }
}

function refuseUnfit(stats: Stats, mostBytes: number): void {
  // What the system says to the read of a folder says it best.
  if (stats.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
  if (!stats.isFile()) throw new UnfitFile('is no regular file');
  if (stats.size > mostBytes) throw tooLarge(mostBytes);
}

/** The size that a file tells need not be what can be read. */
function within(buffer: Buffer, length: number): Buffer {
  if (length === buffer.length) throw tooLarge(buffer.length - 1);
  return buffer.subarray(0, length);
}

function tooLarge(mostBytes: number): UnfitFile {
  return new UnfitFile(`is larger than ${mostBytes / 1024} KiB`);
}
