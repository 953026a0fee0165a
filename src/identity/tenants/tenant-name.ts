import { InvalidIdentityValueError } from '../identity.errors.js';

const MOST_CHARACTERS = 100;
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

/**
 * The spelling of a name that is stored: NFC, without space around it.
 *
 * @throws InvalidIdentityValueError
 */
export function tenantName(text: string): string {
  const name = text.length > MOST_CHARACTERS * 8 ? undefined : text.normalize('NFC').trim();
  const length = name === undefined ? 0 : Array.from(name).length;
  if (name === undefined || length < 1 || length > MOST_CHARACTERS || UNPRINTABLE.test(name)) {
    throw new InvalidIdentityValueError('name', `have 1 to ${MOST_CHARACTERS} printable characters`);
  }
  return name;
}
