import { Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { NoStore, RawBodyOnly } from '../../http/index.js';
import { Backpressure, SkipRateLimit } from '../../rate-limit/index.js';
import { BILLING_BACKLOG } from './billing-pressure.js';
import { Delivery } from './delivery.js';

/** Stripe's own events have a few kilobytes; an invoice with many lines has some hundred. */
const MOST_BYTES = 512 * 1024;

/**
 * Where Stripe delivers. It answers 200 once the event is in the log, and everything else makes Stripe come again. The answer
 * has `unassigned: true` where the event is new and belongs to nobody yet.
 */
@Controller('webhooks/stripe')
@SkipRateLimit()
export class StripeWebhookController {
  constructor(private readonly delivery: Delivery) {}

  @Post()
  @HttpCode(200)
  @NoStore()
  @RawBodyOnly(MOST_BYTES)
  @Backpressure(BILLING_BACKLOG)
  async receive(@Req() request: FastifyRequest) {
    const { duplicate, unassigned } = await this.delivery.receive(request);
    return { received: true, duplicate, ...(unassigned && { unassigned }) };
  }
}
