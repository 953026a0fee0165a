import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { clientsFor } from './clients.js';
import { Progress, progressLine } from './progress.js';
import { Tally } from './tally.js';

function running(tally = new Tally()) {
  const clients = clientsFor(1000 / 60, 300, true);
  const step = { path: '/', ratePerSecond: 1000 / 60, durationSeconds: 60, clients };
  return { tally, step, startMs: 1000 };
}

describe('A line of progress', () => {
  it('is empty at the start', () => {
    expect(progressLine(running(), 1000)).toBe(
      '[------------------------]  60 s left  16.7/s  0 answered  p95 -  0 errors',
    );
  });

  it('shows what is done, the time left, latency, errors and denials', () => {
    const tally = new Tally();
    for (let n = 0; n < 97; n += 1) tally.record({ status: 200 }, 3);
    tally.record({ status: 503 }, 3);
    tally.record({ failure: 'ECONNRESET' }, 3);
    tally.record({ status: 429 }, 1);
    expect(progressLine(running(tally), 16_000)).toBe(
      '[######------------------]  45 s left  16.7/s  100 answered  p95 3.0 ms  2 errors  1 x 429',
    );
  });

  it('waits for the last answers when the time is over', () => {
    expect(progressLine(running(), 70_000)).toContain('[########################]  waiting for answers');
  });
});

describe('Progress', () => {
  const clock = new ManualClock();
  clock.advance(1000);

  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is a line every five seconds without a terminal', () => {
    const lines: string[] = [];
    const output = { out: () => undefined, err: (line: string) => void lines.push(line) };
    const progress = new Progress(output, clock);
    progress.watch(running());
    vi.advanceTimersByTime(16_000);
    progress.end();
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(3);
  });

  it('is redrawn in place at a terminal, and gone at the end', () => {
    const drawn: string[] = [];
    const lines: string[] = [];
    const output = {
      out: () => undefined,
      err: (line: string) => void lines.push(line),
      live: (line: string) => void drawn.push(line),
    };
    const progress = new Progress(output, clock);
    progress.watch(running());
    vi.advanceTimersByTime(1000);
    progress.end();
    expect(drawn).toHaveLength(6);
    expect(drawn.at(-1)).toBe('');
    expect(lines).toEqual([]);
  });
});
