import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UsageError } from './cli-context.js';
import { askTwice, readPassword } from './password-input.js';

async function* chunks(...parts: (string | Buffer)[]) {
  for (const part of parts) yield await Promise.resolve(part);
}

describe('A password from standard input', () => {
  it.each([
    ['no line break', ['lantern oyster'], 'lantern oyster'],
    ['a line break', ['lantern oyster\n'], 'lantern oyster'],
    ['a line break of Windows', ['lantern oyster\r\n'], 'lantern oyster'],
    ['spaces, which belong to it', [' lantern oyster \n'], ' lantern oyster '],
    ['parts', ['lantern', ' oyster', '\n'], 'lantern oyster'],
    ['a letter that was cut in two', [Buffer.from('é').subarray(0, 1), Buffer.from('é').subarray(1)], 'é'],
  ])('may come with %s', async (_, parts, password) => {
    expect(await readPassword(chunks(...parts))).toBe(password);
  });

  it.each([
    ['nothing', [], /no password/],
    ['an empty line', ['\n'], /no password/],
    ['two lines', ['lantern\noyster\n'], /more than one line/],
    ['a file', ['x'.repeat(10_000), 'x'.repeat(10_000)], /more than a password/],
    ['bytes that are no text', [Buffer.from([0xff, 0xfe])], /no UTF-8/],
  ])('is refused where it is %s', async (_, parts, message) => {
    const reading = readPassword(chunks(...parts));
    await expect(reading).rejects.toBeInstanceOf(UsageError);
    await expect(readPassword(chunks(...parts))).rejects.toThrow(message);
  });
});

describe('A password from a terminal', () => {
  /** Types when it is asked, and keeps what is shown. */
  function terminal(...typed: string[]) {
    const input = new PassThrough();
    const shown: string[] = [];
    const screen = new Writable({
      write(chunk: Buffer, _encoding, done) {
        shown.push(chunk.toString());
        if (chunk.toString().endsWith(': ')) setImmediate(() => input.write(typed.shift() ?? '\u0004'));
        done();
      },
    });
    return { input, screen, shown };
  }

  it('is asked for twice and never shown', async () => {
    const { input, screen, shown } = terminal('lantern oyster\r', 'lantern oyster\r');
    expect(await askTwice(input, screen)).toBe('lantern oyster');
    expect(shown.join('')).toBe('Password: \nOnce more: \n');
  });

  it('may be pasted twice at once', async () => {
    const { input, screen } = terminal('lantern oyster\rlantern oyster\r', '');
    expect(await askTwice(input, screen)).toBe('lantern oyster');
  });

  it.each([
    ['two that differ', ['lantern oyster\r', 'lantern hill\r'], 'the two passwords differ'],
    ['an empty line', ['\r'], 'no password was given'],
    ['Ctrl-C', ['lantern\u0003'], 'no password was given'],
    ['Ctrl-D', ['\u0004'], 'no password was given'],
    ['Ctrl-D at the second', ['lantern oyster\r', '\u0004'], 'no password was given'],
  ])('is refused where it is %s', async (_, typed, message) => {
    const { input, screen, shown } = terminal(...typed);
    await expect(askTwice(input, screen)).rejects.toThrow(message);
    expect(shown.join('')).not.toContain('lantern');
  });
});
