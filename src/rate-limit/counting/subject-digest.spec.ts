import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../kernel/redact.js';
import { SubjectDigest } from './subject-digest.js';

const KEY = 'k'.repeat(32);
const digest = new SubjectDigest(new Secret(KEY));

describe('The digest of a subject', () => {
  it.each(['', 'a', '192.0.2.1', 'ä€😀\u0000\n', 'x'.repeat(1_000_000)])(
    'is 16 characters that any key may hold, whatever the text (%#)',
    (text) => expect(digest.of('user', text)).toMatch(/^[\w-]{16}$/),
  );

  it('is the same on every instance that has the secret, and on no other', () => {
    expect(new SubjectDigest(new Secret(KEY)).of('ip', '192.0.2.1')).toBe(digest.of('ip', '192.0.2.1'));
    expect(new SubjectDigest(new Secret('j'.repeat(32))).of('ip', '192.0.2.1')).not.toBe(
      digest.of('ip', '192.0.2.1'),
    );
  });

  it('is 96 bits of HMAC-SHA-256, so that what Redis holds stays readable after an update', () => {
    const whole = createHmac('sha256', KEY).update('ip\u0000192.0.2.1').digest('base64url');
    expect(digest.of('ip', '192.0.2.1')).toBe(whole.slice(0, 16));
  });

  it('tells the same text apart by what it stands for', () => {
    const all = ['ip', 'user', 'tenant'].map((dimension) => digest.of(dimension, 'x'));
    expect(new Set(all).size).toBe(3);
    // And what looks alike once it is put together.
    expect(digest.of('user', 'x')).not.toBe(digest.of('use', 'rx'));
  });
});
