import { Injectable } from '@nestjs/common';
import type { ServiceAccount } from '../../identity/index.js';
import { NonceStore } from '../../security-tokens/index.js';
import { FlowGate } from '../throttle/flow-gate.js';
import type { ArrivedRequest } from './judge-claims.js';
import type { Envelope } from './request-envelope.js';
import { RequestJudge } from './request-judge.js';
import { nonceKeyOf } from './nonce-key.js';
import { type IssuedServiceToken, ServiceTokenIssuer } from './service-token-issuer.js';

export interface ServiceTokenAnswer extends IssuedServiceToken {
  readonly account: ServiceAccount;
}

/** A token for a signed request, once: signature, time and claims, then the nonce, then the quota, then the token. */
@Injectable()
export class TokenRequests {
  constructor(
    private readonly judge: RequestJudge,
    private readonly nonces: NonceStore,
    private readonly gate: FlowGate,
    private readonly issuer: ServiceTokenIssuer,
  ) {}

  /**
   * @param address of the client
   * @throws what RequestJudge throws; ReplayedNonceError, ReplayStateLostError (401), TooManyAttemptsError (429);
   * RedisUnavailableError (503), after which the nonce may be used up
   */
  async perform(envelope: Envelope, request: ArrivedRequest, address: string): Promise<ServiceTokenAnswer> {
    const { account, window } = await this.judge.prove(envelope, request);
    await this.nonces.use(nonceKeyOf(account), envelope.claims.nonce, window);
    const issued = await this.gate.spendFor(
      'service-token',
      { account: `service:${account.id}`, ip: address },
      () => this.issuer.issue(account, request.wish),
    );
    return { account, ...issued };
  }
}
