import { describe, expect, it } from 'vitest';
import { RedisCommandError, RedisIsolationError, RedisUnavailableError } from '../redis/index.js';
import { Metrics } from '../telemetry/index.js';
import { failClosed } from './fail-closed.js';

const away = new RedisUnavailableError({
  purpose: 'securityTokens',
  reason: 'readonly',
  retryAfterMs: 1000,
  maybeExecuted: false,
});

async function end(error: Error) {
  const metrics = new Metrics();
  const thrown: unknown = await failClosed(metrics, 'claim', () => Promise.reject(error)).catch(
    (reason: unknown) => reason,
  );
  const { values } = await metrics.securityTokenFailClosed.get();
  return { thrown, counted: values.map(({ labels, value }) => [labels.operation, labels.reason, value]) };
}

describe('failClosed', () => {
  it('hands on what Redis answers, and counts nothing', async () => {
    const metrics = new Metrics();
    expect(await failClosed(metrics, 'nonce', async () => 7)).toBe(7);
    expect((await metrics.securityTokenFailClosed.get()).values).toEqual([]);
  });

  it('hands on that Redis is away, and counts it with its reason', async () => {
    expect(await end(away)).toEqual({ thrown: away, counted: [['claim', 'readonly', 1]] });
  });

  it.each([
    ['REPLY', 'protocol'],
    ['ERR', 'other'],
    ['WRONGTYPE', 'other'],
  ])('says of a server that answers %s that it is unavailable', async (code, reason) => {
    const { thrown, counted } = await end(new RedisCommandError('script', 'claim-token', code, 'odd'));
    expect(thrown).toMatchObject({ purpose: 'securityTokens', status: 503, reason, maybeExecuted: true });
    expect(thrown).toBeInstanceOf(RedisUnavailableError);
    expect(counted).toEqual([['claim', reason, 1]]);
  });

  it('hides no mistake of ours', async () => {
    const mistake = new RedisIsolationError('securityTokens', 'get', 'not allowed');
    expect(await end(mistake)).toEqual({ thrown: mistake, counted: [['claim', 'other', 1]] });
  });
});
