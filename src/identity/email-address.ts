import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import { foldCase } from './case-folding.js';

/** What an SMTP path may have, octets (RFC 5321 §4.5.3.1). */
const MOST_ADDRESS_BYTES = 254;
const MOST_LOCAL_BYTES = 64;

/** Nothing that cannot be seen: controls, separators, half characters, code points without a meaning. */
const INVISIBLE = /[\p{C}\p{Z}]/u;

export interface EmailAddress {
  /** As it was typed, in NFC: mails go there. Show it, store it, never look an account up by it. */
  readonly email: string;
  /** The one spelling by which an account is found: case folded, the domain in ASCII. At most 254 bytes. */
  readonly key: string;
}

/**
 * Two spellings of one mailbox have one key: letters that differ in case only (Unicode simple folding, the same in
 * every language), composed and decomposed accents, a domain in Unicode and in Punycode. Dots and tags (`a+b@`) stay,
 * because what they mean is the business of each mail server.
 *
 * Whoever sends mail to an account sends it to the address that is stored there, not to the one that was asked for:
 * two addresses of one key need not be the same mailbox.
 *
 * @returns undefined for what is no address, whatever its type
 */
export function normalizeEmail(text: unknown): EmailAddress | undefined {
  // The bound comes first: everything after it takes time by the length.
  if (typeof text !== 'string' || text.length > MOST_ADDRESS_BYTES) return undefined;
  const email = text.normalize('NFC');
  if (INVISIBLE.test(email) || !isEmail(email)) return undefined;
  const at = email.lastIndexOf('@');
  const local = email.slice(0, at);
  // A quoted local part may hold anything, line breaks and further addresses included.
  if (local.includes('"')) return undefined;
  const domain = domainToASCII(email.slice(at + 1));
  const key = `${foldCase(local).normalize('NFC')}@${domain}`;
  if (domain === '' || Buffer.byteLength(local) > MOST_LOCAL_BYTES) return undefined;
  if (Buffer.byteLength(email) > MOST_ADDRESS_BYTES || Buffer.byteLength(key) > MOST_ADDRESS_BYTES) {
    return undefined;
  }
  return { email, key };
}
