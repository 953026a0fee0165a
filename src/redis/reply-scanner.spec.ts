import { describe, expect, it } from 'vitest';
import { ProtocolViolation, ReplyScanner } from './reply-scanner.js';

const whole: [string, string, number][] = [
  ['a status', '+OK\r\n', 1],
  ['an error', '-ERR wrong\r\n', 1],
  ['a number', ':42\r\n', 1],
  ['a negative number', ':-7\r\n', 1],
  ['a text', '$5\r\nhello\r\n', 1],
  ['an empty text', '$0\r\n\r\n', 1],
  ['a text with line breaks and signs', '$9\r\n\r\n*1\r\n$-1\r\n', 1],
  ['a null text', '$-1\r\n', 1],
  ['a null array', '*-1\r\n', 1],
  ['an empty array', '*0\r\n', 1],
  ['an array', '*2\r\n$1\r\na\r\n:1\r\n', 1],
  ['arrays in arrays', '*2\r\n*1\r\n+a\r\n*2\r\n*0\r\n$-1\r\n', 1],
  ['three answers', '+OK\r\n$1\r\nx\r\n*1\r\n:1\r\n', 3],
];

const foreign: [string, string][] = [
  ['a push', '>1\r\n$-1\r\n'],
  ['a null of RESP 3', '_\r\n'],
  ['a map', '%1\r\n+a\r\n+b\r\n'],
  ['a web server', 'HTTP/1.1 400 Bad Request\r\n'],
  ['an array of thirty million', '*33554400\r\n'],
  ['a text of a gigabyte', '$1073741824\r\n'],
  ['a length that is none', '$x\r\n'],
  ['arrays without end', '*1\r\n'.repeat(40)],
];

describe('The reply scanner', () => {
  it.each(whole)('counts %s', (_, text, frames) => {
    const scanner = new ReplyScanner();
    expect(scanner.scan(Buffer.from(text))).toBe(frames);
    expect(scanner.inside).toBe(false);
  });

  it.each(whole)('counts %s the same, byte by byte', (_, text, frames) => {
    const scanner = new ReplyScanner();
    let counted = 0;
    for (const byte of Buffer.from(text)) counted += scanner.scan(Buffer.from([byte]));
    expect(counted).toBe(frames);
    expect(scanner.inside).toBe(false);
  });

  it('knows that an answer has begun', () => {
    const scanner = new ReplyScanner();
    expect(scanner.scan(Buffer.from('*2\r\n+a\r\n'))).toBe(0);
    expect(scanner.inside).toBe(true);
    expect(scanner.scan(Buffer.from('+b\r\n'))).toBe(1);
    expect(scanner.inside).toBe(false);
  });

  it.each(foreign)('refuses %s', (_, text) => {
    expect(() => new ReplyScanner().scan(Buffer.from(text))).toThrow(ProtocolViolation);
  });

  it('holds a connection that has less to say to less', () => {
    const limits = { bulk: 4, elements: 2 };
    expect(new ReplyScanner(limits).scan(Buffer.from('*2\r\n$4\r\nabcd\r\n:1\r\n'))).toBe(1);
    expect(() => new ReplyScanner(limits).scan(Buffer.from('$5\r\n'))).toThrow(ProtocolViolation);
    expect(() => new ReplyScanner(limits).scan(Buffer.from('*3\r\n'))).toThrow(ProtocolViolation);
  });
});
