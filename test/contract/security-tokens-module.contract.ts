import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterEach, describe, expect, it } from 'vitest';
import type { Environment } from '../../src/config/index.js';
import { RedisTestingModule, getRedisToken } from '../../src/redis/index.js';
import {
  NonceStore,
  OneTimeTokens,
  SecurityTokensModule,
  UnsubscribeTokens,
} from '../../src/security-tokens/index.js';
import { withEngine } from './support/engine.js';

let app: INestApplicationContext | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function boot(env: Environment): Promise<INestApplicationContext> {
  app = await NestFactory.createApplicationContext(
    RedisTestingModule.forFeatures([SecurityTokensModule], { env }),
    { logger: false, abortOnError: false },
  );
  return app;
}

withEngine('The module of security tokens', (engine) => {
  it.each(['test', 'development'])('works in %s', async (profile) => {
    const booted = await boot({
      APP_PROFILE: profile,
      SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${engine.port}`,
      ...Object.fromEntries(PEPPERS.map((name) => [`SECURITY_TOKEN_${name}_PEPPER`, name.padEnd(32, '.')])),
    });
    const tokens = booted.get(OneTimeTokens);
    const { token } = await tokens.issue('emailVerification', { subject: 'u1' });
    expect(await tokens.use('emailVerification', token, async ({ subject }) => subject)).toBe('u1');
    expect(await booted.get(NonceStore).prepare('key')).toEqual({ acceptsInMs: 30_000 });
    const unsubscribe = booted.get(UnsubscribeTokens);
    expect(unsubscribe.read(unsubscribe.token('s1', 2))).toEqual({ subscriptionId: 's1', epoch: 2 });
  });
});

const PEPPERS = [
  'EMAIL_VERIFICATION',
  'PASSWORD_RESET',
  'STATUS_CONFIRM',
  'WEBHOOK_CHALLENGE',
  'STREAM_TICKET',
  'INVITATION',
  'UNSUBSCRIBE',
];

describe('The module of security tokens without a URL', () => {
  it('has an engine of its own in the demo, which runs the same scripts', async () => {
    const booted = await boot({ APP_PROFILE: 'demo' });
    const tokens = booted.get(OneTimeTokens);
    const { token } = await tokens.issue('passwordReset', { subject: 'u1' });
    await tokens.use('passwordReset', token, async () => undefined);
    await expect(tokens.claim('passwordReset', token)).rejects.toMatchObject({ status: 400 });
    expect(booted.get<object>(getRedisToken('securityTokens'), { strict: false })).toBeDefined();
  });
});
