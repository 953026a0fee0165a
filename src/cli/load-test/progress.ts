import type { Clock } from '../../kernel/time.js';
import type { Output } from '../output.js';
import type { RunningStep } from './run-step.js';

const LIVE_EVERY_MS = 200;
const LINE_EVERY_MS = 5000;
const BAR_WIDTH = 24;

/** Shows how a run is going: a bar that is redrawn at a terminal, else a line every five seconds. */
export class Progress {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly output: Output,
    private readonly clock: Clock,
  ) {}

  watch(running: RunningStep): void {
    this.end();
    const { output, clock } = this;
    const line = () => progressLine(running, clock.monotonicMs());
    // Not unreferenced: between two requests nothing else may keep this process alive.
    this.timer = output.live
      ? setInterval(() => output.live?.(line()), LIVE_EVERY_MS)
      : setInterval(() => output.err(line()), LINE_EVERY_MS);
  }

  end(): void {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.output.live?.('');
  }
}

/** One line: bar, time left, planned rate, latency and errors so far. */
export function progressLine({ tally, step, startMs }: RunningStep, nowMs: number): string {
  const elapsedSeconds = (nowMs - startMs) / 1000;
  const share = Math.min(1, elapsedSeconds / step.durationSeconds);
  const filled = Math.floor(share * BAR_WIDTH);
  const left = Math.max(0, Math.ceil(step.durationSeconds - elapsedSeconds));
  const { requests, serverErrors, unanswered, limited } = tally.counts();
  const p95 = tally.latency.percentileMs(95);
  return [
    `[${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`,
    left > 0 ? `${left} s left` : 'waiting for answers',
    `${step.ratePerSecond.toFixed(1)}/s`,
    `${requests} answered`,
    `p95 ${p95 === undefined ? '-' : `${p95.toFixed(1)} ms`}`,
    `${serverErrors + unanswered} errors`,
    ...(limited === 0 ? [] : [`${limited} x 429`]),
  ].join('  ');
}
