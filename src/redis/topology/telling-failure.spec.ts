import { describe, expect, it } from 'vitest';
import { HandshakeError } from '../handshake-error.js';
import type { UnavailableReason } from '../redis.errors.js';
import { tellingFailure } from './telling-failure.js';

const failures = (...reasons: UnavailableReason[]) =>
  reasons.map((reason, index) => new HandshakeError(reason, `${index}`));

describe('tellingFailure', () => {
  it.each<[UnavailableReason[], string | undefined]>([
    [[], undefined],
    [['refused', 'timeout'], '0'],
    [['refused', 'auth'], '1'],
    [['timeout', 'noperm', 'auth'], '1'],
    [['reset', 'tls'], '1'],
    [['dns', 'protocol'], '1'],
    [['refused', 'auth', 'topology'], '2'],
  ])('of %j chooses the most telling', (reasons, message) => {
    expect(tellingFailure(failures(...reasons))?.message).toBe(message);
  });
});
