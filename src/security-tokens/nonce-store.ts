import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { InjectRedis, type PurposeRedis } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { failClosed } from './fail-closed.js';
import { ReplayStateLostError, ReplayedNonceError, StaleRequestError } from './security-token.errors.js';
import { NonceSettings } from './security-tokens.config.js';
import { useNonce } from './token-scripts.js';
import { isDistinct } from './well-formed.js';

/** Nonces are kept for as long as their requests may be sent: nobody may say that this is for ever. */
export const LONGEST_WINDOW_MS = 24 * 3_600_000;
const LONGEST_TEXT_CHARS = 1024;
/** 128 bits: enough for no two key ids to meet. */
const KEY_ID_CHARS = 22;

/** When a signed request may be accepted, milliseconds since the epoch, as it says itself. */
export interface RequestWindow {
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

/**
 * Lets a signed request in once. A nonce is kept for the whole time in which its request would be accepted, and what was
 * signed before a moment that the nonces may be lost for is refused. Ask last, when signature, time and content of the
 * request are proven: only then is its nonce anybody's.
 */
@Injectable()
export class NonceStore {
  private readonly logger = new Logger('NonceStore');

  constructor(
    @InjectRedis('securityTokens') private readonly redis: PurposeRedis<'securityTokens'>,
    private readonly metrics: Metrics,
    private readonly settings: NonceSettings,
  ) {}

  /**
   * @param keyId of the key that the signature was made with; has nonces of its own
   * @throws ReplayedNonceError (401): it was used before, or is no text that can be told from others
   * @throws ReplayStateLostError (401), with when to sign anew: the nonces of its time are not known (any more)
   * @throws StaleRequestError (401): the request is not valid now by the clock of Redis, or for more than 24 hours
   * @throws RedisUnavailableError (503); the nonce may be used up then, and the request has to be signed anew
   */
  async use(keyId: string, nonce: string, { issuedAtMs, expiresAtMs }: RequestWindow): Promise<void> {
    if (!isDistinct(nonce, LONGEST_TEXT_CHARS)) return this.refuse('replayed', 0);
    if (!isWindow(issuedAtMs, expiresAtMs)) return this.refuse('stale', 0);
    const { outcome, waitMs, moved } = await this.ask(keyId, [digest(nonce), issuedAtMs, expiresAtMs]);
    if (moved) this.logger.warn(this.news(waitMs), { key: keyName(keyId) });
    if (outcome !== 'fresh') return this.refuse(outcome, waitMs);
    this.metrics.securityNonceUses.inc({ outcome });
  }

  /**
   * Begins to remember for a key before its first request, so that this one need not wait: when a key is registered. May be
   * called as often as one likes.
   *
   * @returns milliseconds until requests that are signed then are let in
   * @throws RedisUnavailableError
   */
  async prepare(keyId: string): Promise<{ readonly acceptsInMs: number }> {
    const { waitMs } = await this.ask(keyId, ['', 0, 0]);
    return { acceptsInMs: waitMs };
  }

  private ask(keyId: string, [nonce, issuedAtMs, expiresAtMs]: readonly [string, number, number]) {
    if (!isDistinct(keyId, LONGEST_TEXT_CHARS))
      throw new RangeError('The id of a key is a text of 1 to 1024 characters');
    const { skewMs } = this.settings;
    const key = `st:n:{${keyName(keyId)}}`;
    return failClosed(this.metrics, 'nonce', () =>
      useNonce.run(
        this.redis,
        [`${key}:birth`, `${key}:seen`],
        [nonce, issuedAtMs, expiresAtMs + skewMs, skewMs],
      ),
    );
  }

  private refuse(outcome: 'replayed' | 'lost' | 'stale', waitMs: number): never {
    this.metrics.securityNonceUses.inc({ outcome });
    if (outcome === 'replayed') throw new ReplayedNonceError();
    if (outcome === 'lost') throw new ReplayStateLostError(waitMs);
    throw new StaleRequestError();
  }

  private news(waitMs: number): string {
    return (
      'The nonces of a key are not known: it is used for the first time, or Redis has lost them, was restarted or has ' +
      `failed over. Requests that are signed with it in the next ${waitMs} ms are refused.`
    );
  }
}

function isWindow(issuedAtMs: number, expiresAtMs: number): boolean {
  const whole = Number.isSafeInteger(issuedAtMs) && Number.isSafeInteger(expiresAtMs);
  return whole && issuedAtMs <= expiresAtMs && expiresAtMs - issuedAtMs <= LONGEST_WINDOW_MS;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Not with a pepper: a key's birth would be lost with the pepper, and a random nonce is no secret worth guessing. */
function keyName(keyId: string): string {
  return digest(keyId).slice(0, KEY_ID_CHARS);
}
