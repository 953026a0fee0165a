import { Injectable, Logger } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { isRepeated } from '../../http/index.js';
import { AppError } from '../../kernel/errors.js';
import type { Settler } from '../../kernel/settler.js';
import { RateLimitExceededError, RateLimiter } from '../../rate-limit/index.js';
import { Metrics } from '../../telemetry/index.js';
import { EventStyles } from './event-styles.js';
import { typeLabel } from './event-types.js';
import { Ingest } from './ingest.js';
import { type StripeEvent, readStripeEvent } from './stripe-event.js';
import { StripeSignatures } from './stripe-signatures.js';
import { MalformedEventError, SignatureRefusedError } from './webhook.errors.js';

const HEADER = 'stripe-signature';

/** What a delivery is looked at: the bytes of its body, the signature, and who sent it. */
export type DeliveryRequest = Pick<FastifyRequest, 'rawBody' | 'headers' | 'raw' | 'ip'>;

export interface TakenIn {
  readonly duplicate: boolean;
  readonly unassigned: boolean;
}

/** One delivery of Stripe from its bytes to the log. */
@Injectable()
export class Delivery {
  private readonly logger = new Logger('Delivery');
  private readonly verifySeconds;
  private readonly styles: EventStyles;

  constructor(
    private readonly signatures: StripeSignatures,
    private readonly ingest: Ingest,
    private readonly limiter: RateLimiter,
    private readonly metrics: Metrics,
  ) {
    this.verifySeconds = metrics.billingWebhookVerify.child({});
    this.styles = new EventStyles(metrics, (type) =>
      this.logger.warn(
        `Stripe delivers ${type} both as thin events and as snapshots. Whichever comes first is kept, and a thin one has no ` +
          "object: end one of the two subscriptions, in Stripe's settings of the event destinations.",
      ),
    );
  }

  /**
   * @param settler is told whether the event had been taken before, and else whether nobody knows whose it is, when it is in
   *   the log; or of SignatureRefusedError, RateLimitExceededError where too many of them came from one address,
   *   MalformedEventError, RedisUnavailableError, DatabaseUnavailableError
   */
  receive(request: DeliveryRequest, settler: Settler<TakenIn>): void {
    let raw: string;
    let event: StripeEvent;
    try {
      raw = this.verified(request);
      event = readStripeEvent(parse(raw));
      this.styles.note(event);
    } catch (error) {
      return this.refuse(error, request.ip, settler);
    }
    this.ingest.keep(
      { event, raw, origin: 'webhook' },
      {
        resolve: ({ duplicate, result }) => {
          this.count(event, result);
          settler.resolve({ duplicate, unassigned: result === 'unassigned' });
        },
        reject: (error) => {
          this.count(event, resultOf(error));
          settler.reject(error);
        },
      },
    );
  }

  /**
   * Of a request that Fastify has refused: its media type, or its size.
   *
   * @returns what to answer with
   */
  async refusedBefore(error: Error, ip: string): Promise<unknown> {
    const told = await this.limited(error, ip);
    this.count(undefined, resultOf(told));
    return told;
  }

  /** Nothing of it was kept, and no event is known. */
  private refuse(error: unknown, ip: string, settler: Settler<TakenIn>): void {
    const tell = (told: unknown): void => {
      this.count(undefined, resultOf(told));
      settler.reject(told);
    };
    if (!(error instanceof SignatureRefusedError)) return tell(error);
    this.metrics.billingWebhookSignature.inc({ reason: error.fault });
    // Nobody waits for this promise: where whoever is told throws, its rejection would end the process.
    void this.limited(error, ip)
      .then(tell)
      .catch((thrown: unknown) => this.logger.error(thrown));
  }

  /** @returns the text of a body that Stripe signed */
  private verified({ rawBody, headers, raw }: DeliveryRequest): string {
    const startedMs = performance.now();
    try {
      const text = rawBody?.toString('utf8') ?? '';
      if (isRepeated(raw.rawHeaders, HEADER)) throw new SignatureRefusedError('doubled');
      const header = headers[HEADER];
      const position = this.signatures.verify(text, typeof header === 'string' ? header : undefined);
      this.metrics.billingWebhookSecret.child({ position: String(position) }).inc();
      return text;
    } finally {
      this.verifySeconds.observe((performance.now() - startedMs) / 1000);
    }
  }

  /**
   * Only what is refused before its signature was found to be right is limited: what Stripe sends may come in swarms, from few
   * addresses.
   *
   * @returns what to answer with: what it was refused with, or RateLimitExceededError
   */
  private async limited(refused: Error, ip: string): Promise<unknown> {
    try {
      const decision = await this.limiter.check('webhook-signature', { ip });
      return decision.allowed ? refused : new RateLimitExceededError(decision);
    } catch (error) {
      return error;
    }
  }

  private count(event: StripeEvent | undefined, result: string): void {
    this.metrics.billingWebhook.child({ type: typeLabel(event?.type), result }).inc();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new MalformedEventError('be JSON');
  }
}

function resultOf(error: unknown): string {
  if (error instanceof SignatureRefusedError) return 'signature';
  if (error instanceof RateLimitExceededError) return 'limited';
  if (error instanceof MalformedEventError) return 'malformed';
  return error instanceof AppError && error.status === 503 ? 'unavailable' : 'error';
}
