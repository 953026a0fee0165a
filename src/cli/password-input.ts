import { createInterface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { UsageError } from './cli-context.js';

/** More than any password; the rest of a file that was given by mistake is not read. */
const MOST_BYTES = 16 * 1024;

/** Where a new password comes from. */
export interface PasswordInput {
  /** @throws UsageError where none was given */
  newPassword(): Promise<string>;
}

/** The standard streams of this process: asked at a terminal, read from a pipe. */
export const processPasswordInput: PasswordInput = {
  newPassword: () =>
    process.stdin.isTTY ? askTwice(process.stdin, process.stderr) : readPassword(process.stdin),
};

/**
 * Everything there is, without the line break at its end.
 *
 * @throws UsageError where that is nothing, too much, or no UTF-8
 */
export async function readPassword(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const part = Buffer.from(chunk);
    chunks.push(part);
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new UsageError('standard input holds more than a password');
  }
  const password = decode(Buffer.concat(chunks)).replace(/\r?\n$/, '');
  if (password === '') throw new UsageError('standard input holds no password');
  if (/[\r\n]/.test(password)) throw new UsageError('standard input holds more than one line');
  return password;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError('standard input is no UTF-8 text');
  }
}

/**
 * Shows nothing of what is typed. One reader for both questions, opened before the first: while there is none, the
 * terminal itself shows what is typed.
 *
 * @throws UsageError where nothing is typed, or two different texts, or the input ends
 */
export async function askTwice(input: Readable, screen: Writable): Promise<string> {
  // The library echoes into this one, which keeps nothing.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input, output: nowhere, terminal: true });
  const lines = reader[Symbol.asyncIterator]();
  const ask = async (prompt: string): Promise<string> => {
    screen.write(prompt);
    const line = await lines.next();
    screen.write('\n');
    // The reader ends by Ctrl-C and Ctrl-D as well.
    if (line.done || line.value === '') throw new UsageError('no password was given');
    return line.value;
  };
  try {
    const password = await ask('Password: ');
    if (password !== (await ask('Once more: '))) throw new UsageError('the two passwords differ');
    return password;
  } finally {
    reader.close();
  }
}
