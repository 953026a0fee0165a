import { Injectable } from '@nestjs/common';
import type { ServiceAccount } from '../../identity/index.js';
import { AppError } from '../../kernel/errors.js';
import { NonceStore } from '../../security-tokens/index.js';
import { nonceKeyOf } from './nonce-key.js';

/** The memory for the nonces of a key begins with the key, so that its first request is not refused. */
@Injectable()
export class SignerNonces {
  constructor(private readonly store: NonceStore) {}

  /** Where Redis does not answer, the key is there all the same: its first request hears when to sign anew. */
  async remember(account: Pick<ServiceAccount, 'id' | 'publicKey'>): Promise<void> {
    try {
      await this.store.prepare(nonceKeyOf(account));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
}
