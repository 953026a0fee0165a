import { readFileSync } from 'node:fs';
import { foldCase } from '../case-folding.js';
import { BloomFilter } from './bloom-filter.js';

/** Made by scripts/build-password-blocklist.mjs; lies beside the compiled code as well. */
const FILE = new URL('./password-blocklist.bloom', import.meta.url);

/**
 * Some 475,000 passwords that are in use everywhere, so that whoever guesses tries them first. Shipped with the
 * application: nothing of a password leaves the process. About one in a million others is taken for one of them.
 */
export class PasswordBlocklist {
  private filter: BloomFilter | undefined;

  /** Whatever its case. 1.7 MB are read at the first call. */
  has(password: string): boolean {
    this.filter ??= BloomFilter.fromBytes(readFileSync(FILE));
    return this.filter.has(blocklistSpelling(password));
  }
}

/** A different case makes no common password a rare one. */
export function blocklistSpelling(password: string): string {
  return foldCase(password.normalize('NFC'));
}
