import type { BackfillRecord } from '../../billing/ops/backfill/backfill-record.js';
import { progressOf } from '../../billing/ops/backfill/backfill-record.js';
import type { Clock } from '../../kernel/time.js';
import type { Output } from '../output.js';

const LIVE_EVERY_MS = 200;
const LINE_EVERY_MS = 5000;
const BAR_WIDTH = 24;

/** How far one is, beside how far it was when this process began. */
export interface Stretch {
  readonly record: BackfillRecord;
  readonly began: BackfillRecord;
  readonly elapsedMs: number;
}

/** Shows how a backfill is going: a bar that is drawn anew at a terminal, else a line every five seconds. */
export class BackfillProgress {
  private readonly startMs: number;
  private readonly timer: NodeJS.Timeout;
  private record: BackfillRecord;
  private waitingUntilMs = 0;
  private why = '';

  constructor(
    private readonly began: BackfillRecord,
    private readonly output: Output,
    private readonly clock: Clock,
  ) {
    this.record = began;
    this.startMs = clock.monotonicMs();
    // Not unreferenced: while Stripe asks to wait, nothing else may keep this process alive.
    this.timer = output.live
      ? setInterval(() => output.live?.(this.line()), LIVE_EVERY_MS)
      : setInterval(() => output.err(this.line()), LINE_EVERY_MS);
  }

  show(record: BackfillRecord): void {
    this.record = record;
  }

  /** @param why completes "Stripe …" */
  waits(ms: number, why: string): void {
    this.waitingUntilMs = this.clock.monotonicMs() + ms;
    this.why = why;
    if (!this.output.live) this.output.err(`Stripe ${why}. It is asked again in ${Math.ceil(ms / 1000)} s.`);
  }

  end(): void {
    clearInterval(this.timer);
    this.output.live?.('');
    this.output.err(this.line());
  }

  private line(): string {
    const nowMs = this.clock.monotonicMs();
    const line = progressLine({ record: this.record, began: this.began, elapsedMs: nowMs - this.startMs });
    const leftMs = this.waitingUntilMs - nowMs;
    return leftMs > 0 ? `${line}  waits ${Math.ceil(leftMs / 1000)} s: Stripe ${this.why}` : line;
  }
}

/** One line: bar, share of the time range, rate, time left, and what became of the events. */
export function progressLine({ record, began, elapsedMs }: Stretch): string {
  const share = progressOf(record);
  const filled = Math.floor(share * BAR_WIDTH);
  const { taken, duplicates, refused } = record;
  const handled = taken + duplicates + refused - (began.taken + began.duplicates + began.refused);
  const rate = elapsedMs > 0 ? handled / (elapsedMs / 1000) : 0;
  return [
    `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`,
    `${(share * 100).toFixed(1)} %`,
    `${rate.toFixed(0)}/s`,
    timeLeft({ share, before: progressOf(began), elapsedMs }),
    `${taken} new`,
    `${duplicates} known`,
    ...(refused === 0 ? [] : [`${refused} refused`]),
  ].join('  ');
}

/** By the share that was done in the time that this process has worked. */
function timeLeft({
  share,
  before,
  elapsedMs,
}: {
  share: number;
  before: number;
  elapsedMs: number;
}): string {
  if (share >= 1) return 'done';
  if (share <= before || elapsedMs <= 0) return 'time left unknown';
  const seconds = Math.ceil(((1 - share) * elapsedMs) / (share - before) / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min left`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
}
