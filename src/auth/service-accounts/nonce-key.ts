import type { ServiceAccount } from '../../identity/index.js';

/** Under which nonces of an account are remembered: those of one account are nothing to another. */
export function nonceKeyOf({ id, publicKey }: Pick<ServiceAccount, 'id' | 'publicKey'>): string {
  return `${publicKey === undefined ? 'vault' : 'ed25519'}:${id}`;
}
