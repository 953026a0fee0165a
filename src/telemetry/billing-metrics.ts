import { MetricFactory } from './metric-factory.js';

/** The metrics of billing events; part of Metrics. Types of events are labels only where they are known ones. */
export abstract class BillingMetrics extends MetricFactory {
  readonly billingWebhook = this.fastCounter(
    'billing_webhook_total',
    'Deliveries of Stripe by type of event and result: accepted, unassigned, duplicate, signature, limited, malformed, unavailable or error.',
    ['type', 'result'],
  );
  readonly billingWebhookTwins = this.fastCounter(
    'billing_webhook_twins_total',
    'Deliveries of thin events that have a snapshot twin, by type. Where billing_webhook_total has more of such a type, Stripe delivers it in both styles.',
    ['type'],
  );
  readonly billingWebhookVerify = this.fastHistogram(
    'billing_webhook_verify_seconds',
    'Time to verify the signature of a delivery, whatever came out.',
    [],
  );
  readonly billingWebhookSecret = this.fastCounter(
    'billing_webhook_secret_total',
    'Deliveries by the place in STRIPE_WEBHOOK_SECRET of the secret that signed them, from 1.',
    ['position'],
  );
  readonly billingWebhookSignature = this.counter(
    'billing_webhook_signature_refusals_total',
    'Deliveries whose signature was refused: missing, doubled, malformed, old, future or forged.',
    ['reason'],
  );
  readonly billingIngest = this.fastCounter(
    'billing_ingest_total',
    'Events that were taken in, by where they came from (webhook, backfill) and result: accepted, unassigned, duplicate.',
    ['origin', 'result'],
  );
  readonly billingAppends = this.fastCounter(
    'billing_appends_total',
    'Events that were handed to the log by result: appended, stale (late for their object), duplicate, refused or unavailable.',
    ['result'],
  );
  readonly billingAppend = this.fastHistogram(
    'billing_append_seconds',
    'Time to keep an event in the log, whatever came out.',
    [],
  );
  readonly billingForeignEntries = this.counter(
    'billing_foreign_entries_total',
    'Reads of entries in billing streams that are not of this application, and were passed over.',
    [],
  );
  readonly billingTrimmedEntries = this.counter(
    'billing_trimmed_entries_total',
    'Entries removed for their age or for the ceiling, by stream: log or tenant.',
    ['stream'],
  );
  readonly billingStreamLength = this.gauge(
    'billing_stream_length',
    'Entries in the log when it was last trimmed.',
    [],
  );
  readonly billingStreamOldestAge = this.gauge(
    'billing_stream_oldest_age_seconds',
    'Age of the oldest entry in the log when it was last trimmed.',
    [],
  );
  readonly billingTrimHeld = this.gauge(
    'billing_trim_held',
    '1 while the log keeps entries beyond their time or its ceiling, since the projector has not acknowledged them.',
    [],
  );
  readonly billingServerChanges = this.counter(
    'billing_server_changes_total',
    'Times that the server of the log was another one than before, a restart included, by what became of it: told or failed.',
    ['outcome'],
  );
  readonly billingProjectorDeliveries = this.counter(
    'billing_projector_deliveries_total',
    'Deliveries to the projector by outcome: sent (settled), retried, failed (dead letter), lost or returned.',
    ['outcome'],
  );
  readonly billingProjectorApplied = this.counter(
    'billing_projector_applied_total',
    'Entries by what they changed: applied; older (a later one was there); stateless (about nothing that is kept); unassigned.',
    ['result'],
  );
  readonly billingProjectorLag = this.gauge(
    'billing_projector_lag',
    'Entries of the log that the projector was not given yet.',
    [],
  );
  readonly billingProjectorPending = this.gauge(
    'billing_projector_pending',
    'Entries that the projector was given and has not settled.',
    [],
  );
  readonly billingProjectorOldestAge = this.gauge(
    'billing_projector_oldest_age_seconds',
    'How long the oldest entry has waited that is not applied.',
    [],
  );
  readonly billingDeadLetters = this.gauge(
    'billing_dlq_length',
    'Entries that the projector has given up and nobody has looked after.',
    [],
  );
  readonly billingSseConnections = this.gauge(
    'billing_sse_connections',
    'Streams of billing events that this process holds open.',
    [],
  );
  readonly billingSseSent = this.fastCounter(
    'billing_sse_sent_total',
    'Events that were written to streams: once for each stream.',
    [],
  );
  readonly billingSseClosed = this.counter(
    'billing_sse_closed_total',
    'Streams that ended, by reason: client (it left), age, drain, expired, revoked, slow (too much waited for it), stalled (it took nothing) or error.',
    ['reason'],
  );
  readonly billingSseResumes = this.counter(
    'billing_sse_resume_total',
    'Clients that came back with a cursor, by where what they had missed was found (ring, redis, or ahead of this process) and whether something is missing for good: exact or gap.',
    ['source', 'result'],
  );
  readonly billingSsePendingBytes = this.gauge(
    'billing_sse_pending_bytes',
    'Bytes that clients of streams had not taken at the last heartbeat, all together.',
    [],
  );
  readonly billingReaderLag = this.gauge(
    'billing_reader_lag_seconds',
    'Age of the oldest event of the last read of the log; while Redis does not answer, the time since it did.',
    [],
  );
  readonly billingBackfillProgress = this.gauge(
    'billing_backfill_progress_ratio',
    'How much of its time range the last backfill of this process has behind it, 0 to 1.',
    [],
  );
  readonly billingBackfillRequests = this.counter(
    'billing_backfill_requests_total',
    'Pages that were asked of Stripe by result: ok, limited (429), failed (asked again, or given up) or refused (Stripe will not answer).',
    ['result'],
  );
  readonly billingReplays = this.counter(
    'billing_replayed_total',
    'Events that operators had told again, by target (projector, stream, assign) and result.',
    ['target', 'result'],
  );
}
