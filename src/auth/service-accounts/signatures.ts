import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ServiceAccount } from '../../identity/index.js';
import type { Envelope } from './request-envelope.js';
import { VaultTransit } from './vault-transit.js';

/** Stands in for the key of an account that is not there, so that the time does not tell. */
const nobodysKey = generateKeyPairSync('ed25519').publicKey;

/** Whether a message was signed by the account: with its registered key, or in Vault where it has none. */
@Injectable()
export class Signatures {
  constructor(private readonly vault: VaultTransit) {}

  /**
   * @param account undefined: there is none of that name, and nobody signs for it
   * @throws DependencyUnavailableError (503) where only Vault could say
   */
  async hold(envelope: Envelope, account: ServiceAccount | undefined): Promise<boolean> {
    const { scheme, message, signature } = envelope;
    if (scheme === 'ed25519') return isSignedBy(account?.publicKey, message, signature);
    // An account with a key of its own is not in the hands of whoever may sign in Vault.
    if (!account || account.publicKey !== undefined || !this.vault.configured) return false;
    return await this.vault.verify(message, signature);
  }
}

function isSignedBy(pem: string | undefined, message: Buffer, signature: string): boolean {
  const key = pem === undefined ? nobodysKey : createPublicKey(pem);
  const bytes = Buffer.from(signature, 'base64url');
  // The last character has bits that decoding ignores.
  const isSpeltOnce = bytes.toString('base64url') === signature;
  return verify(null, message, key, bytes) && isSpeltOnce && pem !== undefined;
}
