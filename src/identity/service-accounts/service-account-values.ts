import { createPublicKey } from 'node:crypto';
import { InvalidIdentityValueError } from '../identity.errors.js';

export const SERVICE_ACCOUNT_NAME = /^[a-z][a-z0-9-]{1,62}$/;
/** Of what a service account may ask for. */
export const SERVICE_SCOPE = /^[a-z][a-z0-9-]{0,31}(?::[a-z][a-z0-9-]{0,31}){0,3}$/;
export const MOST_SERVICE_SCOPES = 32;
/** An access token cannot say a longer one. */
export const LONGEST_SCOPE = 64;
const MOST_PEM_LENGTH = 1024;

export function isServiceAccountName(text: string): boolean {
  return SERVICE_ACCOUNT_NAME.test(text);
}

/** @throws InvalidIdentityValueError */
export function assertServiceAccountName(name: string): void {
  if (isServiceAccountName(name)) return;
  const rule = 'begin with a letter and have 2 to 63 lower-case letters, digits and hyphens';
  throw new InvalidIdentityValueError('name', rule);
}

/**
 * Sorted and each once, so that equal rights are equal texts.
 *
 * @throws InvalidIdentityValueError
 */
export function scopeList(scopes: readonly string[]): string[] {
  const unique = scopes.length > MOST_SERVICE_SCOPES ? [] : [...new Set(scopes)].sort();
  if (unique.length > 0 && unique.every(isScope)) return unique;
  throw new InvalidIdentityValueError(
    'scopes',
    `be 1 to ${MOST_SERVICE_SCOPES} scopes such as billing:read, of at most ${LONGEST_SCOPE} characters each`,
  );
}

function isScope(text: string): boolean {
  return text.length <= LONGEST_SCOPE && SERVICE_SCOPE.test(text);
}

/**
 * @returns the key as this application writes it: SPKI, PEM
 * @throws InvalidIdentityValueError; for a private key as well, which belongs to the account alone
 */
export function publicKeyPem(pem: string): string {
  const given = pem.length <= MOST_PEM_LENGTH && pem.trimStart().startsWith('-----BEGIN PUBLIC KEY-----');
  const key = given ? readKey(pem) : undefined;
  if (key?.asymmetricKeyType === 'ed25519') return key.export({ type: 'spki', format: 'pem' }).toString();
  throw new InvalidIdentityValueError('public_key', 'be an Ed25519 public key (SPKI, PEM: BEGIN PUBLIC KEY)');
}

function readKey(pem: string) {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}
