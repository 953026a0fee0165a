import { Controller, Get, Inject } from '@nestjs/common';
import { expect, it } from 'vitest';
import { LimitEngine } from '../limit-engine.js';
import { RateLimiter } from '../rate-limiter.js';
import { limitedApps } from './limited-app.rig.js';
import { RateLimitExceededError } from './rate-limit.errors.js';

const start = limitedApps();

@Controller('v1/exports')
class ExportsController {
  private readonly limiter: RateLimiter;

  constructor(@Inject(LimitEngine) engine: LimitEngine) {
    this.limiter = new RateLimiter(engine);
  }

  /** As the handler of a feature would, which limits by what it has read from elsewhere. */
  @Get()
  async read(): Promise<object> {
    const decision = await this.limiter.check('stream-connect', { ip: '192.0.2.77' });
    if (!decision.allowed) throw new RateLimitExceededError(decision);
    return {};
  }
}

it('a denial that a handler throws is what the line of the request says', async () => {
  const { app, records } = await start({ controllers: [ExportsController] });
  const ask = async () => (await app.inject({ url: '/v1/exports' })).statusCode;
  for (let at = 0; at < 20; at += 1) expect(await ask()).toBe(200);
  expect(records.at(-1)).toMatchObject({ rateLimitState: 'allow', rateLimitPolicy: 'default' });
  expect(await ask()).toBe(429);
  expect(records.at(-1)).toMatchObject({
    rlBackend: 'memory',
    rateLimitState: 'throttle',
    rateLimitPolicy: 'stream-connect',
  });
});
