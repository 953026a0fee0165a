import { Controller, Get, Post } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { Ruling } from '../counting/subject.js';
import type { Policy } from '../policies/policy.js';
import { type LimitedAppOptions, openLimitedApp } from './limited-app.rig.js';
import { RateLimit } from './rate-limit.decorator.js';

@Controller('v1/things')
class ThingsController {
  @Get(['', ':id'])
  read(): object {
    return {};
  }

  @Post()
  @RateLimit({ policy: 'signup', cost: { known: 'arrival', of: () => 1000 } })
  dear(): object {
    return {};
  }
}

const limited = (outage: 'local' | 'deny'): Policy => ({
  limits: [{ per: 'ip', quota: 2, windowMs: 60_000, burst: 2, outage }],
});

const everybody: Ruling = {
  edition: 1,
  anyBlocked: true,
  blockedUntilMs: () => 3_600_500,
  limitFor: (limit) => limit,
};

/** The last of three answers, of which nothing but the date may tell who decided. */
async function lastOf(
  by: 'hook' | 'guard',
  options: Partial<LimitedAppOptions>,
  method: 'GET' | 'POST' = 'GET',
) {
  const { app } = await openLimitedApp({ controllers: [ThingsController], by, ...options });
  const url = '/v1/things/%22quoted%5C%22?secret=1';
  const ask = () => app.inject({ method, url: method === 'GET' ? url : '/v1/things' });
  const answers = [await ask(), await ask(), await ask()];
  await app.close();
  return answers.map(({ statusCode, headers: { date: _date, ...headers }, body }) => ({
    statusCode,
    headers,
    order: Object.keys(headers),
    body,
  }))[2];
}

describe.each([
  ['allowed', {}, 'GET', 200, undefined],
  ['throttled', { policies: { default: limited('local') } }, 'GET', 429, 'quota-exceeded'],
  ['too dear for any wait', {}, 'POST', 429, 'quota-exceeded'],
  ['blocked by an operator', { ruling: everybody }, 'GET', 429, 'abnormal-usage-detected'],
  [
    'not countable while Redis is away',
    { policies: { default: limited('deny') }, lost: true },
    'GET',
    503,
    'temporary-reduced-capacity',
  ],
] as const)('a request that is %s', (...[, options, method, status, slug]) => {
  it('is answered by the hook with the bytes and headers of the guard', async () => {
    const [hook, guard] = [await lastOf('hook', options, method), await lastOf('guard', options, method)];
    expect(hook?.statusCode).toBe(status);
    expect(hook).toEqual(guard);
    const problem = JSON.parse(hook?.body ?? '') as Record<string, unknown>;
    expect(problem['type']).toBe(slug && `/problems/${slug}`);
    if (!slug) return;
    expect(hook?.headers).toHaveProperty('ratelimit');
    expect(hook?.headers['retry-after']).toBe(String(problem['retry_after']));
    expect(problem['instance']).not.toContain('secret');
  });
});
