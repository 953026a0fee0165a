import { describe, expect, it } from 'vitest';
import { KeyRing } from '../kernel/key-ring.js';
import { Secret } from '../kernel/redact.js';
import { openEnvelope, sealEnvelope } from './mail-envelope.js';

const keys = (text: string) => new KeyRing(new Secret(text));
const mail = (to: string, headers = {}) => ({ to, values: { token: 't' }, headers });

describe('What waits in the outbox', () => {
  it('is read with any key of the ring, and by nobody else', () => {
    const sealed = sealEnvelope(keys('old'), mail('a@example.com'));
    expect(sealed).not.toContain('example');
    expect(openEnvelope(keys('new,old'), sealed)).toEqual(mail('a@example.com'));
    expect(openEnvelope(keys('new'), sealed)).toBeUndefined();
  });

  it.each([
    'a@example.com, b@example.com',
    'a@example.com\r\nBcc: b@example.com',
    '"x" <a@example.com>',
    'a@b@c',
    '',
    'a;b@c',
  ])('goes to one plain address, not to %j', (to) => {
    expect(() => sealEnvelope(keys('k'), mail(to))).toThrow(TypeError);
  });

  it.each([
    { 'X-A': 'a\r\nBcc: x' },
    { 'X:A': 'a' },
    { 'X-A\n': 'a' },
    { 'X-A': 'ä' },
    { 'X-A': 'a'.repeat(901) },
  ])('has headers of one line: not %j', (headers) => {
    expect(() => sealEnvelope(keys('k'), mail('a@example.com', headers))).toThrow(TypeError);
  });
});
