import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokens } from '../../access/index.js';
import { type ServiceAccount, ServiceAccountTokens } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import type { TokenWish } from './signed-request.js';

const MINUTE_MS = 60_000;

export interface IssuedServiceToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly jti: string;
}

/** Access tokens of service accounts: one is handed out once SQL knows of it, so that it can be taken back. */
@Injectable()
export class ServiceTokenIssuer {
  constructor(
    private readonly tokens: AccessTokens,
    private readonly records: ServiceAccountTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** @throws DatabaseUnavailableError; there may be a record then of a token that nobody has */
  async issue(account: ServiceAccount, { scopes, lifetime_minutes }: TokenWish): Promise<IssuedServiceToken> {
    const jti = randomUUID();
    const nowMs = this.clock.nowMs();
    const { id: accountId, tenantId, tokenEpoch: epoch } = account;
    const { token, expiresInSeconds } = await this.tokens.issue(
      { userId: accountId, tenantId, role: 'member', scopes, sessionId: jti, epoch, service: true },
      { jti, mostLifeMs: lifetime_minutes * MINUTE_MS },
    );
    const expiresAt = new Date(nowMs + expiresInSeconds * 1000);
    await this.records.record({ jti, accountId, scopes, issuedAt: new Date(nowMs), expiresAt });
    return { token, expiresInSeconds, jti };
  }
}
