import type { Answer } from '../../../e2e/auth/caller.js';
import type { AuthSites } from './sites.js';

/** A request that is ready to be sent. */
export interface ReadyRequest {
  send(): Promise<Answer>;
  /** What a client sends after a 503, where that is not the very same request. */
  readonly again?: () => Promise<Answer>;
}

/** One way to use an endpoint of accounts. */
export interface Visit {
  /** As docs/ARCHITECTURE.md has it: `POST /v1/auth/register`. */
  readonly endpoint: string;
  /** Told apart from other visits of the same endpoint. */
  readonly how?: string;
  /** What it asks of authCache: it reads, or it frees memory. A server that merely takes no new data may carry it out. */
  readonly withoutNewData?: 'reads' | 'frees';
  /** Asks for a one-time token or a nonce, so that `security_token_fail_closed_total` counts it without securityTokens. */
  readonly countsFailClosed?: true;
  /** What the client is told afterwards, if the first request was carried out and its answer was lost. */
  readonly alreadyDone?: number;
  /** SQL is told before Redis: it may be done although Redis refused its part. */
  readonly recordFirst?: true;
  /** Makes all that the request needs, while nothing is wrong. */
  prepare(scene: AuthSites): Promise<ReadyRequest>;
}

export const nameOf = ({ endpoint, how }: Visit): string =>
  how === undefined ? endpoint : `${endpoint} ${how}`;
