import { randomBytes } from 'node:crypto';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { AppError } from '../kernel/errors.js';
import { KeyRing } from '../kernel/key-ring.js';
import type { Clock } from '../kernel/time.js';
import { InjectRedis, type PurposeRedis, RedisUnavailableError } from '../redis/index.js';
import { CLOCK, Metrics } from '../telemetry/index.js';
import type { Claim } from './claim.js';
import { type TokenOperation, failClosed } from './fail-closed.js';
import { KindKeys, type Kept, type TokenPlace } from './kind-keys.js';
import { TokenInUseError, TokenInvalidError } from './security-token.errors.js';
import { SecurityTokenPeppers } from './security-tokens.config.js';
import { SettleRetries } from './settle-retries.js';
import { TOKEN_KINDS, type TokenKind } from './token-kinds.js';
import { claimToken, issueToken, settleToken } from './token-scripts.js';
import { isDistinct } from './well-formed.js';

/** How long a claim has the token for itself. */
export const LEASE_MS = 30_000;
/** Claims of one token that nobody gave back, after which it is worth nothing. */
export const MOST_TRIES = 5;

const LONGEST_TEXT_CHARS = 1024;
const CLAIM_ID = /^[\w-]{16,64}$/;

export interface TokenOrder {
  /** Whom the token is for, such as the id of a user; its older tokens of the kind end. */
  readonly subject: string;
  /** What it is for beside that, such as an e-mail address: a claim can ask whether a text is the same. */
  readonly binding?: string;
  /** Handed to whoever claims it. Sealed in Redis. */
  readonly data?: Readonly<Record<string, string>>;
}

export interface IssuedToken {
  /** For the person, and for nobody else: it is nowhere kept. */
  readonly token: string;
  /** Milliseconds since the epoch, by the clock of Redis. */
  readonly expiresAtMs: number;
}

/** `release`: as if it had not been claimed. `fail`: free again, and the claim counts. */
type Settling = 'finish' | 'release' | 'fail';

interface Held {
  readonly place: TokenPlace;
  /** Nobody else can have had it before, milliseconds of the monotonic clock. */
  readonly leasedUntilMs: number;
  /** The token is worth nothing afterwards, at the latest. */
  readonly endsMs: number;
}

/**
 * Tokens that work once: claim, do the work, finish. Among any number of claims one has the token for 30 s. Work that
 * was refused (a rule is broken, SQL is away) gives it back as it was; a process that dies loses it to the next one, and
 * after five of those, or five mistakes of ours, it is over. Where Redis does not answer, every method throws
 * RedisUnavailableError: nothing is remembered here in its place.
 *
 * That work is done once although its `finish` was lost is what `binding` is for: bind the token to something that the
 * work changes (an address with the epoch of its user), and look at it in the transaction of the work.
 */
@Injectable()
export class OneTimeTokens implements BeforeApplicationShutdown {
  private readonly kinds: ReadonlyMap<TokenKind, KindKeys>;
  private readonly held = new WeakMap<Claim, Held>();
  private readonly retries: SettleRetries;

  constructor(
    @InjectRedis('securityTokens') private readonly redis: PurposeRedis<'securityTokens'>,
    peppers: SecurityTokenPeppers,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    const names = Object.keys(TOKEN_KINDS) as TokenKind[];
    this.kinds = new Map(
      names.map((kind) => {
        const row = TOKEN_KINDS[kind];
        return [kind, new KindKeys(kind, row, new KeyRing(peppers[row.pepper]))];
      }),
    );
    this.retries = new SettleRetries(clock);
  }

  /**
   * @throws RedisUnavailableError; the older tokens may have ended then
   * @throws RangeError for texts that are empty, longer than 1024 characters, or no text: a programming error
   */
  async issue(kind: TokenKind, { subject, binding, data = {} }: TokenOrder): Promise<IssuedToken> {
    for (const text of [subject, ...(binding === undefined ? [] : [binding])]) {
      if (!isDistinct(text, LONGEST_TEXT_CHARS))
        throw new RangeError(
          `A ${kind} token needs a subject, and a binding if any, of 1 to 1024 characters`,
        );
    }
    const keys = this.keys(kind);
    const { token, key, digest } = keys.mint(subject);
    const bound = binding === undefined ? {} : { binding: keys.bind(subject, binding) };
    const kept = keys.seal(digest, { subject, data, ...bound });
    const { ttlMs, valid } = keys.row;
    const expiresAtMs = await this.ask('issue', async () => {
      // Those under older secrets of the ring lie elsewhere.
      await this.forget(keys.keysOf(subject).slice(1));
      return issueToken.run(this.redis, [key], [digest, ttlMs, valid, kept]);
    });
    this.count(kind, 'issue', 'issued');
    return { token, expiresAtMs };
  }

