import { Injectable } from '@nestjs/common';
import { type CountSeries, Metrics } from '../../telemetry/index.js';
import type { CloseReason } from './close-reason.js';

const REASONS = ['client', 'age', 'drain', 'expired', 'revoked', 'slow', 'stalled', 'error'] as const;

/** What the streams of this process count. All series are exposed as zero from the start; none names a tenant. */
@Injectable()
export class StreamMetrics {
  private readonly sentEvents: CountSeries;

  constructor(private readonly metrics: Metrics) {
    this.sentEvents = metrics.billingSseSent.child({});
    metrics.billingSseConnections.set(0);
    for (const reason of REASONS) metrics.billingSseClosed.inc({ reason }, 0);
  }

  opened(): void {
    this.metrics.billingSseConnections.inc();
  }

  closed(reason: CloseReason): void {
    this.metrics.billingSseConnections.dec();
    this.metrics.billingSseClosed.inc({ reason });
  }

  sent(events: number): void {
    this.sentEvents.inc(events);
  }

  resumed(source: 'ring' | 'redis' | 'ahead', result: 'exact' | 'gap'): void {
    this.metrics.billingSseResumes.inc({ source, result });
  }

  pending(bytes: number): void {
    this.metrics.billingSsePendingBytes.set(bytes);
  }
}
