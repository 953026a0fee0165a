import { type EmailAddress, InvalidIdentityValueError, normalizeEmail } from '../../identity/index.js';

/** @param field of the body. @throws InvalidIdentityValueError (422) for what is no address */
export function plausibleEmail(field: string, text: string): EmailAddress {
  const address = normalizeEmail(text);
  if (!address) throw new InvalidIdentityValueError(field, 'be an e-mail address');
  return address;
}