  /**
   * @param token whatever was sent; need not be a text
   * @param claimId 16 to 64 letters, digits, `-` and `_`: a claim whose answer was lost is had again by its id
   * @throws TokenInvalidError (400), TokenInUseError (409), RedisUnavailableError (503)
   */
  async claim<Kind extends TokenKind>(kind: Kind, token: unknown, claimId?: string): Promise<Claim<Kind>> {
    if (claimId !== undefined && !CLAIM_ID.test(claimId)) throw new RangeError('Not the id of a claim');
    const keys = this.keys(kind);
    const place = keys.find(token);
    // Not made here: Redis is not asked.
    if (!place) return this.invalid(kind, 'claim', 'forged');
    const id = claimId ?? randomBytes(16).toString('base64url');
    const startMs = this.clock.monotonicMs();
    const held = { place, leasedUntilMs: startMs + LEASE_MS, endsMs: startMs + keys.row.ttlMs };
    const { outcome, kept, leaseMs } = await this.ask('claim', () =>
      claimToken.run(this.redis, [place.key], [id, LEASE_MS, MOST_TRIES, ...place.digests]),
    ).catch((error: unknown) => {
      // Nobody else knows this id, so nobody will ask for this claim again.
      if (claimId === undefined && wasPerhapsExecuted(error)) this.later('release', id, held);
      throw error;
    });
    if (outcome === 'busy') {
      this.count(kind, 'claim', 'in-use');
      throw new TokenInUseError(leaseMs);
    }
    const known = outcome === 'claimed' ? keys.open(place.digests, kept) : undefined;
    if (!known) return this.invalid(kind, 'claim', 'unknown');
    this.count(kind, 'claim', 'claimed');
    const claim = claimOf(keys, id, known) as Claim<Kind>;
    this.held.set(claim, held);
    return claim;
  }

  /**
   * The token is used up. May be called again where the answer was lost.
   *
   * @throws TokenInvalidError where the lease ran out and another claim has the token: undo the work
   * @throws RedisUnavailableError; the token may be used up or not
   */
  async finish(claim: Claim): Promise<void> {
    const held = this.heldBy(claim);
    const outcome = await this.settle('finish', claim.id, held);
    // Ended by a newer one, or by `revoke`, during the work: nobody else can have used it while the lease went on.
    const ours =
      outcome === 'settled' || (outcome === 'gone' && this.clock.monotonicMs() < held.leasedUntilMs);
    if (!ours) return this.invalid(claim.kind, 'finish', outcome);
    this.count(claim.kind, 'finish', 'finished');
  }

  /** The token may be claimed again, as if it had not been. Harmless where the claim does not hold it any more. @throws RedisUnavailableError */
  async release(claim: Claim): Promise<void> {
    await this.settle('release', claim.id, this.heldBy(claim));
    this.count(claim.kind, 'release', 'released');
  }

  /**
   * Claims, works, finishes; gives the token back where `work` throws, and passes its error on: only errors that are no
   * AppError count as one of the five claims. Where the work is done
   * and Redis does not answer any more, the result is returned all the same: the token stays leased, and Redis is told
   * as soon as it answers.
   *
   * @throws as `claim`, and TokenInvalidError where the work took longer than the lease and somebody else has the token
   */
  async use<Kind extends TokenKind, T>(
    kind: Kind,
    token: unknown,
    work: (claim: Claim<Kind>) => Promise<T>,
  ): Promise<T> {
    const claim = await this.claim(kind, token);
    const held = this.heldBy(claim);
    let result: T;
    try {
      result = await work(claim);
    } catch (error) {
      await this.giveBack(claim, error instanceof AppError ? 'release' : 'fail');
      throw error;
    }
    await this.finish(claim).catch((error: unknown) => {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.later('finish', claim.id, held);
    });
    return result;
  }

  /** Ends what is outstanding for a subject. @throws RedisUnavailableError */
  async revoke(kind: TokenKind, subject: string): Promise<void> {
    await this.ask('revoke', () => this.forget(this.keys(kind).keysOf(subject)));
    this.count(kind, 'revoke', 'revoked');
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.retries.stop();
  }

  private async giveBack(claim: Claim, how: 'release' | 'fail'): Promise<void> {
    const held = this.heldBy(claim);
    try {
      await this.settle(how, claim.id, held);
      this.count(claim.kind, 'release', 'released');
    } catch {
      this.later(how, claim.id, held);
    }
  }

  private settle(how: Settling, id: string, { place }: Held) {
    return this.ask(how === 'finish' ? how : 'release', () =>
      settleToken.run(this.redis, [place.key], [id, how, ...place.digests]),
    );
  }

  private later(how: Settling, id: string, held: Held): void {
    // What is not released runs out by itself; what is not finished could be used again for as long as it lives.
    const untilMs = how === 'finish' ? held.endsMs : held.leasedUntilMs;
    this.retries.add({ settle: () => this.settle(how, id, held), untilMs });
  }

  /** One key a command: in a cluster each may be on another node. */
  private async forget(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.redis.unlink(key)));
  }

  private ask<T>(operation: TokenOperation, question: () => Promise<T>): Promise<T> {
    return failClosed(this.metrics, operation, question);
  }

  private invalid(kind: TokenKind, operation: TokenOperation, outcome: string): never {
    this.count(kind, operation, outcome);
    throw new TokenInvalidError();
  }

  private count(kind: TokenKind, operation: TokenOperation, outcome: string): void {
    this.metrics.securityTokenOperations.inc({ kind, operation, outcome });
  }

  private keys(kind: TokenKind): KindKeys {
    const keys = this.kinds.get(kind);
    if (!keys) throw new RangeError('There is no such kind of token: see TOKEN_KINDS');
    return keys;
  }

  private heldBy(claim: Claim): Held {
    const held = this.held.get(claim);
    if (!held) throw new RangeError('Not a claim that was handed out here');
    return held;
  }
}

function claimOf(keys: KindKeys, id: string, { subject, data, binding }: Kept): Claim {
  return {
    id,
    kind: keys.kind,
    subject,
    data,
    matchesBinding: (text) =>
      binding !== undefined && isDistinct(text, LONGEST_TEXT_CHARS) && keys.isBound(subject, text, binding),
  };
}

function wasPerhapsExecuted(error: unknown): boolean {
  return error instanceof RedisUnavailableError && error.maybeExecuted;
}
