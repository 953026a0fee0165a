import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/redact.js';
import { SubjectKeys } from './subject-keys.js';

const keys = new SubjectKeys('rl:g', new Secret('a secret of this test, 32 bytes long'));

describe('keys of limits', () => {
  it('name the policy and hold 96 bits of digest, never the subject', () => {
    expect(keys.of('signup', 'ip', '192.0.2.7')).toMatch(/^rl:g:signup:[\w-]{16}$/);
    expect(keys.of('login', 'user', 'ada@example.org')).not.toContain('ada');
  });

  it('are the same in every run with the same secret, and others with another', () => {
    expect(keys.of('default', 'ip', '192.0.2.7')).toBe('rl:g:default:kLmGMlRPnre3eiWq');
    const other = new SubjectKeys('rl:g', new Secret('another secret, just as long as it'));
    expect(other.of('default', 'ip', '192.0.2.7')).not.toBe(keys.of('default', 'ip', '192.0.2.7'));
  });

  it('are one for all notations of an address and all addresses of a /64', () => {
    expect(keys.of('default', 'ip', '::ffff:c000:207')).toBe(keys.of('default', 'ip', '192.0.2.7'));
    expect(keys.of('default', 'ip', '2001:db8::1')).toBe(keys.of('default', 'ip', '2001:db8::2'));
  });

  it('differ between dimensions, so that a user named like an address is not that address', () => {
    expect(keys.of('p', 'user', '192.0.2.7')).not.toBe(keys.of('p', 'ip', '192.0.2.7'));
  });

  it('do not show the secret when the object is printed', () => {
    expect(JSON.stringify(keys)).not.toContain('a secret');
  });
});
