import { Logger } from '@nestjs/common';
import { BehaviorSubject, type Observable } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../kernel/manual-clock.js';
import { type PurposeStatus, RedisCommandError, RedisStatus, RedisUnavailableError } from '../redis/index.js';
import { Metrics, RepeatGuard } from '../telemetry/index.js';
import { BackendSwitch } from './backend-switch.js';
import type { KeyedLimit } from './gcra.js';
import { MemoryBackend } from './memory-backend.js';
import type { BackendDecision, RateLimitBackend } from './rate-limit.backend.js';

const limits: KeyedLimit[] = [{ key: 'k', intervalUs: 1_000_000, burst: 3, cost: 1 }];
const timeout = new RedisUnavailableError({
  purpose: 'rateLimit',
  reason: 'timeout',
  retryAfterMs: 1000,
  maybeExecuted: true,
});

class ToldStatus extends RedisStatus {
  readonly required: readonly string[] = [];
  readonly subject: BehaviorSubject<PurposeStatus>;

  constructor(first: Partial<PurposeStatus>) {
    super();
    this.subject = new BehaviorSubject(statusOf(first));
  }

  tell(next: Partial<PurposeStatus>): void {
    this.subject.next(statusOf(next));
  }

  all(): PurposeStatus[] {
    return [this.subject.value];
  }

  of(): PurposeStatus {
    return this.subject.value;
  }

  changes(): Observable<PurposeStatus> {
    return this.subject;
  }

  ready(): boolean {
    return true;
  }
}

const statusOf = (over: Partial<PurposeStatus>): PurposeStatus =>
  ({ purpose: 'rateLimit', state: 'up', outage: 'degrade', ...over }) as PurposeStatus;

/** Stands where Redis does, and fails when told to. */
class Remote implements RateLimitBackend {
  calls = 0;
  error: Error | undefined;

  spend(): Promise<BackendDecision> {
    this.calls += 1;
    if (this.error) return Promise.reject(this.error);
    const outcomes = [{ remaining: 2, resetUs: 1, waitUs: 0 }];
    return Promise.resolve({ allowed: true, outcomes, backend: 'redis', degraded: false });
  }
}

function setUp(first: Partial<PurposeStatus> = {}) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const redis = new Remote();
  const memory = new MemoryBackend({ clock, maxKeys: 10, degraded: true });
  const status = new ToldStatus(first);
  const warnings = new RepeatGuard(clock, 300_000);
  const backend = new BackendSwitch({ redis, memory, status, purpose: 'rateLimit', metrics, warnings });
  backend.onModuleInit();
  const fallbacks = async () => (await metrics.redisFallback.get()).values;
  return { redis, status, backend, fallbacks };
}

describe('the switch between backends', () => {
  const log = vi.spyOn(Logger.prototype, 'log');
  const warn = vi.spyOn(Logger.prototype, 'warn');
  const error = vi.spyOn(Logger.prototype, 'error');
  beforeEach(() => [log, warn, error].forEach((spy) => spy.mockReset().mockReturnValue(undefined)));
  afterEach(() => vi.clearAllMocks());

  const CONNECTED = 'Redis rate limiting backend connected';

  it('lets Redis decide while the purpose is up, and says that it is connected', async () => {
    const { backend, fallbacks } = setUp();
    expect(await backend.spend(limits)).toMatchObject({ backend: 'redis', degraded: false });
    expect(log.mock.calls).toEqual([[CONNECTED]]);
    expect(await fallbacks()).toEqual([]);
  });

  it('decides the very check in memory whose call failed, labelled and counted', async () => {
    const { backend, redis, fallbacks } = setUp();
    redis.error = timeout;
    const decision = await backend.spend(limits);
    expect(decision).toMatchObject({ allowed: true, backend: 'memory', degraded: true });
    expect(decision.outcomes[0]?.remaining).toBe(2);
    expect(redis.calls).toBe(1);
    expect(await fallbacks()).toEqual([{ labels: { purpose: 'rateLimit', reason: 'timeout' }, value: 1 }]);
  });

  it('does not call Redis while the status says that it is away', async () => {
    const { backend, redis, fallbacks } = setUp({ state: 'degraded', reason: 'refused' });
    expect(await backend.spend(limits)).toMatchObject({ backend: 'memory', degraded: true });
    expect(redis.calls).toBe(0);
    expect(await fallbacks()).toEqual([{ labels: { purpose: 'rateLimit', reason: 'refused' }, value: 1 }]);
    expect(log).not.toHaveBeenCalled();
  });

  it('enforces the limit in memory too', async () => {
    const { backend } = setUp({ state: 'degraded' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => backend.spend(limits)));
    expect(answers.filter(({ allowed }) => allowed)).toHaveLength(3);
  });

  it('is back on Redis with the next decision after recovery, and says so', async () => {
    const { backend, status } = setUp();
    status.tell({ state: 'degraded', reason: 'reset' });
    await backend.spend(limits);
    status.tell({ state: 'up' });
    status.tell({ state: 'up', latencyMs: 1 });
    expect(await backend.spend(limits)).toMatchObject({ backend: 'redis' });
    expect(log.mock.calls).toEqual([[CONNECTED], [CONNECTED]]);
  });

  it('writes no line per request while Redis is away', async () => {
    const { backend } = setUp({ state: 'degraded', reason: 'refused' });
    for (let at = 0; at < 100; at += 1) await backend.spend(limits);
    expect(warn).not.toHaveBeenCalled();
  });

  it('has no substitute where the outage is set to closed', async () => {
    const { backend, redis, status, fallbacks } = setUp({ outage: 'closed' });
    redis.error = timeout;
    await expect(backend.spend(limits)).rejects.toBe(timeout);
    status.tell({ outage: 'closed', state: 'down', reason: 'refused' });
    await expect(backend.spend(limits)).rejects.toBe(timeout);
    expect(await fallbacks()).toEqual([]);
  });

  it('survives a command that the server refuses, and logs it as an error', async () => {
    const { backend, redis } = setUp();
    redis.error = new RedisCommandError('rateLimit', 'evalsha', 'WRONGTYPE', 'wrong kind of value');
    expect(await backend.spend(limits)).toMatchObject({ backend: 'memory', degraded: true });
    await backend.spend(limits);
    expect(error).toHaveBeenCalledTimes(1);
  });

  it('does not hide an error of our own', async () => {
    const { backend, redis } = setUp();
    redis.error = new TypeError('a bug');
    await expect(backend.spend(limits)).rejects.toThrow('a bug');
  });

  it('listens no longer after shutdown', () => {
    const { backend, status } = setUp();
    expect(status.subject.observed).toBe(true);
    backend.onApplicationShutdown();
    expect(status.subject.observed).toBe(false);
  });
});
