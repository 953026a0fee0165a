import type { HandshakeError } from '../handshake-error.js';
import type { UnavailableReason } from '../redis.errors.js';

/** From the most telling to the least; a reason that is not here says only that nobody answered. */
const RANKS: readonly (readonly UnavailableReason[])[] = [
  ['topology'],
  ['auth', 'noperm', 'tls', 'protocol'],
];

/**
 * Of several failures the one that says most: a setting that is wrong counts more than a server that is away.
 *
 * @returns the first of the highest rank, undefined where there are none
 */
export function tellingFailure(failures: readonly HandshakeError[]): HandshakeError | undefined {
  for (const reasons of RANKS) {
    const found = failures.find(({ reason }) => reasons.includes(reason));
    if (found) return found;
  }
  return failures[0];
}
