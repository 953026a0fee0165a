import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { RepeatGuard } from '../../telemetry/index.js';
import { OutageLog } from './outage-log.js';

const INTERVAL_MS = 60_000;

function setUp(instances = 3) {
  const clock = new ManualClock();
  const lines: unknown[][] = [];
  const note =
    (level: string) =>
    (...said: unknown[]) =>
      void lines.push([level, ...said]);
  const log = new OutageLog({
    logger: { log: note('log'), warn: note('warn'), error: note('error') },
    clock,
    warnings: new RepeatGuard(clock, INTERVAL_MS),
    instances: () => instances,
  });
  return { clock, lines, log };
}

describe('the log of an outage', () => {
  it('warns once per interval with reason, instances and share, however many decisions there are', () => {
    const { clock, lines, log } = setUp();
    for (let at = 0; at < 1000; at += 1) log.substituted('refused');
    expect(lines).toEqual([
      [
        'warn',
        'Redis does not count rate limits now (refused): this instance does, one of 3',
        { reason: 'refused', instances: 3, share: 0.3333, suppressed: 0 },
      ],
    ]);
    clock.advance(INTERVAL_MS);
    log.substituted('timeout');
    expect(lines).toHaveLength(2);
    expect(lines[1]?.[2]).toEqual({ reason: 'timeout', instances: 3, share: 0.3333, suppressed: 999 });
  });

  it('says in one line that Redis is back, and how many decisions were made here', () => {
    const { clock, lines, log } = setUp();
    log.returned();
    log.left();
    lines.splice(0);
    log.substituted('refused');
    clock.advance(1500);
    log.substituted('refused');
    log.returned();
    expect(lines.slice(1)).toEqual([
      ['log', 'Redis rate limiting backend connected', { local_decisions: 2, away_ms: 1500 }],
    ]);
    log.returned();
    expect(lines.at(-1)).toEqual(['log', 'Redis rate limiting backend connected']);
  });

  it('takes a call that failed while Redis was there for no part of an outage', () => {
    const { clock, lines, log } = setUp();
    log.returned();
    log.substituted('timeout', new Error('no answer in time'));
    clock.advance(3_600_000);
    log.left();
    clock.advance(500);
    log.substituted('refused');
    clock.advance(1500);
    log.returned();
    expect(lines.at(-1)?.[2]).toEqual({ local_decisions: 1, away_ms: 2000 });
  });

  it('does not begin an outage with what is denied after the return', () => {
    const { clock, lines, log } = setUp();
    log.substituted('refused');
    log.returned();
    const { length } = lines;
    clock.advance(INTERVAL_MS);
    log.substituted('refused');
    expect(lines).toHaveLength(length);
    log.left();
    log.returned();
    expect(lines.at(-1)).toEqual(['log', 'Redis rate limiting backend connected']);
  });

  it('counts an outage that was there before the start from the start', () => {
    const { clock, lines, log } = setUp();
    clock.advance(700);
    log.substituted('refused');
    clock.advance(300);
    log.returned();
    expect(lines.at(-1)?.[2]).toEqual({ local_decisions: 1, away_ms: 1000 });
  });

  it('names a refusal that comes while all else is well, once', () => {
    const { lines, log } = setUp(1);
    for (let at = 0; at < 10; at += 1) log.substituted('other', new Error('evalsha on rateLimit failed'));
    expect(lines.filter(([level]) => level === 'error')).toEqual([
      ['error', 'Counting in memory: evalsha on rateLimit failed'],
    ]);
  });
});
