import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AccessTokens } from '../../access/index.js';
import { type ServiceAccount, ServiceAccountTokens } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import type { TokenWish } from './signed-request.js';

const MINUTE_MS = 60_000;
/** Records of expired tokens are dropped by whichever process issues one, no more often than this. */
const SWEEP_AFTER_MS = 10 * MINUTE_MS;
/** They stay as long as this for whoever asks what was issued. */
const KEPT_AFTER_EXPIRY_MS = 60 * MINUTE_MS;

export interface IssuedServiceToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  readonly jti: string;
}

/** Access tokens of service accounts: one is handed out once SQL knows of it, so that it can be taken back. */
@Injectable()
export class ServiceTokenIssuer {
  private sweptAtMs = -Infinity;

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
    this.sweep();
    return { token, expiresInSeconds, jti };
  }

  private sweep(): void {
    if (this.clock.monotonicMs() - this.sweptAtMs < SWEEP_AFTER_MS) return;
    this.sweptAtMs = this.clock.monotonicMs();
    const moment = new Date(this.clock.nowMs() - KEPT_AFTER_EXPIRY_MS);
    // Beside the request, whose answer does not depend on it. The next sweep tries again.
    this.records.forgetBefore(moment).catch(() => undefined);
  }
}
