import { randomBytes } from 'node:crypto';
import type {
  BuiltInPurpose,
  CredentialProvider,
  CredentialProviders,
  IssuedCredentials,
} from '../../../src/redis/index.js';
import type { RedisServer } from '../../support/redis-server.js';
import { PURPOSE_NAMES } from './rig.js';

/** Issues tokens as a cloud does: the server knows each one until it expires, and forgets it then. */
export class TokenIssuer implements CredentialProvider {
  fetches = 0;
  mostAtOnce = 0;
  /** Runs before a token is issued; may throw or hang. */
  before: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  /** The server learns the next tokens too late, that is never. */
  unknown = 0;
  /** Of each token. */
  ending = '';
  private underway = 0;
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(
    private readonly server: RedisServer,
    private readonly user: BuiltInPurpose,
    private readonly lifetimeMs: number,
  ) {}

  async fetch(signal: AbortSignal): Promise<IssuedCredentials> {
    this.fetches += 1;
    this.underway += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.underway);
    try {
      await this.before(signal);
      const password = `canary-token-${randomBytes(12).toString('hex')}${this.ending}`;
      const expiresAtMs = Date.now() + this.lifetimeMs;
      if (this.unknown > 0) this.unknown -= 1;
      else await this.teach(password);
      return { username: this.user, password, expiresAtMs };
    } finally {
      this.underway -= 1;
    }
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  private async teach(token: string): Promise<void> {
    await this.server.admin().call('ACL', 'SETUSER', this.user, `>${token}`);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.server
        .admin()
        .call('ACL', 'SETUSER', this.user, `<${token}`)
        .catch(() => undefined);
    }, this.lifetimeMs);
    this.timers.add(timer);
  }
}

export type Issuers = Readonly<Record<BuiltInPurpose, TokenIssuer>> & CredentialProviders;

export function issuersOn(server: RedisServer, lifetimeMs: number): Issuers {
  const issuers = PURPOSE_NAMES.map((name) => [name, new TokenIssuer(server, name, lifetimeMs)]);
  return Object.fromEntries(issuers) as Issuers;
}
