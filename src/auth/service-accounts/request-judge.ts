import { Inject, Injectable } from '@nestjs/common';
import { type ServiceAccount, ServiceAccounts } from '../../identity/index.js';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { AccountDisabledError } from '../auth.errors.js';
import { type ArrivedRequest, type SignedWindow, judgeClaims, judgeWindow } from './judge-claims.js';
import type { Envelope } from './request-envelope.js';
import { InvalidSignatureError } from './service-account.errors.js';
import { assertMayHave } from './service-scopes.js';
import { Signatures } from './signatures.js';

/** Whom a signed request is from, and until when it may be sent. */
export interface ProvenRequest {
  readonly account: ServiceAccount;
  readonly window: SignedWindow;
}

/** Everything about a signed request that can be said without using up its nonce. */
@Injectable()
export class RequestJudge {
  constructor(
    private readonly accounts: ServiceAccounts,
    private readonly signatures: Signatures,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * The signature first: only what is signed is told more than that it is not.
   *
   * @throws InvalidSignatureError, StaleRequestError (401), AccountDisabledError, ForbiddenError (403),
   * DependencyUnavailableError, DatabaseUnavailableError (503)
   */
  async prove(envelope: Envelope, request: ArrivedRequest): Promise<ProvenRequest> {
    const { claims } = envelope;
    const account = await this.accounts.byName(claims.account);
    const signed = await this.signatures.hold(envelope, account);
    if (!account || !signed) throw new InvalidSignatureError();
    const window = judgeWindow(claims, this.clock.nowMs());
    judgeClaims(claims, request);
    if (account.disabled) throw new AccountDisabledError();
    const { tenant_id: tenantId, scopes } = request.wish;
    assertMayHave(account, { tenantId, scopes });
    return { account, window };
  }
}
