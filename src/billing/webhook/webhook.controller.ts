import { Controller, HttpCode, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PlainRoute, RawBodyOnly } from '../../http/index.js';
import { BackpressureError, Backlogs, SkipRateLimit } from '../../rate-limit/index.js';
import { BILLING_BACKLOG } from './billing-pressure.js';
import { Delivery, type TakenIn } from './delivery.js';

/** Stripe's own events have a few kilobytes; an invoice with many lines has some hundred. */
const MOST_BYTES = 512 * 1024;

/**
 * Where Stripe delivers. It answers 200 once the event is in the log, and everything else makes Stripe come again. The answer
 * has `unassigned: true` where the event is new and belongs to nobody yet.
 */
@Controller('webhooks/stripe')
@SkipRateLimit()
export class StripeWebhookController {
  constructor(
    private readonly delivery: Delivery,
    private readonly backlogs: Backlogs,
  ) {}

  @Post()
  @HttpCode(200)
  @RawBodyOnly(MOST_BYTES)
  @PlainRoute({ refused: 'refused' })
  receive(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    const full = this.backlogs.shed(BILLING_BACKLOG);
    if (full) throw new BackpressureError(full);
    this.delivery.receive(request, {
      resolve: (taken) => {
        reply.header('cache-control', 'no-store');
        reply.type('application/json; charset=utf-8');
        void reply.send(answerOf(taken));
      },
      reject: (error) => void reply.send(error),
    });
  }

  /** What Stripe would not send is limited as what it did not sign. */
  refused(error: Error, { ip }: FastifyRequest): Promise<unknown> {
    return this.delivery.refusedBefore(error, ip);
  }
}

function answerOf({ duplicate, unassigned }: TakenIn): string {
  if (duplicate) return DUPLICATE;
  return unassigned ? UNASSIGNED : ACCEPTED;
}

const ACCEPTED = JSON.stringify({ received: true, duplicate: false });
const DUPLICATE = JSON.stringify({ received: true, duplicate: true });
const UNASSIGNED = JSON.stringify({ received: true, duplicate: false, unassigned: true });
