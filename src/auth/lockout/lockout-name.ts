import type { User } from '../../identity/index.js';

/**
 * What an account is called in the lockout: its user, under the epoch that SQL has. Where that grows, failures and locks of
 * before are those of a name that nobody asks for any more, whether Redis can be told or not. An address without an account
 * is called by itself, so whoever opens one there begins with no guesses of others, and leaves none behind with the address.
 *
 * @param accountKey the one spelling of the e-mail address
 * @param user undefined: nobody has the address
 */
export function lockoutName(accountKey: string, user: User | undefined): string {
  return user ? `${user.lockoutEpoch} ${user.id}` : accountKey;
}
