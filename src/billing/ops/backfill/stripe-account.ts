import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../../kernel/time.js';
import { CLOCK, Metrics } from '../../../telemetry/index.js';
import { BackfillSettings } from '../ops.config.js';
import { StripeKeyMissingError } from '../ops.errors.js';
import { EventList } from './event-list.js';
import { StripeApi, type WaitListener } from './stripe-api.js';
import { StripeHttp } from './stripe-http.js';

/** The account whose events are fetched, as the settings have it. */
@Injectable()
export class StripeAccount {
  constructor(
    readonly settings: BackfillSettings,
    private readonly metrics: Metrics,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  get isConfigured(): boolean {
    return this.settings.secretKey !== undefined;
  }

  /**
   * @throws StripeKeyMissingError
   */
  open(onWait?: WaitListener): { readonly list: EventList; readonly close: () => void } {
    const { apiBase, secretKey } = this.settings;
    if (!secretKey) throw new StripeKeyMissingError();
    const http = new StripeHttp(apiBase, secretKey.reveal());
    const requests = this.metrics.billingBackfillRequests;
    const api = new StripeApi({ http, clock: this.clock, requests, ...(onWait && { onWait }) });
    return { list: new EventList(api), close: () => http.close() };
  }
}
