import { Inject, Injectable, Logger } from '@nestjs/common';
import { readBoundedLater } from '../../config/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK, RepeatGuard } from '../../telemetry/index.js';
import { DependencyUnavailableError, type VaultFault } from './service-account.errors.js';
import { readVerdict } from './vault-answer.js';
import { VaultSettings } from './vault.config.js';

/** Requests that wait for Vault at once; whoever comes beyond gets 503 at once, so that a slow Vault holds no memory. */
const MOST_WAITING = 32;
const MOST_TOKEN_BYTES = 16 * 1024;
const SAY_AGAIN_MS = 60_000;

/** Asks Vault Transit whether a signature was made with VAULT_TRANSIT_KEY. Follows no redirect, which would send it the token. */
@Injectable()
export class VaultTransit {
  private readonly logger = new Logger('Vault');
  private readonly repeats: RepeatGuard;
  private waiting = 0;

  constructor(
    private readonly settings: VaultSettings,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.repeats = new RepeatGuard(clock, SAY_AGAIN_MS);
  }

  /** Whether Vault is configured at all. */
  get configured(): boolean {
    return this.settings.address !== undefined;
  }

  /**
   * @param signature `vault:v1:<base64>`
   * @returns false where Vault says that it is not of this message, or cannot be of any
   * @throws DependencyUnavailableError (503) for whatever is no answer
   */
  async verify(message: Buffer, signature: string): Promise<boolean> {
    if (this.waiting >= MOST_WAITING) throw this.fault('busy');
    this.waiting += 1;
    try {
      return await this.ask(message, signature);
    } finally {
      this.waiting -= 1;
    }
  }

  private async ask(message: Buffer, signature: string): Promise<boolean> {
    const { address, transitKey = '', timeoutMs } = this.settings;
    const url = new URL(`/v1/transit/verify/${transitKey}`, address);
    const token = await this.token();
    const signal = AbortSignal.timeout(timeoutMs);
    let verdict: boolean | VaultFault;
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        signal,
        headers: { 'content-type': 'application/json', 'x-vault-token': token },
        body: JSON.stringify({ input: message.toString('base64'), signature }),
      });
      verdict = await readVerdict(response);
    } catch {
      // The library's words hold addresses.
      throw this.fault(signal.aborted ? 'timeout' : 'unreachable');
    }
    if (typeof verdict === 'boolean') return verdict;
    throw this.fault(verdict);
  }

  private async token(): Promise<string> {
    try {
      const bytes = await readBoundedLater(this.settings.tokenFile ?? '', MOST_TOKEN_BYTES);
      const token = bytes.toString('utf8').trim();
      if (/^[\x21-\x7e]+$/.test(token)) return token;
    } catch {
      // Said below, without the words of the system.
    }
    throw this.fault('no-token');
  }

  private fault(reason: VaultFault): DependencyUnavailableError {
    this.repeats.once(reason, (suppressed) =>
      this.logger.warn(`Vault did not verify a signature: ${HINTS[reason]}`, { reason, suppressed }),
    );
    // Spread, so that those who were refused together do not come back together.
    return new DependencyUnavailableError(reason, 2000 + Math.random() * 6000);
  }
}

const HINTS: Readonly<Record<VaultFault, string>> = {
  unreachable: 'no connection to VAULT_ADDR',
  timeout: 'no answer of VAULT_ADDR within VAULT_TIMEOUT_MS',
  refused: 'it refused; look whether the token of VAULT_TOKEN_FILE may verify with VAULT_TRANSIT_KEY',
  redirect: 'VAULT_ADDR answered with a redirect, which is not followed; give the address of Vault itself',
  'foreign-answer': 'the answer is not one of Vault Transit; look at VAULT_ADDR and VAULT_TRANSIT_KEY',
  busy: `${MOST_WAITING} requests wait for it already`,
  'no-token': 'VAULT_TOKEN_FILE holds no token that can be read',
};
