import type { Settler } from '../../kernel/settler.js';
import { type RequestRecord, noteUsage, requestContext } from '../../telemetry/index.js';
import type { BillingEvent } from './log-entry.js';
import type { LogNotes } from './log-notes.js';
import type { AppendOutcome } from './log-scripts.js';

/** One event on its way into the log, and who waits for it. */
export class Append {
  private readonly startMs: number;
  /** The request that it is made for, if any: a batch goes out for several. */
  private readonly record: RequestRecord | undefined = requestContext.getStore();

  constructor(
    readonly event: BillingEvent,
    private readonly notes: LogNotes,
    private readonly caller: Settler<AppendOutcome>,
  ) {
    this.startMs = notes.nowMs();
  }

  kept(outcome: AppendOutcome): void {
    this.noteUsage(this.notes.kept(outcome, this.startMs));
    this.caller.resolve(outcome);
  }

  /** Redis did not do it, or nobody knows. */
  failed(error: unknown): void {
    this.noteUsage(this.notes.failed(error, this.startMs));
    this.caller.reject(error);
  }

  /** Nothing was sent. */
  refused(error: unknown): void {
    this.notes.failed(error, this.startMs);
    this.caller.reject(error);
  }

  private noteUsage(ms: number): void {
    if (this.record) noteUsage(this.record, 'billingEvents', ms);
  }
}
